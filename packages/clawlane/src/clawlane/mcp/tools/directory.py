"""Looking people and groups up. The platform is asked, as for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from clawlane import people
from clawlane.mcp.tool import LOOKS_UP, Tool
from clawlane.mcp.values import (
    Cursor,
    Limit,
    NextCursor,
    OneAccount,
    Query,
    Theirs,
    Value,
    Whose,
    account_parts,
    name_of,
    page_of,
)
from clawlane.ops.asking import Asks
from clawlane.ops.directory import GroupMembers, Groups, Peers, Self


class Person(Value):
    """A person, as the account's owner sees them. `is_friend` is null where that is not known."""

    whose: Whose = "theirs"
    id: str
    name: str
    is_friend: bool | None = None


class Group(Value):
    """A group that the account is in."""

    whose: Theirs = "theirs"
    id: str
    name: str
    members: int | None = None


class People(Value):
    """People; those who fit `query` exactly come first."""

    people: list[Person]
    next_cursor: NextCursor = ""


class FoundGroups(Value):
    """Groups; those that fit `query` exactly come first."""

    groups: list[Group]
    next_cursor: NextCursor = ""


class Members(Value):
    """Members of a group. The platform hides `hidden` more."""

    group_id: str
    people: list[Person]
    hidden: int = 0
    next_cursor: NextCursor = ""


@dataclass(frozen=True, slots=True)
class DirectoryTools:
    asks: Asks

    def all(self) -> Sequence[Tool]:
        return (
            Tool("directory_self", "Who the account is", self.self_, LOOKS_UP),
            Tool("directory_peers", "Look up friends", self.peers, LOOKS_UP),
            Tool("directory_groups", "Look up groups", self.groups, LOOKS_UP),
            Tool("directory_members", "Look up members of a group", self.members, LOOKS_UP),
        )

    async def self_(self, account: OneAccount = "") -> Person:
        """Say who the account itself is: its id and name on the platform."""
        own = await self.asks.call(Self(*account_parts(account)))
        return Person(whose="ours", id=own.id, name=name_of(own.name))

    async def peers(
        self, account: OneAccount = "", query: Query = "", limit: Limit = 50, cursor: Cursor = ""
    ) -> People:
        """Look up friends of the account, with their ids. A friend need not have a conversation."""
        found = await self.asks.call(Peers(*account_parts(account), query))
        page, after = page_of(found, cursor, limit)
        return People(people=list(map(_person, page)), next_cursor=after)

    async def groups(
        self, account: OneAccount = "", query: Query = "", limit: Limit = 50, cursor: Cursor = ""
    ) -> FoundGroups:
        """Look up the groups that the account is in, with their ids."""
        found = await self.asks.call(Groups(*account_parts(account), query))
        page, after = page_of(found, cursor, limit)
        listed = [Group(id=one.id, name=name_of(one.name), members=one.member_count) for one in page]
        return FoundGroups(groups=listed, next_cursor=after)

    async def members(
        self,
        group_id: Annotated[str, Field(min_length=1, max_length=40, description="The id of a group.")],
        account: OneAccount = "",
        query: Query = "",
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Members:
        """Look up the members of a group, as far as the platform tells."""
        found = await self.asks.call(GroupMembers(group_id, *account_parts(account), query))
        page, after = page_of(found.found, cursor, limit)
        hidden = max(0, found.total - found.told)
        listed = list(map(_person, page))
        return Members(group_id=found.group_id, people=listed, hidden=hidden, next_cursor=after)


def _person(one: people.Person) -> Person:
    return Person(id=one.id, name=name_of(one.name), is_friend=one.is_friend)
