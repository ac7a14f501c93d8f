"""What a story is played on: a simulator, an operator who has logged in, and a gateway not started yet."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.lane import Lane
from chaos.witness import Witness, witnessed
from demo.stage import Missing, Operator, Simulator, running
from end_to_end.steps import log_in

_ZALO = Path(__file__).with_name("zalo.py")
_CONFIG = """{ channels: { zalouser: {
  enabled: true, dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled',
  acks: 'auto', resendUnknown: '%s', lookUpGap: '1s', pacing: { enabled: false },
} } }
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """`state` is the state directory of the gateway."""

    witness: Witness
    lane: Lane
    state: Path


@asynccontextmanager
async def staged(folder: Path, seed: int, resend: str) -> AsyncIterator[Stage]:
    """Everything in processes of its own, in an empty folder, while this is entered."""
    state = folder / "state"
    with _simulated(folder, seed) as zalo:
        operator = _linked(zalo, state, resend)
        # A process that cannot write whole files must not leave compiled modules cut off in the source tree.
        starved = Operator({**operator.env, "PYTHONDONTWRITEBYTECODE": "1"})
        async with witnessed(zalo.control) as witness:
            yield Stage(witness, Lane(starved, folder / "gateway.out"), state)


@contextmanager
def _simulated(folder: Path, seed: int) -> Iterator[Simulator]:
    command = [sys.executable, str(_ZALO), str(folder / "simulator.pem"), str(seed)]
    with running(command, dict(os.environ)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Missing("the simulator did not start")
        ready = json.loads(line)
        yield Simulator(ready["control"], f"127.0.0.1:{ready['port']},{ready['ca']}")


def _linked(zalo: Simulator, state: Path, resend: str) -> Operator:
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(_CONFIG % resend)
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
