"""How groups change: made, renamed, joined and left; and what their members' clients are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from zaloweb.sim.cast import Cast
from zaloweb.sim.errors import Impossible
from zaloweb.sim.people import Group, Person
from zaloweb.sim.pushes import Push, control, push_all
from zaloweb.transport.clock import Clock


class Gatherings:
    """Changes groups. Each step changes the world at once; the returned pushes tell the members."""

    def __init__(self, cast: Cast, clock: Clock) -> None:
        self._cast = cast
        self._clock = clock

    async def make(self, name: str, members: Sequence[Person]) -> Group:
        """A new group of these people, the first of whom made it."""
        group, told = self.made(name, members)
        await push_all(told)
        return group

    async def rename(self, group: Group, by: Person, name: str) -> None:
        """Somebody in the group gives it another name."""
        _must_be_in(group, by)
        await push_all(self.renamed(group, by, name))

    async def add(self, group: Group, by: Person, people: Sequence[Person]) -> None:
        """Somebody in the group adds people; or they join by themselves (`by` is one of them)."""
        if by not in people:
            _must_be_in(group, by)
        await push_all(self.added(group, by, people))

    async def remove(self, group: Group, by: Person, people: Sequence[Person]) -> None:
        """The creator of the group removes people."""
        if by is not group.creator:
            raise Impossible(f"only {group.creator.name}, who made the group {group.name}, removes people")
        for person in people:
            _must_be_in(group, person)
        await push_all(self.removed(group, by, people))

    async def leave(self, group: Group, person: Person) -> None:
        """Somebody leaves the group."""
        _must_be_in(group, person)
        await push_all(self.left(group, person))

    def made(self, name: str, members: Sequence[Person]) -> tuple[Group, list[Push]]:
        """A new group, and the pushes that tell its members."""
        group = self._cast.group(name, members, self._clock.now_ms())
        return group, self._told(group, "join", group.creator, members)

    def renamed(self, group: Group, by: Person, name: str) -> list[Push]:
        """The group is called something else."""
        group.name = name
        return self._told(group, "update", by, [])

    def added(self, group: Group, by: Person, people: Sequence[Person]) -> list[Push]:
        """People are in the group."""
        group.members.update((person.uid, person) for person in people)
        return self._told(group, "join", by, people)

    def removed(self, group: Group, by: Person, people: Sequence[Person]) -> list[Push]:
        """People are out of the group; they are told, too."""
        return self._gone(group, "remove_member", by, people)

    def left(self, group: Group, person: Person) -> list[Push]:
        """Somebody is out of the group."""
        return self._gone(group, "leave", person, [person])

    def _gone(self, group: Group, act: str, by: Person, people: Sequence[Person]) -> list[Push]:
        told = dict(group.members)
        for person in people:
            group.members.pop(person.uid, None)
        return self._told(group, act, by, people, told)

    def _told(
        self,
        group: Group,
        act: str,
        by: Person,
        people: Sequence[Person],
        audience: Iterable[str] | None = None,
    ) -> list[Push]:
        group.version += 1
        data = self._event(group, act, by, people)
        uids = group.members if audience is None else audience
        accounts = self._cast.accounts
        return [control(accounts[uid], "group", act, data) for uid in uids if uid in accounts]

    def _event(self, group: Group, act: str, by: Person, people: Sequence[Person]) -> dict[str, Any]:
        """The fields and types of a recorded group event."""
        return {
            "subType": 1,
            "groupId": group.gid,
            "creatorId": group.creator.uid,
            "groupName": group.name,
            "sourceId": by.uid,
            "updateMembers": [_member(person) for person in people],
            "groupSetting": None,
            "groupTopic": None,
            "info": None,
            "extraData": None,
            "time": str(self._clock.now_ms()),
            "avt": None,
            "fullAvt": None,
            "isAdd": int(act == "join"),
            "hideGroupInfo": 0,
            "version": str(group.version),
            "groupType": 1,
        }


def _member(person: Person) -> dict[str, Any]:
    return {"id": person.uid, "dName": person.name, "avatar": "", "type": 1, "avatar_25": ""}


def _must_be_in(group: Group, person: Person) -> None:
    if person.uid not in group.members:
        raise Impossible(f"{person.name} is not in the group {group.name}")
