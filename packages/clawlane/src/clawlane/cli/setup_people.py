"""People and groups for the config: picked from the directory, or typed as names and ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from clawlane.capabilities import DirectoryError
from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_wrapped
from clawlane.cli.prompt_options import Option
from clawlane.cli.prompts import Prompts
from clawlane.config.phones import LOOKS_LIKE, find_the_id
from clawlane.config.senders import ListContext
from clawlane.messages import Group, Person
from clawlane.ops.client import Client, ControlError
from clawlane.ops.directory import GroupMembers, Groups, Peers
from clawlane.ops.setup import Situation
from clawlane.ops.setup_answers import EVERYBODY, GroupChoice, Named
from clawlane.ops.setup_names import Directory, Doubt, Resolved, find_group, find_sender
from clawlane.texts import later, t, tn, told
from clawlane.words.strangers import sanitize

T = TypeVar("T", Person, Group)


@dataclass
class People:
    """The directory of the account that is set up, asked once; and what typed entries stand for in it.

    Without `prompts` an entry that is in doubt is a `CliError`.
    """

    client: Client
    look: Situation
    linked: bool
    prompts: Prompts | None
    _known: Directory | None = field(default=None, init=False)
    _why_unknown: str = field(default=later("nobody is logged in"), init=False)

    @property
    def known(self) -> Directory:
        """The friends and groups, or an empty directory where nobody can be asked."""
        if self._known is None:
            self._known = self._asked() if self.linked else Directory(known=False)
        return self._known

    def pick_friends(self, question: str) -> tuple[Named, ...]:
        """Friends who were picked, and ids that were typed."""
        assert self.prompts is not None
        friends = self._shown(self.known.people)
        values = self.prompts.pick(question, people_options(friends), self._wrong_id)
        return _named(values, friends)

    def pick_groups(self, question: str, *, speakers: bool) -> tuple[GroupChoice, ...]:
        """Groups that were picked, and who may speak in each, unless that is said for all of them."""
        assert self.prompts is not None
        groups = self._shown(self.known.groups)
        picked = _named(self.prompts.pick(question, group_options(groups), self._wrong_group), groups)
        return tuple(
            GroupChoice(one.id, one.name, self._speakers(one) if speakers else None) for one in picked
        )

    def refuse_at_once(self, entries: Iterable[str], *, anyone: bool) -> None:
        """Raises `CliError` for an entry of a sender list that no directory could make right."""
        nobody = Directory(known=False)
        for entry in entries:
            found = find_sender(entry, nobody, self._context, anyone=anyone)
            if found.doubt not in (None, Doubt.NOT_LOOKED_UP):
                raise CliError(self._words(found), self._help(found))

    def senders(self, entries: Iterable[str], *, anyone: bool) -> tuple[Named, ...]:
        """What entries of a sender list stand for. Raises `CliError` for one that cannot stay."""
        directory = self.known
        found = [self._settled(find_sender(one, directory, self._context, anyone=anyone)) for one in entries]
        return tuple({one.id: one for one in found}.values())

    def groups(self, entries: Iterable[str]) -> tuple[GroupChoice, ...]:
        """What the keys of `groups` stand for, each with the senders of `groupAllowFrom`."""
        found = [self._settled(find_group(one, self.known, self._context)) for one in entries]
        return tuple({one.id: GroupChoice(one.id, one.name) for one in found}.values())

    @property
    def _context(self) -> ListContext:
        return ListContext(self.look.prefixes, {}, self.look.shortest_id)

    def _asked(self) -> Directory:
        channel, account = self.look.channel, self.look.account
        try:
            people = self.client.call(Peers(channel, account))
            groups = self.client.call(Groups(channel, account))
        except (DirectoryError, ControlError) as error:
            self._why_unknown = told(error)
            return Directory(known=False)
        return Directory(tuple(people), tuple(groups))

    def _shown(self, found: Sequence[T]) -> Sequence[T]:
        """The list to pick from; where there is none, it is said why."""
        if not self.known.known:
            echo_wrapped(t("There is no list to pick from: {why}. Type ids.", why=t(self._why_unknown)))
        return found

    def _speakers(self, group: Named) -> tuple[Named, ...]:
        assert self.prompts is not None
        members = Option("members", t("these members"), t("You pick them from its members."))
        anyone = Option("anyone", t("anyone in the group"), t("Also people who join it later."))
        question = t("Who may speak in {group}?", group=_name(group))
        if self.prompts.choose(question, (members, anyone), "members") == "anyone":
            return (EVERYBODY,)
        people = [one for one in self._members(group) if one.id != self.look.user_id]
        values = self.prompts.pick(
            t("Members of {group} who may speak:", group=_name(group)), people_options(people), self._wrong_id
        )
        return _named(values, people)

    def _members(self, group: Named) -> tuple[Person, ...]:
        try:
            members = self.client.call(GroupMembers(group.id, self.look.channel, self.look.account))
        except (DirectoryError, ControlError) as error:
            echo_wrapped(
                t("The members cannot be read: {error}. Type their ids.", error=told(error)), err=True
            )
            return ()
        if members.total > members.told:
            echo_wrapped(
                t(
                    "The platform hides {n} members of this group; type their ids.",
                    n=members.total - members.told,
                )
            )
        return members.found

    def _wrong_id(self, typed: str) -> str:
        found = find_sender(typed, self.known, self._context, anyone=False)
        return "" if found.found and found.found.id.isdecimal() else self._why_no_id(found)

    def _wrong_group(self, typed: str) -> str:
        found = find_group(typed, self.known, self._context)
        return "" if found.found else self._why_no_id(found)

    def _why_no_id(self, found: Resolved) -> str:
        if found.doubt in (Doubt.UNKNOWN, Doubt.NOT_LOOKED_UP, Doubt.SEVERAL, None):
            return t("'{entry}' is no id and not in the list.", entry=sanitize(found.entry))
        return self._words(found)

    def _settled(self, found: Resolved) -> Named:
        if found.found is not None:
            return found.found
        if found.doubt is Doubt.SEVERAL and self.prompts is not None:
            question = t("Several are called {entry}. Which one?", entry=sanitize(found.entry))
            chosen = self.prompts.choose(question, _options(found.candidates))
            return next(Named(one.id, one.name) for one in found.candidates if one.id == chosen)
        raise CliError(self._words(found), self._help(found))

    def _words(self, found: Resolved) -> str:
        entry, near = sanitize(found.entry), ", ".join(map(_with_id, found.candidates))
        called = {"entry": entry, "near": near}
        match found.doubt:
            case Doubt.SEVERAL:
                return t("several are called '{entry}': {near}", **called)
            case Doubt.UNKNOWN:
                if near:
                    return t("nobody the account knows is called '{entry}'; near: {near}", **called)
                return t("nobody the account knows is called '{entry}'", entry=entry)
            case Doubt.PHONE:
                return f"'{entry}' {LOOKS_LIKE}; {find_the_id(self.look.channel, self._named_account)}"
            case Doubt.GROUP:
                return t("'{entry}' is a group ({near}), not a person", **called)
            case Doubt.PERSON:
                return t("'{entry}' is a person ({near}), not a group", **called)
            case Doubt.EVERYBODY:
                return t("'*' means everybody and cannot stand in this list")
            case Doubt.NOT_LOOKED_UP:
                return t(
                    "'{entry}' is a name, and names cannot be looked up: {why}",
                    entry=entry,
                    why=t(self._why_unknown),
                )
        return t("'{entry}' cannot stand here: {text}", entry=entry, text=t(found.text))

    def _help(self, found: Resolved) -> str:
        match found.doubt:
            case Doubt.SEVERAL:
                return t("write the id of the one you mean")
            case Doubt.UNKNOWN:
                return f"openclaw directory peers list {self.look.words}"
            case Doubt.NOT_LOOKED_UP:
                return t("write the id")
            case Doubt.GROUP:
                return t("write --group {entry}", entry=found.entry)
            case Doubt.PERSON:
                return t("write --allow-from {entry}", entry=found.entry)
            case Doubt.EVERYBODY:
                return t("for everybody choose the policy 'open'")
        return ""

    @property
    def _named_account(self) -> str:
        return self.look.account if "--account" in self.look.words else ""


def people_options(people: Sequence[Person]) -> list[Option]:
    """People in the order of their names, each with the id and other names."""
    return _options(sorted(people, key=lambda one: one.name.casefold()))


def group_options(groups: Sequence[Group]) -> list[Option]:
    """Groups in the order of their names, each with the id and how many are in it."""
    return _options(sorted(groups, key=lambda one: one.name.casefold()))


def _options(found: Sequence[Person | Group]) -> list[Option]:
    return [_option(one) for one in found]


def _option(one: Person | Group) -> Option:
    note = [t("id {id}", id=one.id)]
    aliases: tuple[str, ...] = ()
    if isinstance(one, Person):
        aliases = one.aliases
        note += [t("also {names}", names=", ".join(map(sanitize, aliases)))] if aliases else []
        note += [t("no friend")] if one.is_friend is False else []
    elif one.member_count is not None:
        note.append(tn("{n} member", "{n} members", one.member_count))
    return Option(one.id, sanitize(one.name) or t("(no name)"), "  ".join(note), aliases)


def _named(values: Iterable[str], known: Iterable[Person | Group]) -> tuple[Named, ...]:
    names = {one.id: one.name for one in known}
    return tuple(Named(value, names.get(value, "")) for value in values)


def _name(one: Named) -> str:
    return f"{sanitize(one.name) or t('the group')} ({one.id})"


def _with_id(one: Person | Group) -> str:
    also = (
        t(", also {name}", name=sanitize(one.aliases[0])) if isinstance(one, Person) and one.aliases else ""
    )
    return f"{sanitize(one.name)} ({one.id}{also})"
