"""`make bench`: every measurement, one after the other. Figures are of this machine, this minute."""

from __future__ import annotations

from benchmarks import against_reference, command, decode, gateway


def main() -> None:
    for part in (decode, against_reference, command, gateway):
        part.run()


if __name__ == "__main__":
    main()
