"""`make bench`: every measurement, one after the other. The figures are those of this machine, now.

`python -m benchmarks.run NAME …` measures only these parts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import (
    access,
    against_reference,
    agents,
    command,
    decode,
    engines,
    lane_admission,
    lane_rest,
    lane_turns,
    linear,
    store,
    upload,
    window,
)
from benchmarks.figure import Part, measure

PARTS: dict[str, Part] = {
    "access": access.run,
    "linear": linear.run,
    "decode": decode.run,
    "against_reference": against_reference.run,
    "upload": upload.run,
    "command": command.run,
    "lane_admission": lane_admission.run,
    "lane_turns": lane_turns.run,
    "lane_rest": lane_rest.run,
    "store": store.run,
    "engines": engines.run,
    "agents": agents.run,
    "window": window.run,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the named parts, or all. Returns 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure and compare.")
    parser.add_argument("parts", nargs="*", metavar="NAME", help=", ".join(PARTS))
    names = parser.parse_args(argv).parts or list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"no part is called {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    return measure({name: PARTS[name] for name in names})


if __name__ == "__main__":
    sys.exit(main())
