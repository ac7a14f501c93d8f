"""The group `directory`: whom an account knows, with ids ready to paste into the config."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import click

from clawlane.access.names import ConfigName
from clawlane.capabilities import DirectoryError
from clawlane.cli.context import CliContext, Target
from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_wrapped, print_table, sanitize
from clawlane.config.phones import is_phone_number
from clawlane.config.senders import is_numeric_id
from clawlane.credentials.vault import FileVault
from clawlane.gateway.name_resolution import ask
from clawlane.messages import Group, Members, Person
from clawlane.ops.client import ControlClient
from clawlane.ops.directory import Lookup, look_up
from clawlane.store import directory as store_directory
from clawlane.store.database import open_store
from clawlane.store.directory import LookedUp
from clawlane.store.errors import StoreOwned

T = TypeVar("T")

_GROUP = "group:"


class Source:
    """The questions about one account. They raise `DirectoryError` and `ControlError`."""

    def __init__(self, setup: CliContext, meant: Target) -> None:
        self._setup = setup
        self._meant = meant
        self._client = ControlClient(setup.places)
        self._running = meant.configured and self._client.running()

    def self_(self) -> Person:
        """The account itself."""
        if self._running:
            return _person(self._told("self"))
        return self._ask(lambda lookup: lookup.self_())

    def peers(self) -> list[Person]:
        """Its friends."""
        if self._running:
            return [_person(one) for one in self._told("peers")]
        return self._ask(lambda lookup: lookup.peers())

    def groups(self) -> list[Group]:
        """Its groups."""
        if self._running:
            return [Group(**one) for one in self._told("groups")]
        return self._ask(lambda lookup: lookup.groups())

    def members(self, group: str) -> Members:
        """The members of a group, as far as the platform tells."""
        if self._running:
            told = self._told("members", group)
            return Members(tuple(map(_person, told["people"])), told["total"])
        return self._ask(lambda lookup: lookup.members(group))

    def look_up(self, names: Sequence[ConfigName]) -> list[LookedUp]:
        """What names of the account's config stand for now. Without a gateway the store learns it, too."""
        if self._running:
            return look_up(names, self.peers(), self.groups(), _now_ms())
        return self._ask(partial(_look_up_and_pin, names=names))

    def _told(self, what: str, group: str = "") -> Any:
        return self._client.directory(what, self._meant.manifest.id, self._meant.account.id, group)

    def _ask(self, question: Callable[[Lookup], Awaitable[T]]) -> T:
        return asyncio.run(self._answered(question))

    async def _answered(self, question: Callable[[Lookup], Awaitable[T]]) -> T:
        async with lookup_alone(self._setup, self._meant) as lookup:
            return await question(lookup)


@asynccontextmanager
async def lookup_alone(setup: CliContext, meant: Target) -> AsyncIterator[Lookup]:
    """The questions over the stored session. The answers are kept, unless a gateway has just started."""
    account, places = meant.account, setup.places
    vault = FileVault(places.vault_dir, account.channel, account.profile)
    channel = setup.runtime(meant.manifest)
    if vault.identity() is None:
        reason = f"{account} is not logged in"
        raise DirectoryError(reason, f"openclaw channels login {meant.words}", needs_login=True)
    async with AsyncExitStack() as stack:
        account_store = None
        with suppress(StoreOwned):
            store = await stack.enter_async_context(
                open_store(places.store, places.lock_file, _now_ms, checked=False)
            )
            account_store = await stack.enter_async_context(store.own(str(account)))
        yield Lookup(account, channel, vault, account_store)


async def _look_up_and_pin(lookup: Lookup, names: Sequence[ConfigName]) -> list[LookedUp]:
    found = await ask(lookup, names, _now_ms())
    if lookup.account_store is not None:
        await lookup.account_store.attempt(store_directory.keep_pins, found)
    return found


def group_id(written: str, meant: Target) -> str:
    """The id in `9001` or `group:9001`. Raises `CliError`."""
    bare = written.strip()
    bare = bare[len(_GROUP) :].strip() if bare.lower().startswith(_GROUP) else bare
    if not is_numeric_id(bare):
        raise CliError(f"'{written}' is no group id", f"openclaw directory groups list {meant.words}")
    return bare


def _person(told: dict[str, Any]) -> Person:
    return Person(**{**told, "aliases": tuple(told["aliases"])})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


C = TypeVar("C", bound=Callable[..., Any])

_NAMELESS = "–"


@click.group()
def directory() -> None:
    """Look up people and groups, with the ids that the config wants."""


@directory.group()
def peers() -> None:
    """The people an account is connected to."""


@directory.group()
def groups() -> None:
    """The groups an account is in."""


def _of_account(command: C) -> C:
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)
    command = click.option("--account", help="The account to look in (default: the default one).")(command)
    return click.option("--channel", help="The channel (default: the only one installed).")(command)


def _narrowing(command: C) -> C:
    command = click.option("--limit", type=click.IntRange(min=1), help="At most so many.")(command)
    return click.option("--query", default="", help="Part of a name or an id; accents do not count.")(command)


