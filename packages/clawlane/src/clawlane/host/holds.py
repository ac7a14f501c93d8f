"""What an account does not send now, for the status: what is paused, what pacing holds, what expired."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clawlane.host.pause_commands import pause_answer
from clawlane.store.pacing import Head
from clawlane.store.reader import Reader
from clawlane.turns.gate import Gate

Fields = dict[str, Any]


def stopped_of(reader: Reader, account: str) -> Fields:
    """`pauses` (see `clawlane.host.pause_commands`), the number of turns `waiting`, and of those `expired`.

    `held` is empty here: only a running gateway knows what it holds. `decisions` is what waits for the
    operator: `sends` of unknown fate, and `dead_letters`.
    """
    return {
        "pauses": [pause_answer(pause) for pause in reader.pauses() if pause.account == account],
        "waiting": reader.waiting_turns(account),
        "expired": reader.expired(account),
        "held": [],
        "decisions": {
            "sends": reader.undecided_sends(account),
            "dead_letters": reader.dead_letter_count(account),
        },
    }


def held(gate: Gate, heads: Iterable[Head], now_ms: int) -> list[Fields]:
    """The threads whose next text may not leave yet: `thread`, `chunks` that wait, `reason`, `until_ms`."""
    found = ((head, gate.held(head.chunk, now_ms)) for head in heads)
    return [
        {
            "thread": str(head.chunk.out.thread),
            "chunks": head.waiting,
            "reason": why.reason,
            "until_ms": why.until_ms,
        }
        for head, why in found
        if why is not None
    ]
