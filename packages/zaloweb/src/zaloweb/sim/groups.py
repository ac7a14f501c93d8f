"""Changes of groups: create, rename, add, remove, leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from zaloweb.sim.clock import ServerClock
from zaloweb.sim.errors import Impossible
from zaloweb.sim.pushes import Push, control
from zaloweb.sim.registry import Group, Registry, User


class Groups:
    """Each method changes the group at once and returns the pushes that tell its members.

    Raises `Impossible` if the group does not allow the change.
    """

    def __init__(self, registry: Registry, clock: ServerClock) -> None:
        self._registry = registry
        self._clock = clock

    def create(self, name: str, members: Sequence[User]) -> tuple[Group, list[Push]]:
        """A new group of these users; the first one is its creator."""
        group = self._registry.add_group(name, members, self._clock.now_ms())
        return group, self._pushes(group, "join", group.creator, members)

    def rename(self, group: Group, by: User, name: str) -> list[Push]:
        """A member changes the group's name."""
        must_be_member(group, by)
        group.name = name
        return self._pushes(group, "update", by, [])

    def add(self, group: Group, by: User, people: Sequence[User]) -> list[Push]:
        """A member adds users, or users join by themselves (`by` is one of them)."""
        if by not in people:
            must_be_member(group, by)
        group.members.update((person.uid, person) for person in people)
        return self._pushes(group, "join", by, people)

    def remove(self, group: Group, by: User, people: Sequence[User]) -> list[Push]:
        """The creator removes members, who also get the push."""
        if by is not group.creator:
            raise Impossible(f"only {group.creator.name}, who made the group {group.name}, removes people")
        return self._take_out(group, "remove_member", by, people)

    def leave(self, group: Group, person: User) -> list[Push]:
        """A member leaves and also gets the push."""
        return self._take_out(group, "leave", person, [person])

    def _take_out(self, group: Group, act: str, by: User, people: Sequence[User]) -> list[Push]:
        for person in people:
            must_be_member(group, person)
        before = list(group.members)
        for person in people:
            group.members.pop(person.uid, None)
        return self._pushes(group, act, by, people, before)

    def _pushes(
        self,
        group: Group,
        act: str,
        by: User,
        people: Sequence[User],
        audience: Iterable[str] | None = None,
    ) -> list[Push]:
        group.version += 1
        event = self._event(group, act, by, people)
        uids = group.members if audience is None else audience
        return [control(uid, "group", act, event) for uid in uids if uid in self._registry.accounts]

    def _event(self, group: Group, act: str, by: User, people: Sequence[User]) -> dict[str, Any]:
        """The fields and types of a recorded group event."""
        return {
            "subType": 1,
            "groupId": group.gid,
            "creatorId": group.creator.uid,
            "groupName": group.name,
            "sourceId": by.uid,
            "updateMembers": [
                {"id": person.uid, "dName": person.name, "avatar": "", "type": 1, "avatar_25": ""}
                for person in people
            ],
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


def must_be_member(group: Group, person: User) -> None:
    """Raise `Impossible` for somebody who is not in the group."""
    if person.uid not in group.members:
        raise Impossible(f"{person.name} is not in the group {group.name}")
