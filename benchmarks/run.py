"""`make bench`: every measurement, one after the other. Figures are of this machine, this minute."""

from __future__ import annotations

from benchmarks import access, against_reference, command, decode, gateway, lane, linear, store, upload


def main() -> None:
    for part in (access, linear, decode, against_reference, upload, command, gateway, lane, store):
        part.run()


if __name__ == "__main__":
    main()
