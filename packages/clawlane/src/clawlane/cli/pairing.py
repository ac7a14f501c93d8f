"""`pairing list|approved|approve|reject|revoke`: who may write to an account."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import C, account_option, json_option
from clawlane.cli.output import Row, echo_line, print_json, print_table
from clawlane.cli.prompt_answers import confirm
from clawlane.clock import length, now_ms
from clawlane.ops.accounts import ChannelNames, FindChannel
from clawlane.ops.client import Client
from clawlane.ops.pairing import Approvals, Approve, Reject, Rejections, Requests, Revoke, Unblock
from clawlane.store.people import PairingRequest, Rejected
from clawlane.texts import later, t
from clawlane.words.people import (
    approved_sentence,
    friend,
    namesake_sentence,
    revoked_sentence,
    told_so_far,
    unblocked_sentence,
    until,
)
from clawlane.words.people import who as who_is
from clawlane.words.strangers import cell
from clawlane.words.times import ago, when

_MISSING = {
    "CODE": (later("the code"), "list"),
    "ID": (later("the sender's id"), "approved"),
    "CODE|ID": (later("the code or the sender's id"), "list"),
}
"""What is missing in a command, and which list shows it."""

_named_option = click.option("--channel", "named", help="The same as the argument.")


def _channel_argument(command: C) -> C:
    return click.argument("channel", required=False)(_named_option(command))


@click.group()
def pairing() -> None:
    """See who asks to write to an account, and decide who may."""


@pairing.command("list")
@_channel_argument
@account_option()
@click.option("--rejected", is_flag=True, help="List the people who were rejected instead.")
@json_option
def list_requests(
    channel: str | None, named: str | None, account: str | None, rejected: bool, as_json: bool
) -> None:
    """List the people who wait for approval, with their codes.

    Friends come first.

    \b
    Examples:
      openclaw pairing list zalouser
      openclaw pairing list zalouser --rejected
    """
    client = Client()
    id_ = client.call(FindChannel(named or channel))
    if rejected:
        _list_rejected(client.call(Rejections(id_, account)), id_, as_json)
        return
    rows = client.call(Requests(id_, account))
    if as_json:
        print_json(channel=id_, requests=rows)
    elif rows:
        _print_requests(rows)
        if any(row.code_state == "queued" for row in rows):
            told = t("A code that waits has not left yet; what holds it: openclaw outbox list")
            echo_line(f"\n{told}")
        click.echo()
        echo_line(t("Approve one: {command}", command=f"openclaw pairing approve {id_} CODE"))
        echo_line(t("Reject one: {command}", command=f"openclaw pairing reject {id_} CODE"))
    else:
        echo_line(t("Nobody is waiting on {channel}.", channel=id_))


@pairing.command()
@_channel_argument
@account_option()
@json_option
def approved(channel: str | None, named: str | None, account: str | None, as_json: bool) -> None:
    """List the people who were approved by pairing.

    \b
    Example:
      openclaw pairing approved zalouser
    """
    client = Client()
    id_ = client.call(FindChannel(named or channel))
    rows = client.call(Approvals(id_, account))
    if as_json:
        print_json(channel=id_, approved=rows)
    elif rows:
        now = now_ms()
        cells = [
            (row.sender_id, cell(row.sender_name), when(row.approved_ms, now), row.account) for row in rows
        ]
        _print_by_account((_ID, _NAME, later("APPROVED"), _ACCOUNT), cells)
        click.echo()
        echo_line(t("Revoke one: {command}", command=f"openclaw pairing revoke {id_} ID"))
    else:
        echo_line(t("Nobody was approved by pairing on {channel}.", channel=id_))


@pairing.command()
@click.argument("words", nargs=-1, metavar="[CHANNEL] CODE")
@_named_option
@account_option("The account the code belongs to (default: found by the code).")
@click.option("--notify", is_flag=True, help="Tell the person in a short text that they may write now.")
@click.option("--yes", is_flag=True, help="Do not ask about a stranger with the name of a friend.")
@json_option
def approve(
    words: tuple[str, ...], named: str | None, account: str | None, notify: bool, yes: bool, as_json: bool
) -> None:
    """Approve the person who was given CODE.

    This lets in that sender on that account, and nobody else.

    \b
    Examples:
      openclaw pairing approve zalouser K7MXQ2PA
      openclaw pairing approve zalouser K7MXQ2PA --notify
    """
    from clawlane.access.pairing import normalise_code

    client = Client(changes=True)
    channel, code = _channel_and(client, named, words, "approve", "CODE")
    if not yes:
        _ask_about_namesake(client.call(Requests(channel, account)), normalise_code(code))
    let_in = client.call(Approve(channel, code, account, notify))
    approved, warning = let_in.approved, let_in.warning
    if as_json:
        print_json(approved=approved, **({"warning": warning} if warning else {}))
        return
    echo_line(approved_sentence(approved))
    if warning:
        echo_line(t("warning: {what}", what=t(warning)), err=True)


@pairing.command()
@click.argument("words", nargs=-1, metavar="[CHANNEL] ID")
@_named_option
@account_option("Only this account (default: all on which the person was approved).")
@json_option
def revoke(words: tuple[str, ...], named: str | None, account: str | None, as_json: bool) -> None:
    """Take back an approval.

    It holds at once, also for messages that wait.

    \b
    Example:
      openclaw pairing revoke zalouser 1471383327500481391
    """
    client = Client()
    channel, sender = _channel_and(client, named, words, "revoke", "ID")
    revoked = client.call(Revoke(channel, sender, account))
    if as_json:
        print_json(revoked=revoked)
        return
    for row in revoked:
        echo_line(revoked_sentence(row))


@pairing.command()
@click.argument("words", nargs=-1, metavar="[CHANNEL] CODE|ID")
@_named_option
@account_option("Only this account (default: all on which the person waits).")
@click.option("--block", is_flag=True, help="Until --unblock, not just for 30 days.")
@click.option("--unblock", is_flag=True, help="Let the person ask again.")
@json_option
def reject(
    words: tuple[str, ...], named: str | None, account: str | None, block: bool, unblock: bool, as_json: bool
) -> None:
    """Reject a person, by code or id.

    For 30 days they get no code and no answer.

    \b
    Examples:
      openclaw pairing reject zalouser K7MXQ2PA
      openclaw pairing reject zalouser 1471383327500481391 --block
    """
    if block and unblock:
        raise CliError(t("--block and --unblock exclude each other"), t("give one of them"))
    client = Client()
    channel, who = _channel_and(client, named, words, "reject", "CODE|ID")
    rows = client.call(Unblock(channel, who, account) if unblock else Reject(channel, who, account, block))
    if as_json:
        print_json(**{"unblocked" if unblock else "rejected": rows})
        return
    for row in rows:
        if unblock:
            echo_line(unblocked_sentence(row))
        else:
            undo = f"openclaw pairing reject {_channel(row)} {row.sender_id} --unblock"
            told = later("Rejected: {who} on {account} {until}; undo: {command}")
            echo_line(t(told, who=who_is(row), account=row.account, until=until(row), command=undo))


def _channel_and(
    client: Client, named: str | None, words: tuple[str, ...], verb: str, what: str
) -> tuple[str | None, str]:
    """The channel, if one is named, and the code or id. Raises `CliError` that says what is missing."""
    names = client.call(ChannelNames())
    known = [word for word in words if word.strip().lower().removeprefix("@openclaw/") in names]
    missing, where = _MISSING[what]
    match words:
        case (word,) if not known:
            return named, word
        case (first, second) if second not in known:
            return named or first, second
        case (first, second) if first not in known:
            return named or second, first
    channel = words[0] if words and words[0] in known else "zalouser"
    if len(words) > 2:
        one = t("give one channel and {what}", what=missing)
        raise CliError(one, f"openclaw pairing {verb} {channel} {what}")
    see = t("it is listed by: {command}", command=f"openclaw pairing {where} {channel}")
    command = f"openclaw pairing {verb} {channel} {what}"
    raise CliError(t("{what} is missing: {command}", what=missing, command=command), see)


def _ask_about_namesake(rows: list[PairingRequest], code: str) -> None:
    """Ask before a stranger with the name of a friend is let in. Raises `CliError`."""
    found = next((row for row in rows if row.code == code and row.namesake_id), None)
    if found is None:
        return
    told = namesake_sentence(found)
    if not sys.stdin.isatty():
        command = f"openclaw pairing approve {_channel(found)} {code} --yes"
        again = t("if it is who you think: {command}", command=command)
        raise CliError(t("not approved: {why}", why=told), again)
    if not confirm(t("{what}. Approve anyway?", what=told), err=True):
        raise CliError(t("nobody was approved"))


def _print_requests(rows: list[PairingRequest]) -> None:
    now = now_ms()
    cells = [
        (
            row.code,
            row.sender_id,
            cell(row.sender_name),
            friend(row),
            ago(row.created_ms, now),
            length(row.expires_ms - now),
            told_so_far(row),
            row.account,
        )
        for row in rows
    ]
    _print_by_account(_HEADS, cells)


_ID, _NAME, _ACCOUNT = later("ID"), later("NAME"), later("ACCOUNT")
_ASKED, _LEFT = later("ASKED"), later("LEFT")
_HEADS = (later("CODE"), _ID, _NAME, later("FRIEND"), _ASKED, _LEFT, later("TOLD"), _ACCOUNT)


def _print_by_account(heads: Row, rows: Sequence[Row]) -> None:
    """Print a table whose last column is the account, without it where all rows have the same."""
    shown = len(heads) if len({row[-1] for row in rows}) > 1 else len(heads) - 1
    print_table(tuple(map(t, heads[:shown])), [row[:shown] for row in rows])


def _list_rejected(rows: list[Rejected], channel: str, as_json: bool) -> None:
    if as_json:
        print_json(channel=channel, rejected=rows)
    elif rows:
        now = now_ms()
        cells = [
            (row.sender_id, cell(row.sender_name), when(row.rejected_ms, now), until(row), row.account)
            for row in rows
        ]
        _print_by_account((_ID, _NAME, later("REJECTED"), later("UNTIL"), _ACCOUNT), cells)
        click.echo()
        again = f"openclaw pairing reject {channel} ID --unblock"
        echo_line(t("Let one ask again: {command}", command=again))
    else:
        echo_line(t("Nobody is rejected on {channel}.", channel=channel))


def _channel(row: PairingRequest | Rejected) -> str:
    return row.account.partition("/")[0]
