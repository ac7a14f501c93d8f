"""The group `directory`: whom an account knows, with ids ready to paste into the config."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_wrapped, print_json, print_table, sanitize
from clawlane.messages import Group, Person
from clawlane.ops.directory import FoundMembers, GroupMembers, Groups, Peers, Self

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
    person = (setup := CliContext()).call(Self(channel, account))
    if as_json:
        _print_json(setup, channel, account, self=person)
    else:
        print_table(("ID", "NAME"), [(person.id, _called(person.name))])


@peers.command("list")
@_narrowing
@_of_account
def list_peers(
    channel: str | None, account: str | None, query: str, limit: int | None, as_json: bool
) -> None:
    """List the account's friends. The ids go into allowFrom and groupAllowFrom."""
    found = (setup := CliContext()).call(Peers(channel, account, query))
    if as_json:
        _print_json(setup, channel, account, peers=found[:limit], total=len(found))
    elif found:
        _print_people(found, limit)
    else:
        click.echo(_none("friend", query, setup, channel, account))


@groups.command("list")
@_narrowing
@_of_account
def list_groups(
    channel: str | None, account: str | None, query: str, limit: int | None, as_json: bool
) -> None:
    """List the account's groups. The ids are keys of groups."""
    found = (setup := CliContext()).call(Groups(channel, account, query))
    if as_json:
        _print_json(setup, channel, account, groups=found[:limit], total=len(found))
    elif found:
        _print_groups(found, limit)
    else:
        click.echo(_none("group", query, setup, channel, account))


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
    setup, wanted = CliContext(), _one_group(group, named)
    members = setup.call(GroupMembers(wanted, channel, account, query))
    found = members.found
    if as_json:
        counts = {"found": len(found), "told": members.told, "total": members.total}
        _print_json(setup, channel, account, group=members.group_id, members=found[:limit], **counts)
        return
    if found:
        _print_people(found, limit)
    else:
        click.echo(_none("member", query, setup, channel, account))
    if members.total > members.told:
        _print_hidden(members, len(found[:limit]))


def _one_group(group: str | None, named: str | None) -> str:
    """The group that is named once, or twice alike. Raises `CliError`."""
    if not group and not named:
        raise CliError("name the group by its id", "openclaw directory groups members GROUP_ID")
    if group and named and group.strip() != named.strip():
        raise CliError(f"'{sanitize(group)}' and '{sanitize(named)}' are two groups", "give one of them")
    return group or named or ""


def _print_hidden(members: FoundMembers, shown: int) -> None:
    told, total = members.told, members.total
    words = f"{shown} of {total} shown: the group hides its members, and the platform names {told}."
    echo_wrapped(words if shown else f"The platform names only {told} of the {total} members.")


def _print_people(found: Sequence[Person], limit: int | None) -> None:
    shown = found[:limit]
    heads = ("ID", "NAME", "ALSO", "FRIEND")
    rows = [
        (one.id, _called(one.name), ", ".join(map(sanitize, one.aliases)), _yes_no(one.is_friend))
        for one in shown
    ]
    print_table(heads, rows)
    _print_rest(len(found), len(shown))


def _print_groups(found: Sequence[Group], limit: int | None) -> None:
    shown = found[:limit]
    rows = [(one.id, _called(one.name), str(one.member_count or "")) for one in shown]
    print_table(("ID", "NAME", "MEMBERS"), rows)
    _print_rest(len(found), len(shown))


def _print_rest(found: int, shown: int) -> None:
    if found > shown:
        click.echo(f"\n{found - shown} more; leave out --limit, or narrow down with --query")


def _none(what: str, query: str, setup: CliContext, channel: str | None, account: str | None) -> str:
    from clawlane.config.phones import is_phone_number

    target = setup.meant(channel, account)
    if is_phone_number(query, type(target.account.settings).shortest_id):
        return f"'{sanitize(query)}' looks like a telephone number, and lists show none; search for the name."
    if query:
        return f"No {what} of {target.account} has '{sanitize(query)}' in the name or the id."
    return f"{target.account} has no {what}s."


def _print_json(setup: CliContext, channel: str | None, account: str | None, **found: Any) -> None:
    target = setup.meant(channel, account)
    print_json(channel=target.manifest.id, account=target.account.id, **found)


def _called(name: str) -> str:
    return sanitize(name) or _NAMELESS


def _yes_no(known: bool | None) -> str:
    return "" if known is None else "yes" if known else "no"