@directory.command("self")
@_of_account
def self_(channel: str | None, account: str | None, as_json: bool) -> None:
    """Show who the account itself is."""

    meant = (setup := CliContext()).meant(channel, account)
    person = Source(setup, meant).self_()
    if as_json:
        _print_json(meant, self=_person_directory(person))
    else:
        print_table(("ID", "NAME"), [(person.id, _called(person.name))])


@peers.command("list")
@_narrowing
@_of_account
def list_peers(
    channel: str | None, account: str | None, query: str, limit: int | None, as_json: bool
) -> None:
    """List the account's friends. The ids go into allowFrom and groupAllowFrom."""
    from clawlane.ops.directory import search

    meant = (setup := CliContext()).meant(channel, account)
    found = search(Source(setup, meant).peers(), query)
    if as_json:
        _print_json(meant, peers=[_person_directory(one) for one in found[:limit]], total=len(found))
    else:
        _print_people(found, limit, _none("friend", query, meant))


@groups.command("list")
@_narrowing
@_of_account
def list_groups(
    channel: str | None, account: str | None, query: str, limit: int | None, as_json: bool
) -> None:
    """List the account's groups. The ids are keys of groups."""
    from clawlane.ops.directory import search

    meant = (setup := CliContext()).meant(channel, account)
    found = search(Source(setup, meant).groups(), query)
    if as_json:
        _print_json(meant, groups=[_group(one) for one in found[:limit]], total=len(found))
    else:
        _print_groups(found, limit, _none("group", query, meant))


@groups.command("members")
@click.argument("group", required=False)
@click.option("--group-id", "named", help="The same as the argument.")
@_narrowing
@_of_account
def list_members(
    group: str | None,
    named: str | None,
    channel: str | None,
    account: str | None,
    query: str,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the members of GROUP, an id or group:ID.

    Of a group that hides its members, the platform tells only some; then this says how many there are.
    """
    from clawlane.ops.directory import search

    meant = (setup := CliContext()).meant(channel, account)
    wanted = group_id(_one_group(group, named), meant)
    members = Source(setup, meant).members(wanted)
    found = search(members, query)
    if as_json:
        told = {"found": len(found), "told": len(members), "total": len(members) + members.hidden}
        _print_json(meant, group=wanted, members=[_person_directory(one) for one in found[:limit]], **told)
        return
    _print_people(found, limit, _none("member", query, meant))
    if members.hidden:
        _print_hidden(members, len(found[:limit]))


def _one_group(group: str | None, named: str | None) -> str:
    """The group that is named once, or twice alike. Raises `CliError`."""
    if not group and not named:
        raise CliError("name the group by its id", "openclaw directory groups members GROUP_ID")
    if group and named and group.strip() != named.strip():
        raise CliError(f"'{sanitize(group)}' and '{sanitize(named)}' are two groups", "give one of them")
    return group or named or ""


def _print_hidden(members: Members, shown: int) -> None:
    total = len(members) + members.hidden
    words = f"{shown} of {total} shown: the group hides its members, and the platform names {len(members)}."
    echo_wrapped(words if shown else f"The platform names only {len(members)} of the {total} members.")


def _print_people(found: Sequence[Person], limit: int | None, none: str) -> None:
    if not found:
        click.echo(none)
        return
    shown = found[:limit]
    heads = ("ID", "NAME", "ALSO", "FRIEND")
    rows = [
        (one.id, _called(one.name), ", ".join(map(sanitize, one.aliases)), _yes_no(one.is_friend))
        for one in shown
    ]
    print_table(heads, rows)
    _print_rest(len(found), len(shown))


def _print_groups(found: Sequence[Group], limit: int | None, none: str) -> None:
    if not found:
        click.echo(none)
        return
    shown = found[:limit]
    rows = [(one.id, _called(one.name), str(one.member_count or "")) for one in shown]
    print_table(("ID", "NAME", "MEMBERS"), rows)
    _print_rest(len(found), len(shown))


def _print_rest(found: int, shown: int) -> None:
    if found > shown:
        click.echo(f"\n{found - shown} more; leave out --limit, or narrow down with --query")


def _none(what: str, query: str, meant: Target) -> str:
    if is_phone_number(query, type(meant.account.settings).shortest_id):
        return f"'{sanitize(query)}' looks like a telephone number, and lists show none; search for the name."
    if query:
        return f"No {what} of {meant.account} has '{sanitize(query)}' in the name or the id."
    return f"{meant.account} has no {what}s."


def _print_json(meant: Target, **found: Any) -> None:
    body = {"ok": True, "channel": meant.manifest.id, "account": meant.account.id, **found}
    click.echo(json.dumps(body, ensure_ascii=False))


def _person_directory(one: Person) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "aliases": list(one.aliases), "is_friend": one.is_friend}


def _group(one: Group) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "member_count": one.member_count}


def _called(name: str) -> str:
    return sanitize(name) or _NAMELESS


def _yes_no(known: bool | None) -> str:
    return "" if known is None else "yes" if known else "no"
