"""What may leave in a thread: everything, what the owner approves, or nothing. Pure, as all access rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clawlane.access.allowlists import GroupTable
from clawlane.access.decision import Rule
from clawlane.access.names import Pins
from clawlane.config.choices import OutboundMode
from clawlane.threads import Thread, ThreadKind

Verdict = tuple[OutboundMode, Rule]
"""A mode, and the setting that says so."""

_STRICTEST_FIRST = (OutboundMode.OFF, OutboundMode.APPROVE, OutboundMode.AUTO)
_BUILT_IN: Verdict = (OutboundMode.AUTO, Rule("outbound"))


def strictness(mode: OutboundMode) -> int:
    """Orders modes: the lower, the less leaves."""
    return _STRICTEST_FIRST.index(mode)


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that lets the least leave; of several alike the first."""
    return min(verdicts, key=lambda one: strictness(one[0]))


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """The modes of one account: of direct messages and of groups, of single people by id, and of groups."""

    dm: Verdict = _BUILT_IN
    group: Verdict = _BUILT_IN
    dms: Mapping[str, Verdict] = field(default_factory=dict)
    groups: GroupTable = field(default_factory=GroupTable)

    def decide(self, thread: Thread, pins: Pins) -> Verdict:
        """What leaves in a thread, and why.

        While a group that is named is not known, it may be any without an entry of its own: the stricter
        mode counts there.
        """
        if thread.kind is ThreadKind.DM:
            return self.dms.get(thread.id, self.dm)
        entry = self.groups.find(thread.id, pins)
        own = entry is not None and entry.outbound is not None
        found: Verdict = (entry.outbound, entry.outbound_rule) if own else self.group  # type: ignore[union-attr, assignment]
        if entry is not None and entry is not self.groups.any:
            return found
        unknown = (
            (one.outbound, one.outbound_rule)
            for one in self.groups.names
            if one.outbound is not None and not pins.has_group(one.key)
        )
        return strictest((found, *unknown))

    def of_entry(self, key: str) -> Verdict:
        """What leaves in the group that has this key in `groups`."""
        entry = next((one for one in self.groups.all if one.key == key), None)
        if entry is None or entry.outbound is None:
            return self.group
        return entry.outbound, entry.outbound_rule

    def mode(self, thread: Thread, pins: Pins) -> OutboundMode:
        """What leaves in a thread."""
        return self.decide(thread, pins)[0]
