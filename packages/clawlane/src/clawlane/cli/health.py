"""`health`: a quick look at the running gateway, for people and for monitors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, echo_wrapped, print_json
from clawlane.clock import now_ms
from clawlane.ops.account_status import AccountStatus
from clawlane.ops.client import Client, GatewayDown, ask_gateway
from clawlane.ops.exit_codes import Exit, exit_code, exit_code_of
from clawlane.ops.finding_text import problem_text
from clawlane.ops.operation import Caller
from clawlane.ops.status import GetStatus, Status
from clawlane.texts import t
from clawlane.words.channel_off import off_words
from clawlane.words.phases import PHASES
from clawlane.words.strangers import sanitize
from clawlane.words.times import ago


@click.command()
@json_option
def health(as_json: bool) -> int:
    """Show the state of the gateway and of each account in one line.

    Asks the running gateway and nothing else. Its exit codes are those of `openclaw channels status`.

    \b
    Exit code:
      0  well
      2  degraded
      3  not linked
      4  paused or replaced
      5  the gateway is not running

    \b
    Examples:
      openclaw health
      openclaw health --json
    """
    try:
        found = ask_gateway(Client().paths, GetStatus(), Caller.CLI)
    except GatewayDown as error:
        if as_json:
            print_json(ok=False, exit_code=int(Exit.GATEWAY_DOWN), running=False, accounts={})
        else:
            start = t("gateway: not running; {how}: {command}", how=t(error.words), command=error.help)
            echo_line(start)
        return Exit.GATEWAY_DOWN
    code = exit_code(found)
    if as_json:
        told = {name: _account_json(one) for name, one in _accounts(found)}
        print_json(
            ok=code is Exit.WELL, exit_code=int(code), running=True, gateway=found.gateway, accounts=told
        )
        return code
    for line in _lines(found):
        echo_wrapped(line, hanging="  ")
    return code


def _lines(found: Status) -> Iterator[str]:
    if gateway := found.gateway:
        yield t(
            "gateway: running, pid {pid}, started {time}, {size} MB",
            pid=gateway.pid,
            time=ago(gateway.started_ms, now_ms()),
            size=f"{gateway.rss / 2**20:.0f}",
        )
    if found.config.error:
        yield t("config: broken now ({error})", error=sanitize(found.config.error, 200))
    for name, one in _accounts(found):
        yield f"{name}: {_words(one)}"
    yield from map(off_words, found.off)
    if not found.channels and not found.off:
        yield t("no channel is configured; set one up: openclaw onboard")


def _accounts(found: Status) -> Iterator[tuple[str, AccountStatus]]:
    for channel, block in found.channels.items():
        for one in block.accounts.values():
            yield f"{channel}/{one.id}", one


def _words(one: AccountStatus) -> str:
    if not one.enabled:
        return t("disabled")
    reason = f": {sanitize(one.reason, 200)}" if one.reason else ""
    problems = "".join(f"; {sanitize(problem_text(it), 200)}" for it in one.problems if it.degrades)
    paused = t("; paused") if any(pause.thread is None for pause in one.pauses) else ""
    helps = t("; run: {command}", command=one.help) if one.help else ""
    return f"{t(PHASES[one.phase])}{reason}{paused}{problems}{helps}"


def _account_json(one: AccountStatus) -> dict[str, Any]:
    """One account, with words for its problems."""
    return {
        "enabled": one.enabled,
        "exit_code": int(exit_code_of(one)),
        "phase": one.phase,
        "code": one.code,
        "reason": one.reason,
        "help": one.help,
        "problems": [problem_text(it) for it in one.problems if it.degrades],
        "last_inbound_ms": one.last_inbound_ms,
        "last_outbound_ms": one.last_outbound_ms,
    }
