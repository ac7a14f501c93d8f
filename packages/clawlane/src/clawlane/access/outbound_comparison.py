"""What a change of the outbound modes lets leave without being seen by the owner, or keeps back."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.access.exposure import Change, Found
from clawlane.access.outbound import strictness
from clawlane.access.policy import AccessPolicy
from clawlane.access.scope import InGroup, Scope
from clawlane.messages import Thread, ThreadKind


def outbound_changes(of: Scope, before: AccessPolicy, after: AccessPolicy) -> Iterator[Found]:
    """Compares the modes of direct messages, of people with one of their own, and of groups."""
    compared = _Modes(of, before, after)
    usual = compared.changes(Thread(ThreadKind.DM, of.nobody))
    for opens, code, data in usual:
        yield opens, Change(code, of.account, 0, {**data, "dms": "yes"})
    for id in sorted({*before.outbound.dms, *after.outbound.dms}):
        for opens, code, data in compared.changes(Thread(ThreadKind.DM, id)):
            if (opens, code, data) not in usual:
                told = {"dms": "yes", "people": of.people([id])}
                yield opens, Change(code, of.account, 1, {**data, **told})
    groups = (*of.groups, of.nobody)
    yield from of.by_groups({id: compared.changes(Thread(ThreadKind.GROUP, id)) for id in groups})


class _Modes:
    def __init__(self, of: Scope, before: AccessPolicy, after: AccessPolicy) -> None:
        self._pins = of.grants.pins
        self._before, self._after = before.outbound, after.outbound

    def changes(self, thread: Thread) -> list[InGroup]:
        """What changes in one thread."""
        was, now = (one.mode(thread, self._pins) for one in (self._before, self._after))
        if was is now:
            return []
        opens = strictness(now) > strictness(was)
        code = "outbound_loosened" if opens else "outbound_tightened"
        return [(opens, code, {"was": str(was), "now": str(now)})]
