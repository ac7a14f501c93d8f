"""`pairing list|approved|approve|revoke`: who may write to an account."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from clawlane.cli.clean import clean
from clawlane.cli.failure import CliError
from clawlane.cli.setup import Setup
from clawlane.cli.table import print_table
from clawlane.cli.times import length, when

_TOLD = {"dm_pairing_silent": "nothing (silent)", "dm_pairing_held": "nothing yet (held)"}
"""What the person who waits has been told, by the reason of their last message."""


@click.group()
def pairing() -> None:
    """See who asks to write to an account, and let them in."""


@pairing.command("list")
@click.argument("channel", required=False)
@click.option("--channel", "named", help="The same as the argument.")
@click.option("--account", help="Only this account (default: all).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_requests(channel: str | None, named: str | None, account: str | None, as_json: bool) -> None:
    """List the people who wait for an approval, with their codes."""
    setup = Setup()
    manifest = setup.manifest(named or channel)
    account = _known_account(setup, manifest.id, account)
    rows = _pending(setup, manifest.id, account)
    if as_json:
        click.echo(json.dumps({"ok": True, "channel": manifest.id, "requests": rows}, ensure_ascii=False))
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
    setup = Setup()
    manifest = setup.manifest(named or channel)
    rows = _approved(setup, manifest.id, _known_account(setup, manifest.id, account))
    if as_json:
        click.echo(json.dumps({"ok": True, "channel": manifest.id, "approved": rows}, ensure_ascii=False))
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
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def approve(
    words: tuple[str, ...], named: str | None, account: str | None, notify: bool, as_json: bool
) -> None:
    """Let in the person who was given CODE: that sender, on that account, and nothing else."""
    setup = Setup()
    channel, code = _channel_and(words, "CODE")
    manifest = setup.manifest(named or channel)
    account = _known_account(setup, manifest.id, account)
    let_in, warning = _approve(setup, manifest.id, account, code, notify=notify)
    if as_json:
        body = {"ok": True, "approved": let_in, **({"warning": warning} if warning else {})}
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    click.echo(f"Approved: {_who(let_in)} may now write to {let_in['account']}.")
    if warning:
        click.echo(f"warning: {warning}", err=True)


@pairing.command()
@click.argument("words", nargs=-1, metavar="[CHANNEL] ID")
@click.option("--channel", "named", help="The same as the argument.")
@click.option("--account", help="Only this account (default: all on which the person was approved).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def revoke(words: tuple[str, ...], named: str | None, account: str | None, as_json: bool) -> None:
    """Take back that a person was let in. It holds at once, for messages that wait too."""
    setup = Setup()
    channel, sender = _channel_and(words, "ID")
    manifest = setup.manifest(named or channel)
    revoked = _revoke(setup, manifest.id, _known_account(setup, manifest.id, account), sender)
    if as_json:
        click.echo(json.dumps({"ok": True, "revoked": revoked}, ensure_ascii=False))
        return
    for row in revoked:
        click.echo(f"Revoked: {_who(row)} was let in on {row['account']} by pairing, and is not any more.")


def _channel_and(words: tuple[str, ...], what: str) -> tuple[str | None, str]:
    match words:
        case (word,):
            return None, word
        case (channel, word):
            return channel, word
    verb = "approve" if what == "CODE" else "revoke"
    one = "one code" if what == "CODE" else "one sender's id"
    raise CliError(f"give the channel and {one}", f"openclaw pairing {verb} zalouser {what}")


def _who(row: Mapping[str, Any]) -> str:
    return f"{clean(row['sender_name']) or 'somebody without a name'} ({row['sender_id']})"


def _known_account(setup: Setup, channel: str, account: str | None) -> str | None:
    return setup.meant(channel, account).account.id if account else None


def _pending(setup: Setup, channel: str, account: str | None) -> list[dict[str, Any]]:
    from clawlane.host.control_client import ControlClient
    from clawlane.store.offline import pairing_list

    client = ControlClient(setup.places)
    if client.running():
        return [dict(row) for row in client.pairing_list(channel, account)]
    return [asdict(request) for request in pairing_list(setup.places, channel, account, _now_ms())]


def _approved(setup: Setup, channel: str, account: str | None) -> list[dict[str, Any]]:
    from clawlane.host.control_client import ControlClient
    from clawlane.store.offline import pairing_approved

    client = ControlClient(setup.places)
    if client.running():
        return [dict(row) for row in client.pairing_approved(channel, account)]
    return [asdict(row) for row in pairing_approved(setup.places, channel, account)]


def _approve(
    setup: Setup, channel: str, account: str | None, code: str, *, notify: bool
) -> tuple[Mapping[str, Any], str]:
    """Who was let in, and a warning where they could not be told."""
    from clawlane.host.control_client import ControlClient
    from clawlane.store.offline import pairing_approve

    client = ControlClient(setup.places)
    if client.running():
        return client.pairing_approve(channel, account, code, notify=notify), ""
    let_in = asdict(asyncio.run(pairing_approve(setup.places, channel, account, code, _now_ms)))
    return let_in, "the gateway is not running, so the person was not told" if notify else ""


def _revoke(setup: Setup, channel: str, account: str | None, sender: str) -> list[dict[str, Any]]:
    from clawlane.host.control_client import ControlClient
    from clawlane.store.offline import pairing_revoke

    client = ControlClient(setup.places)
    if client.running():
        return [dict(row) for row in client.pairing_revoke(channel, account, sender)]
    revoked = asyncio.run(pairing_revoke(setup.places, channel, account, sender, _now_ms))
    return [asdict(row) for row in revoked]


def _print(rows: list[dict[str, Any]], channel: str) -> None:
    now = _now_ms()
    several = len({row["account"] for row in rows}) > 1
    heads = ("CODE", "ID", "NAME", "ASKED", "LEFT", "TOLD", *(("ACCOUNT",) if several else ()))
    print_table(heads, [_cells(row, now, several) for row in rows])
    click.echo(f"\nLet one in: openclaw pairing approve {channel} CODE")


def _cells(row: dict[str, Any], now: int, several: bool) -> list[str]:
    asked = when(row["created_ms"], now)
    cells = [
        row["code"],
        row["sender_id"],
        clean(row["sender_name"]) or "–",
        asked,
        length(row["expires_ms"] - now),
        _TOLD.get(row["reason"], "the code"),
    ]
    return [*cells, row["account"]] if several else cells


def _approved_cells(row: Mapping[str, Any]) -> list[str]:
    approved_at = when(row["approved_ms"], _now_ms())
    return [row["sender_id"], clean(row["sender_name"]) or "–", approved_at, row["account"]]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
