"""The lane in one run: admission beside the disk, echo turns through the simulator, memory at rest."""

from __future__ import annotations

from benchmarks import lane_admission, lane_rest, lane_turns


def run() -> None:
    """Measure and print."""
    for part in (lane_admission, lane_turns, lane_rest):
        part.run()


if __name__ == "__main__":
    run()
