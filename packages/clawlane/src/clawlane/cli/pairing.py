"""`pairing list|approved|approve|reject|revoke`: who may write to an account."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import C, account_option, json_option
from clawlane.cli.output import Row, ago, cell, echo_line, local, print_json, print_table, sanitize, when
from clawlane.clock import length, now_ms
from clawlane.ops.accounts import ChannelNames, FindChannel
from clawlane.ops.client import Client
from clawlane.ops.pairing import Approvals, Approve, Reject, Rejections, Requests, Revoke, Unblock
from clawlane.store.people import Approved, PairingRequest, Rejected
from clawlane.texts import later, t

_TOLD = {"dm_pairing_silent": "nothing (silent)", "dm_pairing_held": "nothing yet (held)"}
"""What the person who waits has been told, by the reason of their last message."""

_THE_CODE = later("the code")
_CODE = {
    "queued": later("not yet (waits)"),
    "sending": later("code (on its way)"),
    "unknown": later("code (unconfirmed)"),
    "refused": later("nothing (not sent)"),
    "cancelled": later("nothing (not sent)"),
    "expired": later("nothing (not sent)"),
}
"""The same, by where the text with the code stands; the code has arrived in every other state."""

_FRIEND = {True: "yes", False: "no", None: "not known"}
_MISSING = {
    "CODE": ("the code", "list"),
    "ID": ("the sender's id", "approved"),
    "CODE|ID": ("the code or the sender's id", "list"),
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
        echo_line(f"\nApprove one: openclaw pairing approve {id_} CODE")
        echo_line(f"Reject one: openclaw pairing reject {id_} CODE")
    else:
        echo_line(f"Nobody is waiting on {id_}.")


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
        _print_by_account(("ID", "NAME", "APPROVED", "ACCOUNT"), cells)
        echo_line(f"\nRevoke one: openclaw pairing revoke {id_} ID")
    else:
        echo_line(f"Nobody was approved by pairing on {id_}.")


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
    echo_line(f"Approved: {_who(approved)} may now write to {approved.account}.")
    if warning:
        echo_line(f"warning: {warning}", err=True)


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
        echo_line(f"Revoked: {_who(row)} was let in on {row.account} by pairing, and is not any more.")


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
        raise CliError("--block and --unblock exclude each other", "give one of them")
    client = Client()
    channel, who = _channel_and(client, named, words, "reject", "CODE|ID")
    rows = client.call(Unblock(channel, who, account) if unblock else Reject(channel, who, account, block))
    if as_json:
        print_json(**{"unblocked" if unblock else "rejected": rows})
        return
    for row in rows:
        if unblock:
            echo_line(f"{_who(row)} may ask {row.account} for a code again.")
        else:
            undo = f"undo: openclaw pairing reject {_channel(row)} {row.sender_id} --unblock"
            echo_line(f"Rejected: {_who(row)} on {row.account} {_until(row)}; {undo}")


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
        raise CliError(f"give one channel and {missing}", f"openclaw pairing {verb} {channel} {what}")
    see = f"it is listed by: openclaw pairing {where} {channel}"
    raise CliError(f"{missing} is missing: openclaw pairing {verb} {channel} {what}", see)


def _ask_about_namesake(rows: list[PairingRequest], code: str) -> None:
    """Ask before a stranger with the name of a friend is let in. Raises `CliError`."""
    found = next((row for row in rows if row.code == code and row.namesake_id), None)
    if found is None:
        return
    told = f"{_who(found)} is not a friend, but has the same name as the friend {_namesake(found)}"
    if not sys.stdin.isatty():
        again = f"if it is who you think: openclaw pairing approve {_channel(found)} {code} --yes"
        raise CliError(f"not approved: {told}", again)
    if not click.confirm(f"{told}. Approve anyway?", err=True):
        raise CliError("nobody was approved")


def _print_requests(rows: list[PairingRequest]) -> None:
    now = now_ms()
    cells = [
        (
            row.code,
            row.sender_id,
            cell(row.sender_name),
            f"NO, has the name of {_namesake(row)}" if row.namesake_id else _FRIEND[row.is_friend],
            ago(row.created_ms, now),
            length(row.expires_ms - now),
            _TOLD.get(row.reason) or t(_CODE.get(row.code_state, _THE_CODE)),
            row.account,
        )
        for row in rows
    ]
    _print_by_account(("CODE", "ID", "NAME", "FRIEND", "ASKED", "LEFT", "TOLD", "ACCOUNT"), cells)


def _print_by_account(heads: Row, rows: Sequence[Row]) -> None:
    """Print a table whose last column is the account, without it where all rows have the same."""
    shown = len(heads) if len({row[-1] for row in rows}) > 1 else len(heads) - 1
    print_table(heads[:shown], [row[:shown] for row in rows])


def _list_rejected(rows: list[Rejected], channel: str, as_json: bool) -> None:
    if as_json:
        print_json(channel=channel, rejected=rows)
    elif rows:
        now = now_ms()
        cells = [
            (row.sender_id, cell(row.sender_name), when(row.rejected_ms, now), _until(row), row.account)
            for row in rows
        ]
        _print_by_account(("ID", "NAME", "REJECTED", "UNTIL", "ACCOUNT"), cells)
        echo_line(f"\nLet one ask again: openclaw pairing reject {channel} ID --unblock")
    else:
        echo_line(f"Nobody is rejected on {channel}.")


def _who(row: Approved | PairingRequest | Rejected) -> str:
    return f"{sanitize(row.sender_name) or 'somebody without a name'} ({row.sender_id})"


def _namesake(row: PairingRequest) -> str:
    return f"{sanitize(row.namesake)} ({row.namesake_id})"


def _channel(row: PairingRequest | Rejected) -> str:
    return row.account.partition("/")[0]


def _until(row: Rejected) -> str:
    return "for good" if row.until_ms is None else f"until {local(row.until_ms)}"
