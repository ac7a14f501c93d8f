"""`pairing list|approved|approve|reject|revoke`: who may write to an account."""

from __future__ import annotations

import sys

import click

from clawlane.access.pairing import normalise_code
from clawlane.cli.context import CliContext, now_ms
from clawlane.cli.failure import CliError
from clawlane.cli.output import length, local, print_json, print_table, sanitize, when
from clawlane.ops.pairing import Approvals, Approve, Reject, Rejections, Requests, Revoke, Unblock
from clawlane.store.models import Approved, PairingRequest, Rejected

_TOLD = {"dm_pairing_silent": "nothing (silent)", "dm_pairing_held": "nothing yet (held)"}
"""What the person who waits has been told, by the reason of their last message."""


@click.group()
def pairing() -> None:
    """See who asks to write to an account, and let them in."""


@pairing.command("list")
@click.argument("channel", required=False)
@click.option("--channel", "named", help="The same as the argument.")
@click.option("--account", help="Only this account (default: all).")
@click.option("--rejected", is_flag=True, help="List the people who were turned away instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_requests(
    channel: str | None, named: str | None, account: str | None, rejected: bool, as_json: bool
) -> None:
    """List the people who wait for an approval, with their codes. Friends come first."""
    setup = CliContext()
    manifest = setup.manifest(named or channel)
    if rejected:
        _list_rejected(setup, manifest.id, account, as_json)
        return
    rows = setup.call(Requests(manifest.id, account))
    if as_json:
        print_json(channel=manifest.id, requests=rows)
    elif rows:
        _print(rows, manifest.id)
    else:
        click.echo(f"Nobody is waiting on {manifest.id}.")


