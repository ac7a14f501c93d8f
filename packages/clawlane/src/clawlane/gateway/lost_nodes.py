"""Alarms about nodes that are lost, and whose accounts wait for somebody to say where they run.

An alarm belongs to an account, and no gateway could tell anybody of those that wait. So each lost node is
told of once, on an account that runs: the first by name. Whoever runs that one raises the alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from clawlane.alarm_kinds import AlarmKind
from clawlane.store.alarm_told import Alarm, Change, Ended, Evidence, Raised
from clawlane.store.claims import Claimant, Standing
from clawlane.store.nodes import Entered

_MOST_NAMES = 10
"""Accounts that an alarm names; it counts all of them."""


class Waiting(NamedTuple):
    """The accounts of a lost node that wait, and since when it is lost."""

    accounts: list[str]
    since_ms: int


def waiting(
    me: Claimant, standings: Iterable[Standing], known: Mapping[str, Entered], now_ms: int
) -> dict[str, Waiting]:
    """The nodes that have been lost for as long as a takeover would have waited, with what they ran."""
    found: dict[str, Waiting] = {}
    for one in standings:
        owner = known.get(one.node)
        if owner is None:
            continue
        since_ms = one.since_ms if one.ended else owner.beat_ms
        if now_ms - since_ms > me.after_ms:
            named = found.setdefault(one.node, Waiting([], since_ms))
            named.accounts.append(one.account)
    return found


def changes(
    lost: Mapping[str, Waiting], opened: Iterable[Alarm], first: str, here: Collection[str]
) -> Sequence[tuple[str, Change]]:
    """What is to be raised and ended on accounts that run `here`; `first` is the first that runs anywhere."""
    opened = list(opened)
    found: list[tuple[str, Change]] = [
        (one.account, Ended(one.kind, one.key))
        for one in opened
        if one.key not in lost and one.account in here
    ]
    told = {one.key for one in opened}
    if first in here:
        found += [(first, _raised(name, one)) for name, one in lost.items() if name not in told]
    return found


def _raised(name: str, lost: Waiting) -> Raised:
    evidence: Evidence = {
        "node": name,
        "gone_ms": lost.since_ms,
        "waiting": len(lost.accounts),
        "held_up": sorted(lost.accounts)[:_MOST_NAMES],
    }
    return Raised(AlarmKind.NODE_LOST, evidence, name)
