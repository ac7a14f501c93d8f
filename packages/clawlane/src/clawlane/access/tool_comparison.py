"""What a change of the rules opens and closes for those who are admitted: tools that the agent may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clawlane.access.context import shortened
from clawlane.access.exposure import Change, Found
from clawlane.access.policy import AccessPolicy
from clawlane.access.rules import closed_by
from clawlane.access.scope import InGroup, Scope, first_of
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.messages import Thread, ThreadKind

if TYPE_CHECKING:
    from clawlane.config.thread_tools import ThreadTools


def tool_changes(of: Scope, before: AccessPolicy, after: AccessPolicy) -> Iterator[Found]:
    """Compares the tools in conversations that are reachable before and after."""
    if before.tools is None or after.tools is None:
        return
    compared = _Tools(of, before, after, before.tools, after.tools)
    yield from compared.in_dms()
    yield from of.by_groups({group: list(compared.in_group(group)) for group in (*of.groups, of.nobody)})


class _Tools:
    """Two configs by their lists of tools. Conversations with the same lists are compared once."""

    def __init__(
        self, of: Scope, before: AccessPolicy, after: AccessPolicy, was: ThreadTools, now: ThreadTools
    ) -> None:
        from clawlane.config.thread_tools import sample_names

        self._of = of
        self._policies = (before, after)
        self._tools = (was, now)
        self._names = sample_names(was.servers | now.servers, was.entries() | now.entries())
        self._known: dict[object, list[InGroup]] = {}

    def in_dms(self) -> Iterator[Found]:
        """What changes in direct messages: of everybody, and of those who have an agent of their own."""
        if any(policy.dm is DmPolicy.DISABLED for policy in self._policies):
            return
        peers = (one.match.peer for tools in self._tools for one in tools.routing.bindings)
        bound = {one.id for one in peers if one is not None}
        usual = self._changes(Thread(ThreadKind.DM, self._of.nobody), (None, None))
        for opens, code, data in usual:
            yield opens, Change(code, self._of.account, 0, {**data, "dms": "yes"})
        for id in sorted(bound):
            for one in self._changes(Thread(ThreadKind.DM, id), (None, None)):
                if one not in usual:
                    opens, code, data = one
                    told = {"dms": "yes", "people": self._of.people([id])}
                    yield opens, Change(code, self._of.account, 1, {**data, **told})

    def in_group(self, group: str) -> list[InGroup]:
        """What changes in one group."""
        entries = [policy.group_table.find(group, self._of.grants.pins) for policy in self._policies]
        for policy, entry in zip(self._policies, entries, strict=True):
            if policy.groups is GroupPolicy.DISABLED or closed_by(entry, policy, self._of.grants):
                return []
        was, now = (entry.key if entry is not None else None for entry in entries)
        return self._changes(Thread(ThreadKind.GROUP, group), (was, now))

    def _changes(self, thread: Thread, keys: tuple[str | None, str | None]) -> list[InGroup]:
        agents = tuple(tools.routing.agent_of(tools.account, thread) for tools in self._tools)
        kind = (thread.kind, agents, keys)
        if kind not in self._known:
            was, now = (
                tools.usable(thread, key, self._names) for tools, key in zip(self._tools, keys, strict=True)
            )
            self._known[kind] = [
                (opens, code, {"tools": self._told(found)})
                for opens, code, found in (
                    (True, "tools_added", now - was),
                    (False, "tools_removed", was - now),
                )
                if found
            ]
        return self._known[kind]

    def _told(self, tools: frozenset[str]) -> str:
        from clawlane.config.thread_tools import shown_names

        return first_of([shortened(one) for one in shown_names(tools, self._tools[0].channel)])
