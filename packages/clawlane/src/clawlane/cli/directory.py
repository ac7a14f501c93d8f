"""The group `directory`: whom an account knows, with ids ready to paste into the config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from clawlane.cli.directory_export import export_directory
from clawlane.cli.failure import CliError
from clawlane.cli.json_shapes import user_json
from clawlane.cli.options import C, json_option, one_account
from clawlane.cli.output import echo_line, echo_wrapped, print_json, print_table
from clawlane.ops.client import Client
from clawlane.ops.directory import GroupMembers, Groups, Peers, Self
from clawlane.people import Group, Person
from clawlane.texts import later, t
from clawlane.words.strangers import cell, sanitize

_YES_NO = {True: later("yes"), False: later("no"), None: ""}

_NONE = {
    "friend": later("{account} has no friends."),
    "group": later("{account} has no groups."),
    "member": later("{account} has no members."),
}
_NONE_CALLED = {
    "friend": later("No friend of {account} has '{query}' in the name or the id."),
    "group": later("No group of {account} has '{query}' in the name or the id."),
    "member": later("No member of {account} has '{query}' in the name or the id."),
}
_HIDES = later("{shown} of {total} shown: the group hides its members, and the platform names {told}.")
_TELEPHONE = later("'{query}' looks like a telephone number, and lists show none; search for the name.")


@click.group()
def directory() -> None:
    """Look up people and groups, with the ids that the config needs."""


directory.add_command(export_directory)


@directory.group()
def peers() -> None:
    """The people an account is connected to."""


@directory.group()
def groups() -> None:
    """The groups an account is in."""


def _narrowing(command: C) -> C:
    command = click.option("--limit", type=click.IntRange(min=1), help="Show at most this many.")(command)
    return click.option("--query", default="", help="Part of a name or an id; accents do not count.")(command)


@directory.command("self")
@one_account
@json_option
def self_(channel: str | None, account: str | None, as_json: bool) -> None:
    """Show who the account itself is.

    \b
    Example:
      openclaw directory self --channel zalouser
    """
    client = Client()
    person = client.call(Self(channel, account))
    if as_json:
        _print_json(client, channel, account, user=user_json(person.id, person.name))
    else:
        print_table(("ID", t("NAME")), [(person.id, cell(person.name))])


@peers.command("list")
@_narrowing
@one_account
@json_option
def list_peers(
    channel: str | None, account: str | None, query: str, limit: int | None, as_json: bool
) -> None:
    """List the account's friends. Their ids go into allowFrom and groupAllowFrom.

    \b
    Example:
      openclaw directory peers list --channel zalouser --query "lan"
    """
    client = Client()
    found = client.call(Peers(channel, account, query))
    if as_json:
        _print_json(client, channel, account, peers=found[:limit], total=len(found))
    elif found:
        _print_people(found, limit)
    else:
        _print_none(client, "friend", query, channel, account)


@groups.command("list")
@_narrowing
@one_account
@json_option
def list_groups(
    channel: str | None, account: str | None, query: str, limit: int | None, as_json: bool
) -> None:
    """List the account's groups. Their ids are keys of groups.

    \b
    Example:
      openclaw directory groups list --channel zalouser --query "work"
    """
    client = Client()
    found = client.call(Groups(channel, account, query))
    if as_json:
        _print_json(client, channel, account, groups=found[:limit], total=len(found))
    elif found:
        rows = [(one.id, cell(one.name), str(one.member_count or "")) for one in found[:limit]]
        print_table(("ID", t("NAME"), t("MEMBERS")), rows)
        _print_rest(found, limit)
    else:
        _print_none(client, "group", query, channel, account)


@groups.command("members")
@click.argument("group", required=False)
@click.option("--group-id", "named", help="The same as the argument.")
@_narrowing
@one_account
@json_option
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

    A group may hide its members; then this says how many there are.

    \b
    Example:
      openclaw directory groups members 5583212290912038
    """
    if not group and not named:
        raise CliError(t("name the group by its id"), "openclaw directory groups members GROUP_ID")
    if group and named and group.strip() != named.strip():
        two = t("'{one}' and '{other}' are two groups", one=sanitize(group), other=sanitize(named))
        raise CliError(two, t("give one of them"))
    client = Client()
    members = client.call(GroupMembers(group or named or "", channel, account, query))
    found = members.found
    if as_json:
        counts = {"found": len(found), "told": members.told, "total": members.total}
        fields = {"group": members.group_id, "members": found[:limit], **counts}
        _print_json(client, channel, account, **fields)
        return
    if found:
        _print_people(found, limit)
    else:
        _print_none(client, "member", query, channel, account)
    told, total, shown = members.told, members.total, len(found[:limit])
    if total > told and shown:
        echo_wrapped(t(_HIDES, shown=shown, total=total, told=told))
    elif total > told:
        echo_wrapped(t("The platform names only {told} of the {total} members.", told=told, total=total))


def _print_people(found: Sequence[Person], limit: int | None) -> None:
    rows = [
        (one.id, cell(one.name), ", ".join(map(sanitize, one.aliases)), t(_YES_NO[one.is_friend]))
        for one in found[:limit]
    ]
    print_table(("ID", t("NAME"), t("ALSO"), t("FRIEND")), rows)
    _print_rest(found, limit)


def _print_rest(found: Sequence[Person] | Sequence[Group], limit: int | None) -> None:
    if rest := len(found) - len(found[:limit]):
        click.echo()
        echo_line(t("{n} more; leave out --limit, or narrow down with --query", n=rest))


def _print_json(client: Client, channel: str | None, account: str | None, **fields: Any) -> None:
    from clawlane.ops.accounts import FindAccount

    whose = client.call(FindAccount(channel, account))
    print_json(channel=whose.channel, account=str(whose), **fields)


def _print_none(client: Client, what: str, query: str, channel: str | None, account: str | None) -> None:
    from clawlane.config.phones import is_phone_number
    from clawlane.ops.accounts import FindAccount

    whose = client.call(FindAccount(channel, account))
    if is_phone_number(query, whose.shortest_id):
        echo_line(t(_TELEPHONE, query=sanitize(query)))
    elif query:
        echo_line(t(_NONE_CALLED[what], account=whose, query=sanitize(query)))
    else:
        echo_line(t(_NONE[what], account=whose))
