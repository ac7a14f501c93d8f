"""The group `directory`: whom an account knows, with ids ready to paste into the config."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from clawlane.abilities import Group, Members, Person
from clawlane.cli.clean import clean
from clawlane.cli.failure import CliError
from clawlane.cli.setup import Meant, Setup
from clawlane.cli.table import print_table
from clawlane.cli.wrap import echo_wrapped

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
    from clawlane.cli.directory_source import Source

    meant = (setup := Setup()).meant(channel, account)
    person = Source(setup, meant).self_()
    if as_json:
        _print_json(meant, self=_person(person))
    else:
        print_table(("ID", "NAME"), [(person.id, _called(person.name))])


@peers.command("list")
@_narrowing
@_of_account
def list_peers(
    channel: str | None, account: str | None, query: str, limit: int | None, as_json: bool
) -> None:
    """List the account's friends. The ids go into allowFrom and groupAllowFrom."""
    from clawlane.cli.directory_source import Source
    from clawlane.host.names import search

    meant = (setup := Setup()).meant(channel, account)
    found = search(Source(setup, meant).peers(), query)
    if as_json:
        _print_json(meant, peers=[_person(one) for one in found[:limit]], total=len(found))
    else:
        _print_people(found, limit, _none("friend", query, meant))


@groups.command("list")
@_narrowing
@_of_account
def list_groups(
    channel: str | None, account: str | None, query: str, limit: int | None, as_json: bool
) -> None:
    """List the account's groups. The ids are keys of groups."""
    from clawlane.cli.directory_source import Source
    from clawlane.host.names import search

    meant = (setup := Setup()).meant(channel, account)
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
    from clawlane.cli.directory_source import Source, group_id
    from clawlane.host.names import search

    meant = (setup := Setup()).meant(channel, account)
    wanted = group_id(_one_group(group, named), meant)
    members = Source(setup, meant).members(wanted)
    found = search(members, query)
    if as_json:
        told = {"found": len(found), "told": len(members), "total": len(members) + members.hidden}
        _print_json(meant, group=wanted, members=[_person(one) for one in found[:limit]], **told)
        return
    _print_people(found, limit, _none("member", query, meant))
    if members.hidden:
        _print_hidden(members, len(found[:limit]))


def _one_group(group: str | None, named: str | None) -> str:
    """The group that is named once, or twice alike. Raises `CliError`."""
    if not group and not named:
        raise CliError("name the group by its id", "openclaw directory groups members GROUP_ID")
    if group and named and group.strip() != named.strip():
        raise CliError(f"'{clean(group)}' and '{clean(named)}' are two groups", "give one of them")
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
        (one.id, _called(one.name), ", ".join(map(clean, one.aliases)), _yes_no(one.is_friend))
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


def _none(what: str, query: str, meant: Meant) -> str:
    if query:
        return f"No {what} of {meant.account} has '{clean(query)}' in the name or the id."
    return f"{meant.account} has no {what}s."


def _print_json(meant: Meant, **found: Any) -> None:
    body = {"ok": True, "channel": meant.manifest.id, "account": meant.account.id, **found}
    click.echo(json.dumps(body, ensure_ascii=False))


def _person(one: Person) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "aliases": list(one.aliases), "is_friend": one.is_friend}


def _group(one: Group) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "member_count": one.member_count}


def _called(name: str) -> str:
    return clean(name) or _NAMELESS


def _yes_no(known: bool | None) -> str:
    return "" if known is None else "yes" if known else "no"
