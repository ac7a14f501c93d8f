"""`channels status`: how the accounts are, with or without a running gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import click

from clawlane.channel import Health, Phase
from clawlane.cli.failure import CliError
from clawlane.cli.setup import Setup
from clawlane.cli.status_text import status_lines
from clawlane.cli.wrap import echo_wrapped
from clawlane.config.problems import ConfigError

Fields = dict[str, Any]


class Exit(IntEnum):
    """What the exit code says. Of several accounts the highest counts."""

    WELL = 0
    DEGRADED = 2
    NOT_LINKED = 3
    STOPPED = 4
    GATEWAY_DOWN = 5


@click.command()
@click.option("--channel", help="Only this channel (default: all).")
@click.option("--account", help="Only this account (default: all).")
@click.option("--probe", is_flag=True, help="Also ask the platform whether the sessions hold.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(channel: str | None, account: str | None, probe: bool, as_json: bool) -> int:
    """Show how the accounts are.

    \b
    Exit code, the highest of all enabled accounts:
      0  every one is authenticated, can receive and can send
      1  wrong usage, wrong config, unknown channel
      2  degraded (it says by what), not connected yet, something waits for your decision, or the config file
         is broken now
      3  not linked, session expired, risk not accepted, or no enabled account
      4  paused or replaced by another login
      5  the gateway is not running
    """
    setup = Setup()
    found = _narrowed(setup, channel, account, _ask(setup, probe))
    code = _exit_code(found)
    if as_json:
        body = {"ok": code is Exit.WELL, "exit_code": int(code), "running": bool(found["gateway"]), **found}
        click.echo(json.dumps(body, ensure_ascii=False))
        return code
    for head, text in status_lines(found, time.time_ns() // 1_000_000):
        echo_wrapped(text, head, " " * len(head) or "    ")
    return code


def _ask(setup: Setup, probe: bool) -> Fields:
    """The status from the gateway, or, where none runs, from what is stored."""
    from clawlane.host.control_client import ControlClient, GatewayDown

    try:
        found = ControlClient(setup.places).status(probe)
        return {**found, "config": _config_now(setup, found["gateway"].get("config_revision", ""))}
    except GatewayDown:
        from clawlane.cli.status_offline import offline_status

        return {**offline_status(setup, probe), "config": {"error": None, "changed": False}}


def _config_now(setup: Setup, revision: str) -> Fields:
    """How the config file stands now: what is wrong with it, and whether the gateway runs with another."""
    try:
        source = setup.config.source
    except ConfigError as error:
        return {"error": str(error.problems[0]), "changed": True}
    return {"error": None, "changed": source.revision != revision}


def _narrowed(setup: Setup, channel: str | None, account: str | None, found: Fields) -> Fields:
    if channel is None and account is None:
        return found
    meant = setup.meant(channel, account)
    block = found["channels"].get(meant.manifest.id)
    if block is None:
        raise CliError(
            f"the config has no block for {meant.manifest.id}, so it is off", code=_no_block(found)
        )
    accounts = block["accounts"]
    if account is not None:
        accounts = {name: one for name, one in accounts.items() if name == meant.account.id}
    return {**found, "channels": {meant.manifest.id: {**block, "accounts": accounts}}}


def _no_block(found: Fields) -> int:
    return Exit.NOT_LINKED if found["gateway"] else Exit.GATEWAY_DOWN


def _exit_code(found: Fields) -> Exit:
    accounts = [one for block in found["channels"].values() for one in block["accounts"].values()]
    codes = [_of_account(one) for one in accounts if one["enabled"]] or [Exit.NOT_LINKED]
    if not found["gateway"]:
        codes.append(Exit.GATEWAY_DOWN)
    if found["config"]["error"]:
        codes.append(Exit.DEGRADED)
    return max(codes)


def _of_account(one: Mapping[str, Any]) -> Exit:
    probe = one.get("probe") or {"ok": True, "expired": False}
    muted = any(pause["thread"] is None for pause in one["pauses"])
    if muted or one["phase"] in (Phase.REPLACED, Phase.PAUSED):
        return Exit.STOPPED
    degraded = any(problem["degrades"] for problem in one["problems"])
    missing = one["phase"] in (Phase.NEEDS_LOGIN, Phase.NEEDS_CONSENT)
    if missing or not one["linked"] or one["auth"] == Health.BROKEN or probe["expired"]:
        return Exit.NOT_LINKED
    able = all(one[ability] != Health.BROKEN for ability in ("inbound", "outbound", "storing"))
    healthy = able and not degraded
    return Exit.WELL if one["phase"] == Phase.READY and healthy and probe["ok"] else Exit.DEGRADED