@pairing.command()
@click.argument("channel", required=False)
@click.option("--channel", "named", help="The same as the argument.")
@click.option("--account", help="Only this account (default: all).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def approved(channel: str | None, named: str | None, account: str | None, as_json: bool) -> None:
    """List the people who were let in by pairing."""
    setup = CliContext()
    manifest = setup.manifest(named or channel)
    rows = setup.call(Approvals(manifest.id, account))
    if as_json:
        print_json(channel=manifest.id, approved=rows)
    elif rows:
        print_table(("ID", "NAME", "APPROVED", "ACCOUNT"), [_approved_cells(row) for row in rows])
        click.echo(f"\nTake it back: openclaw pairing revoke {manifest.id} ID")
    else:
        click.echo(f"Nobody was let in by pairing on {manifest.id}.")


@pairing.command()
@click.argument("words", nargs=-1, metavar="[CHANNEL] CODE")
@click.option("--channel", "named", help="The same as the argument.")
@click.option("--account", help="The account the code belongs to (default: found by the code).")
@click.option("--notify", is_flag=True, help="Send the person a short text that they may write now.")
@click.option("--yes", is_flag=True, help="Do not ask about a stranger who bears the name of a friend.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def approve(
    words: tuple[str, ...], named: str | None, account: str | None, notify: bool, yes: bool, as_json: bool
) -> None:
    """Let in the person who was given CODE: that sender, on that account, and nothing else."""
    setup = CliContext()
    channel, code = _channel_and(setup, words, "approve", "CODE")
    manifest = setup.manifest(named or channel)
    if not yes:
        _ask_about_namesake(setup.call(Requests(manifest.id, account)), manifest.id, code)
    let_in = setup.call(Approve(manifest.id, code, account, notify))
    approved, warning = let_in.approved, let_in.warning
    if as_json:
        print_json(approved=approved, **({"warning": warning} if warning else {}))
        return
    click.echo(f"Approved: {_who(approved)} may now write to {approved.account}.")
    if warning:
        click.echo(f"warning: {warning}", err=True)


@pairing.command()
@click.argument("words", nargs=-1, metavar="[CHANNEL] ID")
@click.option("--channel", "named", help="The same as the argument.")
@click.option("--account", help="Only this account (default: all on which the person was approved).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def revoke(words: tuple[str, ...], named: str | None, account: str | None, as_json: bool) -> None:
    """Take back that a person was let in. It holds at once, for messages that wait too."""
    setup = CliContext()
    channel, sender = _channel_and(setup, words, "revoke", "ID")
    manifest = setup.manifest(named or channel)
    revoked = setup.call(Revoke(manifest.id, sender, account))
    if as_json:
        print_json(revoked=revoked)
        return
    for row in revoked:
        click.echo(f"Revoked: {_who(row)} was let in on {row.account} by pairing, and is not any more.")


@pairing.command()
@click.argument("words", nargs=-1, metavar="[CHANNEL] CODE|ID")
@click.option("--channel", "named", help="The same as the argument.")
@click.option("--account", help="Only this account (default: all on which the person waits).")
@click.option("--block", is_flag=True, help="Until --unblock, and not for 30 days only.")
@click.option("--unblock", is_flag=True, help="Let the person ask again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reject(
    words: tuple[str, ...], named: str | None, account: str | None, block: bool, unblock: bool, as_json: bool
) -> None:
    """Turn a person away, named by their code or id: for 30 days they get no code, and nobody answers."""
    if block and unblock:
        raise CliError("--block and --unblock exclude each other", "give one of them")
    setup = CliContext()
    channel, who = _channel_and(setup, words, "reject", "CODE|ID")
    manifest = setup.manifest(named or channel)
    if unblock:
        rows = setup.call(Unblock(manifest.id, who, account))
    else:
        rows = setup.call(Reject(manifest.id, who, account, block))
    if as_json:
        print_json(**{"unblocked" if unblock else "rejected": rows})
        return
    for row in rows:
        if unblock:
            click.echo(f"{_who(row)} may ask {row.account} for a code again.")
        else:
            undo = f"undo: openclaw pairing reject {manifest.id} {row.sender_id} --unblock"
            click.echo(f"Turned away: {_who(row)} on {row.account} {_until(row)}; {undo}")


_MISSING = {
    "CODE": ("the code", "list"),
    "ID": ("the sender's id", "approved"),
    "CODE|ID": ("the code or the sender's id", "list"),
}
"""What a command lacks, and which list shows it."""


def _channel_and(setup: CliContext, words: tuple[str, ...], verb: str, what: str) -> tuple[str | None, str]:
    """The channel, if one is named, and the code or id. Raises `CliError` that says what is missing."""
    missing, where = _MISSING[what]
    match words:
        case (word,) if not _is_channel(setup, word):
            return None, word
        case (first, second) if not _is_channel(setup, second):
            return first, second
        case (first, second) if not _is_channel(setup, first):
            return second, first
    channel = words[0] if words and _is_channel(setup, words[0]) else "zalouser"
    if len(words) > 2:
        raise CliError(f"give one channel and {missing}", f"openclaw pairing {verb} {channel} {what}")
    see = f"it stands in: openclaw pairing {where} {channel}"
    raise CliError(f"{missing} is missing: openclaw pairing {verb} {channel} {what}", see)


def _is_channel(setup: CliContext, word: str) -> bool:
    """Whether a word is the name of a channel, installed or not: no code and no id is one."""
    wanted = word.strip().lower().removeprefix("@openclaw/")
    names = {name for manifest in setup.registry.manifests() for name in (manifest.id, *manifest.aliases)}
    return wanted in names or wanted in setup.registry.installable()


def _ask_about_namesake(rows: list[PairingRequest], channel: str, code: str) -> None:
    """Ask before somebody is let in who is no friend and bears a friend's name. Raises `CliError`."""
    wanted = normalise_code(code)
    found = next((row for row in rows if row.code == wanted and row.namesake_id), None)
    if found is None:
        return
    told = f"{_who(found)} is not a friend, but bears the name of the friend {_namesake(found)}"
    if not sys.stdin.isatty():
        again = f"if it is who you think: openclaw pairing approve {channel} {wanted} --yes"
        raise CliError(f"not approved: {told}", again)
    if not click.confirm(f"{told}. Approve nevertheless?", err=True):
        raise CliError("nobody was approved")


def _namesake(row: PairingRequest) -> str:
    return f"{sanitize(row.namesake)} ({row.namesake_id})"


def _who(row: Approved | PairingRequest | Rejected) -> str:
    return f"{sanitize(row.sender_name) or 'somebody without a name'} ({row.sender_id})"


def _list_rejected(setup: CliContext, channel: str, account: str | None, as_json: bool) -> None:
    rows = setup.call(Rejections(channel, account))
    if as_json:
        print_json(channel=channel, rejected=rows)
    elif rows:
        print_table(("ID", "NAME", "TURNED AWAY", "UNTIL", "ACCOUNT"), [_rejected_cells(row) for row in rows])
        click.echo(f"\nLet one ask again: openclaw pairing reject {channel} ID --unblock")
    else:
        click.echo(f"Nobody is turned away on {channel}.")


def _rejected_cells(row: Rejected) -> list[str]:
    rejected = when(row.rejected_ms, now_ms())
    return [row.sender_id, sanitize(row.sender_name) or "–", rejected, _until(row), row.account]


def _until(row: Rejected) -> str:
    return "for good" if row.until_ms is None else f"until {local(row.until_ms)}"


def _print(rows: list[PairingRequest], channel: str) -> None:
    now = now_ms()
    several = len({row.account for row in rows}) > 1
    heads = ("CODE", "ID", "NAME", "FRIEND", "ASKED", "LEFT", "TOLD", *(("ACCOUNT",) if several else ()))
    print_table(heads, [_cells(row, now, several) for row in rows])
    click.echo(f"\nLet one in: openclaw pairing approve {channel} CODE")
    click.echo(f"Turn one away: openclaw pairing reject {channel} CODE")


_FRIEND = {True: "yes", False: "no", None: "not known"}


def _friend(row: PairingRequest) -> str:
    if row.namesake_id:
        return f"NO, bears the name of {_namesake(row)}"
    return _FRIEND[row.is_friend]


def _cells(row: PairingRequest, now: int, several: bool) -> list[str]:
    asked = when(row.created_ms, now)
    cells = [
        row.code,
        row.sender_id,
        sanitize(row.sender_name) or "–",
        _friend(row),
        asked,
        length(row.expires_ms - now),
        _TOLD.get(row.reason, "the code"),
    ]
    return [*cells, row.account] if several else cells


def _approved_cells(row: Approved) -> list[str]:
    approved_at = when(row.approved_ms, now_ms())
    return [row.sender_id, sanitize(row.sender_name) or "–", approved_at, row.account]
