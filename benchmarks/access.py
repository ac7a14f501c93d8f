"""How long one access decision takes, with long allowlists and many groups.

Measured is the CPU time of this thread, and the quickest of several rounds counts: what else the machine does
makes a round longer, never shorter.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.figure import Figure
from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.decision import Rule
from clawlane.access.names import ConfigName, NameList, Pin, Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.config.choices import DmPolicy
from clawlane.config.patterns import compile_pattern
from clawlane.messages import Inbound, Mention, Quote, Thread, ThreadKind

_DECISIONS, _ENTRIES, _GROUPS, _ROUNDS = 10_000, 500, 200, 5
_LIMIT_US = 20.0
_NOW = 1_700_000_000_000
_ME = "100000000000000000"
_FIRST_SENDER, _FIRST_GROUP = 1471383327500480000, 8000000000000000000


def run() -> Iterator[Figure]:
    """Microseconds a decision."""
    policy, grants, messages = _policy(), _grants(), _messages()
    rounds = [_microseconds(messages, policy, grants) for _ in range(_ROUNDS)]
    note = (
        f"median {statistics.median(rounds):.1f} of {_ROUNDS} rounds of {_DECISIONS}; "
        f"{_ENTRIES} entries, {_GROUPS} groups"
    )
    yield Figure("access decision", min(rounds), "µs", note, limit=_LIMIT_US)


def _microseconds(messages: list[Inbound], policy: AccessPolicy, grants: Grants) -> float:
    started = time.thread_time()
    for message in messages:
        decide(message, policy, grants, _NOW)
    return (time.thread_time() - started) / len(messages) * 1e6


def _policy() -> AccessPolicy:
    """Half of the senders and of the groups are written as names."""
    people = [str(_FIRST_SENDER + n) if n % 2 else f"Người {n}" for n in range(_ENTRIES)]
    keys = [str(_FIRST_GROUP + n) if n % 2 else f"Nhóm {n}" for n in range(_GROUPS)]
    rules = [GroupRule(key, Rule(f"groups['{key}']"), denies=n % 20 == 0) for n, key in enumerate(keys)]
    return AccessPolicy(
        dm=DmPolicy.PAIRING,
        allow=Allowlist.of(people, NameList.ALLOW_FROM),
        group_allow=Allowlist.of(people, NameList.GROUP_ALLOW_FROM),
        group_table=GroupTable.of([*rules, GroupRule("*", Rule("groups['*']"))]),
        mention_patterns=(compile_pattern(r"\bclaw\b"), compile_pattern(r"\bbé\s+cua\b")),
    )


def _grants() -> Grants:
    pins = [
        Pin(ConfigName(where, f"Người {n}"), (str(_FIRST_SENDER + n),))
        for where in (NameList.ALLOW_FROM, NameList.GROUP_ALLOW_FROM)
        for n in range(0, _ENTRIES, 2)
    ]
    pins += [
        Pin(ConfigName(NameList.GROUPS, f"Nhóm {n}"), (str(_FIRST_GROUP + n),)) for n in range(0, _GROUPS, 2)
    ]
    sent = frozenset(str(n) for n in range(10_000))
    return Grants(_ME, paired=frozenset({"1", "2"}), pins=Pins.of(pins), receipts=sent)


def _messages() -> list[Inbound]:
    """Every kind there is: direct, group, unknown people and groups, mentions, quotes, commands, chatter."""
    chatter = Inbound("default", "m", Thread(ThreadKind.DM, "0"), "0", "An", "chào cả nhà " * 12, _NOW)
    kinds = [
        chatter,
        replace(chatter, text="@Claw xem giúp", mentions=(Mention(_ME, 0, 5),)),
        replace(chatter, quote=Quote("9999", "", "")),
        replace(chatter, text="@Claw /status", mentions=(Mention(_ME, 0, 5),)),
    ]
    return [_placed(kinds[n % len(kinds)], n) for n in range(_DECISIONS)]


def _placed(message: Inbound, n: int) -> Inbound:
    sender = str(_FIRST_SENDER + n % (_ENTRIES + 50))
    in_group = bool(n % 5)
    group = Thread(ThreadKind.GROUP, str(_FIRST_GROUP + n % (_GROUPS + 50)))
    return replace(message, sender_id=sender, thread=group if in_group else Thread(ThreadKind.DM, sender))
