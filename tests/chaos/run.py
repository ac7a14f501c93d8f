"""Chaos: a gateway that is killed, cut off and starved while people write, and what Zalo's side saw of it.

    PYTHONPATH=tests python -m chaos.run [--messages 500] [--threads 30] [--rate 8] [--seed 1] [--stories 1]
        [--kills 20] [--drops 6] [--faults 8] [--fills 4] [--only kills,drops,api,disk]
        [--resend when-absent|never] [--agent echo|model] [--keep FOLDER]

Prints `delivered 500, answered 500, duplicates 0, lost 0` (and `held N` for what waits for the operator) for
each story, and ends with 0 only if nothing was lost, sent twice or out of order, and the gateway never fell
over. `--only` leaves out the other kinds of trouble. `--stories` plays that many, each with the next seed.
With `--agent model` a model answers that reacts and sends a text by its tool in each turn; both are counted.
`--keep` leaves the state directory and the gateway's output for a look.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from chaos.plan import AGENTS, KINDS, Scenario, draw
from chaos.story import play


def main(argv: Sequence[str] | None = None) -> int:
    """Play the stories that the arguments ask for. Gives the exit code."""
    options = _options(argv)
    well = True
    for number in range(options.stories):
        scenario = replace(_scenario(options), seed=options.seed + number)
        with tempfile.TemporaryDirectory(prefix="clawlane-chaos-") as folder:
            well &= _play(scenario, (options.keep or Path(folder)) / f"seed-{scenario.seed}")
    return 0 if well else 1


def _play(scenario: Scenario, folder: Path) -> bool:
    folder.mkdir(parents=True)
    started = time.monotonic()
    print(
        f"seed {scenario.seed}, {len(draw(scenario))} troubles, resendUnknown {scenario.resend},"
        f" agent {scenario.agent}",
        flush=True,
    )
    ending = asyncio.run(play(scenario, folder))
    print(f"{ending}\n{time.monotonic() - started:.0f} s", flush=True)
    return ending.well


def _scenario(options: argparse.Namespace) -> Scenario:
    return Scenario(
        messages=options.messages,
        threads=options.threads,
        rate=options.rate,
        kills=options.kills,
        drops=options.drops,
        faults=options.faults,
        fills=options.fills,
        resend=options.resend,
        only=options.only,
        agent=options.agent,
    )


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    usual = Scenario()
    parser = argparse.ArgumentParser(prog="python -m chaos.run")
    for name in ("messages", "threads", "kills", "drops", "faults", "fills", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(usual, name))
    parser.add_argument("--rate", type=float, default=usual.rate, help="messages a second")
    parser.add_argument("--stories", type=int, default=1, help="how many, each with the next seed")
    parser.add_argument("--only", type=_kinds, default=KINDS, help=f"some of {','.join(KINDS)}")
    parser.add_argument("--resend", choices=("when-absent", "never"), default=usual.resend)
    parser.add_argument("--agent", choices=AGENTS, default=usual.agent)
    parser.add_argument("--keep", type=Path, help="a folder in which everything is left")
    return parser.parse_args(argv)


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    unknown = set(kinds) - set(KINDS)
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return kinds


if __name__ == "__main__":
    sys.exit(main())
