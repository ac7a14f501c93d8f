"""`make bench`: the measurements, one after the other. The figures are those of this machine, now.

`python -m benchmarks.run NAME …` measures only these parts. The parts `accounts` and `cluster` take up to a
quarter of an hour: they are measured only when they are named. These and `engines` take sizes from options.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from benchmarks import (
    access,
    accounts,
    against_reference,
    agents,
    cluster,
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
    "accounts": accounts.run,
    "cluster": cluster.run,
}
_LONG = ("accounts", "cluster")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the named parts, or all but the long ones. Returns 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure and compare.")
    parser.add_argument("parts", nargs="*", metavar="NAME", help=", ".join(PARTS))
    for part, usual, sizes in (
        ("accounts", accounts.Size(), accounts.SIZES),
        ("cluster", cluster.Size(), cluster.SIZES),
        ("engines", engines.Size(), engines.SIZES),
    ):
        for one, kind in sizes.items():
            default = getattr(usual, one)
            text = f"{part}: {kind} (%(default)s)"
            parser.add_argument(f"--{one}", type=type(default), default=default, metavar="N", help=text)
    options = parser.parse_args(argv)
    several = accounts.Size(**{one: getattr(options, one) for one in accounts.SIZES})
    shared = cluster.Size(**{one: getattr(options, one) for one in cluster.SIZES})
    both = engines.Size(**{one: getattr(options, one) for one in engines.SIZES})
    names = options.parts or [name for name in PARTS if name not in _LONG]
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"no part is called {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    sized: dict[str, Part] = {
        **PARTS,
        "accounts": partial(accounts.run, several),
        "cluster": partial(cluster.run, shared),
        "engines": partial(engines.run, both),
    }
    return measure({name: sized[name] for name in names})


if __name__ == "__main__":
    sys.exit(main())
