"""Who gets in with a config: everybody it names, and people it does not name, write and are looked after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from clawlane.access.allowlists import ANY_GROUP, Allowlist, GroupRule
from clawlane.access.policy import AccessPolicy
from clawlane.access.rules import group_senders
from clawlane.capabilities import CastError
from clawlane.channel import Account
from clawlane.rehearsal.fates import Fate, Left
from clawlane.rehearsal.scenario import Outcome
from clawlane.rehearsal.stage import Stage
from clawlane.texts import later, tn, told

_MOST_ENTRIES = 20
_MOST_GROUPS = 20
_TEXT = "hello"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who writes: to the account, or in a group, with or without a mention of the account.

    `group_name` is its key in the config, empty for a group that has none.
    """

    account: Account
    who: str
    sender: str
    group: str = ""
    group_name: str = ""
    mention: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an attempt, and what left for it."""

    attempt: Attempt
    fate: Fate
    left: tuple[Left, ...] = ()


@dataclass(slots=True)
class Reach:
    """What can be tried with a config. `left_out` says in words what is not."""

    attempts: list[Attempt] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


async def prepare(stage: Stage) -> Reach:
    """Make everybody that the config names, and some whom it does not, before the gateway looks them up."""
    reach = Reach()
    for account in stage.accounts.values():
        await _Casting(stage, account, reach).everybody()
    return reach


@dataclass(frozen=True, slots=True)
class Named:
    """The ids of what the config names: people by the entry of a list, groups by their key."""

    people: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)


async def cast_config(stage: Stage) -> Named:
    """Make the people and groups that the config names, before the gateway looks them up."""
    named = Named()
    for account in reversed(stage.accounts.values()):
        await _Casting(stage, account, Reach()).named(named)
    return named


async def attempt_all(stage: Stage, reach: Reach) -> AsyncIterator[Tried]:
    """The results, in order. The stage has begun."""
    for attempt in reach.attempts:
        await stage.look()
        before = stage.last
        message = await stage.cast.write(
            attempt.account, attempt.sender, _TEXT, group=attempt.group, mention=attempt.mention
        )
        fate = await stage.fate(attempt.account, message)
        if fate.outcome is Outcome.CHALLENGED:
            await stage.challenge_left(fate, before)
        await stage.look()
        thread = attempt.group or attempt.sender
        yield Tried(attempt, fate, tuple(one for one in stage.left(before) if one.thread_id == thread))


class _Casting:
    """Makes the people and groups of one account's config."""

    def __init__(self, stage: Stage, account: Account, reach: Reach) -> None:
        self._stage = stage
        self._account = account
        self._reach = reach
        self._policy = AccessPolicy.of(stage.config, account)
        self._made: dict[str, str] = {}

    async def named(self, named: Named) -> None:
        for entry in self._entries(self._policy.allow, "allowFrom"):
            await self._entry(entry)
        for rule in self._groups():
            if gid := await self._group(rule, list((await self._listed(rule)).values())):
                named.groups[rule.key.strip()] = gid
        await self._listed(self._policy.group_table.any)
        named.people.update({entry: uid for entry, uid in self._made.items() if uid})

    async def everybody(self) -> None:
        stranger = await self._person("Phạm Quốc Bảo", friend=False)
        friend = await self._person("Trần Thị Lan", friend=True)
        await self._direct(stranger, friend)
        for rule in self._groups():
            listed, unlisted = await self._listed(rule), await self._unlisted(rule, stranger)
            self._add_group(
                rule.key, await self._group(rule, [*listed.values(), *unlisted.values()]), listed, unlisted
            )
        await self._unknown_group(stranger)

    async def _direct(self, stranger: str, friend: str) -> None:
        self._add(later("a stranger"), stranger)
        self._add(later("a friend in no list"), friend)
        for entry in self._entries(self._policy.allow, "allowFrom"):
            if uid := await self._entry(entry):
                self._add(f"allowFrom: {entry}", uid)

    def _add(self, who: str, sender: str, group: str = "", name: str = "") -> None:
        for mention in (False, True) if group else (False,):
            self._reach.attempts.append(Attempt(self._account, who, sender, group, name, mention))

    def _add_group(self, key: str, gid: str, listed: dict[str, str], unlisted: dict[str, str]) -> None:
        for who, sender in {**listed, **unlisted}.items() if gid else ():
            self._add(who, sender, gid, key)

    def _groups(self) -> Iterator[GroupRule]:
        rules = [rule for rule in self._policy.group_table.all if rule.key.strip() != ANY_GROUP]
        if len(rules) > _MOST_GROUPS:
            more = len(rules) - _MOST_GROUPS
            self._reach.left_out.append(tn("{n} more group", "{n} more groups", more))
        yield from rules[:_MOST_GROUPS]

    def _entries(self, allowed: Allowlist, what: str) -> list[str]:
        entries = [*sorted(allowed.ids), *allowed.names]
        if len(entries) > _MOST_ENTRIES:
            more = len(entries) - _MOST_ENTRIES
            left_out = tn("{n} more entry of {key}", "{n} more entries of {key}", more, key=what)
            self._reach.left_out.append(left_out)
        return entries[:_MOST_ENTRIES]

    async def _listed(self, rule: GroupRule | None) -> dict[str, str]:
        """Somebody whom the list of a group names, if it names anybody."""
        senders, origin = group_senders(self._policy, rule)
        for entry in self._entries(senders, origin.path)[:1] if senders is not None else ():
            if uid := await self._entry(entry):
                return {f"{origin.path.rpartition('.')[2]}: {entry}": uid}
        return {}

    async def _unlisted(self, rule: GroupRule | None, stranger: str) -> dict[str, str]:
        senders, _ = group_senders(self._policy, rule)
        anybody = senders is None or senders.anyone
        return {later("anybody") if anybody else later("a member in no list"): stranger}

    async def _unknown_group(self, stranger: str) -> None:
        rule = self._policy.group_table.any
        listed, unlisted = await self._listed(rule), await self._unlisted(rule, stranger)
        people = [*listed.values(), *unlisted.values()]
        gid = await self._stage.cast.group("Nhóm Mới", people, account=self._account)
        self._add_group("", gid, listed, unlisted)

    async def _person(self, name: str, *, friend: bool) -> str:
        return await self._stage.cast.person(name, friend=friend, account=self._account)

    async def _entry(self, entry: str) -> str:
        """Who an entry of a list stands for: that id, or a friend of that name. Empty if nobody can be."""
        if entry not in self._made:
            by_id = entry.isdecimal()
            try:
                self._made[entry] = await self._stage.cast.person(
                    f"User {entry}" if by_id else entry,
                    friend=not by_id,
                    id=entry if by_id else "",
                    account=self._account,
                )
            except CastError as error:
                self._reach.left_out.append(f"{entry}: {told(error)}")
                return ""
        return self._made[entry]

    async def _group(self, rule: GroupRule, members: list[str]) -> str:
        key = rule.key.strip()
        gid = "" if rule.is_name else key.rpartition(":")[2].strip()
        try:
            return await self._stage.cast.group(
                f"Group {gid}" if gid else key, members, id=gid, account=self._account
            )
        except CastError as error:
            self._reach.left_out.append(f"{key}: {told(error)}")
            return ""
