"""What a change of the rules opens and closes in groups: which are reachable, who may speak, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from clawlane.access.allowlists import GroupRule
from clawlane.access.decision import Rule
from clawlane.access.exposure import Found
from clawlane.access.policy import AccessPolicy
from clawlane.access.scope import AT, PLAIN, InGroup, Scope
from clawlane.messages import Thread, ThreadKind


class _Voice(IntEnum):
    """How far a group message of somebody gets."""

    IGNORED = 0
    MENTIONING = 1
    ANY = 2


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """Compares the groups of one account."""

    of: Scope

    def changes(self) -> Iterator[Found]:
        """Groups for which the same entries count are compared once."""
        before, after = self._voices(self.of.before), self._voices(self.of.after)
        found = {
            group: list(self._group(before(group), after(group)))
            for group in (*self.of.groups, self.of.nobody)
        }
        yield from self.of.by_groups(found)

    def mention_needed(self) -> bool:
        """Whether there is a group, before or after, in which somebody has to mention the account."""
        return any(
            self._voices(policy)(one).mention
            for policy in (self.of.before, self.of.after)
            for one in (*self.of.groups, self.of.nobody)
        )

    def _group(self, was: _Voices, now: _Voices) -> Iterator[InGroup]:
        """What changes in one group: whether it opens something, its code and the data of its sentence."""
        if not was.reachable or not now.reachable:
            if now.reachable:
                yield (
                    True,
                    "group_reachable",
                    {"who": self._who(now), "mention": "yes" if now.mention else ""},
                )
            elif was.reachable:
                yield False, "group_unreachable", {}
            return
        gained, lost = now.speakers - was.speakers, was.speakers - now.speakers
        if self.of.nobody in gained:
            yield True, "speakers_anyone", {"was": self._who(was)}
        elif gained:
            yield True, "speakers_added", self.of.counted(gained)
        if self.of.nobody in lost:
            yield False, "speakers_listed", {"now": self._who(now)}
        elif lost:
            yield False, "speakers_removed", self.of.counted(lost)
        both = now.speakers & was.speakers
        if any(now.of[id] > was.of[id] for id in both):
            yield True, "mention_off", {}
        if any(now.of[id] < was.of[id] for id in both):
            yield False, "mention_on", {}
        for opens, code, ids in (
            (True, "commands_added", (now.commands - was.commands) & both),
            (False, "commands_removed", (was.commands - now.commands) & both),
        ):
            if ids:
                yield opens, code, self.of.counted(ids)

    def _voices(self, policy: AccessPolicy | None) -> Callable[[str], _Voices]:
        """Who may speak in a group by these rules. What it does is cached by the group's entry."""
        if policy is None:
            return lambda _group: _Voices({})
        ids = [*sorted(self.of.listed), self.of.nobody]
        found: dict[object, _Voices] = {}

        def voices(group: str) -> _Voices:
            entry = policy.group_table.find(group, self.of.grants.pins)
            kind = None if entry is None else (entry is policy.group_table.any, _without_place(entry))
            if kind not in found:
                thread = Thread(ThreadKind.GROUP, group)
                of = {id: self._voice(policy, id, thread) for id in ids}
                commands = frozenset(
                    id for id in ids if of[id] and self.of.decided(policy, id, thread, f"{AT}/stop").command
                )
                found[kind] = _Voices(of, commands)
            return found[kind]

        return voices

    def _voice(self, policy: AccessPolicy, id: str, thread: Thread) -> _Voice:
        if not self.of.decided(policy, id, thread, AT + PLAIN).admitted:
            return _Voice.IGNORED
        return _Voice.ANY if self.of.decided(policy, id, thread).admitted else _Voice.MENTIONING

    def _who(self, voices: _Voices) -> str:
        """`anyone`, or how many people may speak."""
        return "anyone" if self.of.nobody in voices.speakers else str(len(voices.speakers))


@dataclass(frozen=True)
class _Voices:
    """Who may speak in a group, and who of them may use control commands there."""

    of: Mapping[str, _Voice]
    commands: frozenset[str] = frozenset()

    @property
    def speakers(self) -> frozenset[str]:
        return frozenset(id for id, voice in self.of.items() if voice)

    @property
    def reachable(self) -> bool:
        return any(self.of.values())

    @property
    def mention(self) -> bool:
        """Whether anybody has to mention the account."""
        return _Voice.MENTIONING in self.of.values()


_NOWHERE = Rule("")


def _without_place(entry: GroupRule) -> GroupRule:
    """An entry without what tells it from others that say the same."""
    return replace(
        entry,
        key="",
        rule=_NOWHERE,
        mention_rule=_NOWHERE,
        senders_rule=_NOWHERE,
        outbound=None,
        outbound_rule=_NOWHERE,
    )
