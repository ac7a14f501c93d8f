"""What a story is played on: a simulator, an operator who has logged in, and a gateway not started yet."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.lane import Lane
from chaos.plan import Scenario
from chaos.witness import Witness, witnessed
from demo.stage import Missing, Operator, Simulator, running, simulated
from end_to_end.steps import log_in

_ZALO = Path(__file__).with_name("zalo.py")
_MODEL = Path(__file__).with_name("model.py")
_ROOT = Path(__file__).parents[2]
_CHANNEL = {
    "enabled": True,
    "dmPolicy": "open",
    "allowFrom": ["*"],
    "groupPolicy": "disabled",
    "acks": "auto",
    "lookUpGap": "1s",
    "pacing": {"enabled": False},
}


@dataclass(frozen=True, slots=True)
class Stage:
    """`state` is the state directory of the gateway."""

    witness: Witness
    lane: Lane
    state: Path
    operator: Operator


@asynccontextmanager
async def staged(folder: Path, scenario: Scenario) -> AsyncIterator[Stage]:
    """Everything in processes of its own, in an empty folder, while this is entered."""
    state = folder / "state"
    program = [sys.executable, str(_ZALO), str(folder / "simulator.pem"), str(scenario.seed)]
    with simulated(program) as zalo, _agent(scenario.agent) as agent:
        channels = {"zalouser": {**_CHANNEL, "resendUnknown": scenario.resend}}
        operator = _linked(zalo, state, {"channels": channels, **agent})
        # A process that cannot write whole files must not leave compiled modules cut off in the source tree.
        starved = Operator({**operator.env, "PYTHONDONTWRITEBYTECODE": "1"})
        async with witnessed(zalo.control) as witness:
            yield Stage(witness, Lane(starved, folder / "gateway.out"), state, operator)


@contextmanager
def _agent(kind: str) -> Iterator[Mapping[str, Any]]:
    """What the config says of the agent; a model runs beside the gateway."""
    if kind == "echo":
        yield {}
        return
    env = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with running([sys.executable, str(_MODEL)], env) as process:
        assert process.stdout is not None
        if not (url := process.stdout.readline().strip()):
            raise Missing("the model did not start")
        yield {
            "agents": {"defaults": {"model": "chaos/any", "allowStrangers": True}},
            "models": {"providers": {"chaos": {"baseUrl": url}}},
        }


def _linked(zalo: Simulator, state: Path, config: Mapping[str, Any]) -> Operator:
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(json.dumps(config))
    operator = Operator.at(state, zalo.network)
    _ran(operator, "plugins", "install", "@openclaw/zalouser")
    done = log_in(operator, zalo)
    if done.returncode:
        raise Missing(f"the login failed: {done.stdout}")
    return operator


def _ran(operator: Operator, *words: str) -> None:
    done = operator.run(*words)
    if done.returncode:
        raise Missing(f"openclaw {' '.join(words)}: {done.stdout}")
