"""Chaos: a gateway that is killed, cut off and starved while people write, and what Zalo's side saw of it.

    PYTHONPATH=tests:. python -m chaos.run [--messages 500] [--threads 30] [--rate 8] [--seed 1] [--stories 1]
        [--kills 20] [--drops 6] [--faults 8] [--fills 4] [--only kills,drops,api,disk]
        [--resend when-absent|never] [--agent echo|model] [--keep FOLDER]
    PYTHONPATH=tests:. python -m chaos.run --gateways 3 [--accounts 60] [--messages 1500] [--rate 5]
        [--troubles 24] [--seed 1] [--stories 1] [--keep FOLDER]

Prints `delivered 500, answered 500, duplicates 0, lost 0` (and `held N` for what waits for the operator) for
each story, and ends with 0 only if nothing was lost, sent twice or out of order, and the gateway never fell
over. `--only` leaves out the other kinds of trouble. `--stories` plays that many, each with the next seed.
With `--agent model` a model answers that reacts and sends a text by its tool in each turn; both are counted.
`--keep` leaves the state directory and the gateway's output for a look.

With `--gateways` so many of them share a PostgreSQL server of the story's own, and other things go wrong: see
`chaos.nodes.plan`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from chaos.nodes import story as nodes
from chaos.nodes.ending import Ending as NodesEnding
from chaos.nodes.plan import Scenario as NodesScenario
from chaos.plan import AGENTS, KINDS, Scenario, draw
from chaos.story import Ending, play


def main(argv: Sequence[str] | None = None) -> int:
    """Play the stories that the arguments ask for. Gives the exit code."""
    options = _options(argv)
    well = True
    for seed in range(options.seed, options.seed + options.stories):
        with tempfile.TemporaryDirectory(prefix="clawlane-chaos-") as folder:
            kept = (options.keep or Path(folder)) / f"seed-{seed}"
            kept.mkdir(parents=True)
            started = time.monotonic()
            ending = _several(options, seed, kept) if options.gateways > 1 else _one(options, seed, kept)
            print(f"{ending}\n{time.monotonic() - started:.0f} s", flush=True)
            well &= ending.well
    return 0 if well else 1


def _one(options: argparse.Namespace, seed: int, folder: Path) -> Ending:
    scenario = Scenario(seed=seed, **_given(options, Scenario))
    told = f"seed {seed}, {len(draw(scenario))} troubles"
    print(f"{told}, resendUnknown {scenario.resend}, agent {scenario.agent}", flush=True)
    return asyncio.run(play(scenario, folder))


def _several(options: argparse.Namespace, seed: int, folder: Path) -> NodesEnding:
    scenario = NodesScenario(seed=seed, **_given(options, NodesScenario))
    told = f"seed {seed}, {scenario.gateways} gateways, {scenario.accounts} accounts"
    print(f"{told}, {scenario.troubles} troubles", flush=True)
    return asyncio.run(nodes.play(scenario, folder))


def _given(options: argparse.Namespace, scenario: type[Scenario | NodesScenario]) -> dict[str, Any]:
    """What of a scenario was asked for; the rest is as usual."""
    names = {one.name for one in fields(scenario)} - {"seed"}
    return {name: value for name, value in vars(options).items() if name in names and value is not None}


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos.run")
    for name in ("messages", "threads", "kills", "drops", "faults", "fills", "accounts", "troubles"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--gateways", type=int, default=1, help="how many share a database")
    parser.add_argument("--rate", type=float, help="messages a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stories", type=int, default=1, help="how many, each with the next seed")
    parser.add_argument("--only", type=_kinds, help=f"some of {','.join(KINDS)}")
    parser.add_argument("--resend", choices=("when-absent", "never"))
    parser.add_argument("--agent", choices=AGENTS)
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
