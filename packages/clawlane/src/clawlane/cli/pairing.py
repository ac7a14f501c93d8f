"""`pairing list` and `pairing approve`: who may write to an account."""

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
from clawlane.cli.times import ago, length, local


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
@click.argument("words", nargs=-1, metavar="[CHANNEL] CODE")
@click.option("--channel", "named", help="The same as the argument.")
@click.option("--account", help="The account the code belongs to (default: found by the code).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def approve(words: tuple[str, ...], named: str | None, account: str | None, as_json: bool) -> None:
    """Let in the person who was given CODE: that sender, on that account, and nothing else."""
    setup = Setup()
    channel, code = _channel_and_code(words)
    manifest = setup.manifest(named or channel)
    account = _known_account(setup, manifest.id, account)
    let_in = _approve(setup, manifest.id, account, code)
    if as_json:
        click.echo(json.dumps({"ok": True, "approved": let_in}, ensure_ascii=False))
        return
    who = f"{clean(let_in['sender_name']) or 'somebody without a name'} ({let_in['sender_id']})"
    click.echo(f"Approved: {who} may now write to {let_in['account']}.")


def _channel_and_code(words: tuple[str, ...]) -> tuple[str | None, str]:
    match words:
        case (code,):
            return None, code
        case (channel, code):
            return channel, code
    raise CliError("give the channel and one code", "openclaw pairing approve zalouser CODE")


def _known_account(setup: Setup, channel: str, account: str | None) -> str | None:
    return setup.meant(channel, account).account.id if account else None


def _pending(setup: Setup, channel: str, account: str | None) -> list[dict[str, Any]]:
    from clawlane.host.control_client import ControlClient
    from clawlane.store.offline import pairing_list

    client = ControlClient(setup.places)
    if client.running():
        return [dict(row) for row in client.pairing_list(channel, account)]
    return [asdict(request) for request in pairing_list(setup.places, channel, account, _now_ms())]


def _approve(setup: Setup, channel: str, account: str | None, code: str) -> Mapping[str, Any]:
    from clawlane.host.control_client import ControlClient
    from clawlane.store.offline import pairing_approve

    client = ControlClient(setup.places)
    if client.running():
        return client.pairing_approve(channel, account, code)
    return asdict(asyncio.run(pairing_approve(setup.places, channel, account, code, _now_ms)))


def _print(rows: list[dict[str, Any]], channel: str) -> None:
    now = _now_ms()
    several = len({row["account"] for row in rows}) > 1
    heads = ("CODE", "ID", "NAME", "ASKED", "LEFT", *(("ACCOUNT",) if several else ()))
    print_table(heads, [_cells(row, now, several) for row in rows])
    click.echo(f"\nLet one in: openclaw pairing approve {channel} CODE")


def _cells(row: dict[str, Any], now: int, several: bool) -> list[str]:
    asked = f"{local(row['created_ms'])} ({ago(row['created_ms'], now)})"
    cells = [
        row["code"],
        row["sender_id"],
        clean(row["sender_name"]) or "–",
        asked,
        length(row["expires_ms"] - now),
    ]
    return [*cells, row["account"]] if several else cells


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
