"""What an account does not send now, for the status: paused, held, expired, or to be decided."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from clawlane.ops.pause import PauseInfo
from clawlane.store.reader import Reader
from clawlane.store.retention import FORGOTTEN

Fields = dict[str, Any]


def stopped_of(reader: Reader, account: str, now_ms: int) -> Fields:
    """`pauses` (see `clawlane.ops.pause`), the number of turns `waiting`, and of those `expired`.

    `held` is what pacing holds, by reply: `thread`, `chunks` that wait in it, `reason` (the rule),
    `until_ms`, `turn` (or null), `aside` (whether later replies pass it). `decisions` is what waits for the
    operator: `sends` of unknown fate and `dead_letters`, and how many of those were `forgotten`. `look_ups`
    are the kinds of thread in which a look-up has found what the account sent, so that unknown fates can
    settle themselves there.
    """
    forgotten = reader.activity(account).counters.get(FORGOTTEN, 0)
    return {
        "pauses": [asdict(PauseInfo.of(pause)) for pause in reader.pauses() if pause.account == account],
        "waiting": reader.waiting_turns(account),
        "expired": reader.expired(account),
        "held": [{**asdict(one), "thread": str(one.thread)} for one in reader.held(account, now_ms)],
        "decisions": {
            "sends": reader.undecided_sends(account),
            "dead_letters": reader.dead_letter_count(account),
            "forgotten": forgotten,
        },
        "look_ups": [str(kind) for kind in reader.returned(account)],
    }
