"""The end of a setup: the gateway that runs or has to be started, then the check of the lane."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

import click

from clawlane.cli.json_shapes import risk_json, user_json
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.cli.prompt_options import Option
from clawlane.cli.prompts import Prompts
from clawlane.cli.setup_interview import Given
from clawlane.ops import finding_text
from clawlane.ops.account_status import ConfigStatus
from clawlane.ops.client import Client, gateway_runs
from clawlane.ops.config import Apply
from clawlane.ops.setup import Proposal, Situation, Written
from clawlane.ops.status import GetStatus

_LOOK_EVERY = 0.3
"""Seconds between two looks for a gateway that the operator is about to start, or at what it does."""

_APPLIED_WITHIN = 5.0
"""Seconds in which a gateway has read an edited config."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a setup came to. `written` is None where the config said everything already."""

    look: Situation
    proposal: Proposal
    written: Written | None


def finish(client: Client, done: Done, given: Given, prompts: Prompts | None, *, as_json: bool) -> int:
    """Say what comes next, and do it with the operator where somebody can be asked. The exit code."""
    running = gateway_runs(client.paths)
    found = _settled(client, done.written) if running and done.written is not None else None
    if as_json:
        _print(done, running, found)
        return 0
    if found is not None and done.written is not None:
        _tell(client, found, done.written, prompts if not given.yes else None)
    click.echo("\n-- Next --")
    if prompts is None or given.yes:
        for line in _next(done.look, running):
            click.echo(f"  {line}")
        return 0
    if not done.look.user_id:
        echo_wrapped(f"The account is not linked yet: openclaw channels login {done.look.words}")
        return 0
    if not running:
        _start(prompts)
    if given.verify and prompts.confirm("Verify the lane now? You need a second account or a friend.", True):
        return _verify(client, done.look)
    for line in _next(done.look, running=True):
        click.echo(f"  {line}")
    return 0


def _settled(client: Client, written: Written) -> ConfigStatus:
    """What the running gateway has made of the new file, or is about to."""
    end = time.monotonic() + _APPLIED_WITHIN
    while True:
        found = client.call(GetStatus()).config
        if found.revision == written.revision or found.waiting or found.error or time.monotonic() > end:
            return found
        time.sleep(_LOOK_EVERY)


def _tell(client: Client, found: ConfigStatus, written: Written, prompts: Prompts | None) -> None:
    """Say what the gateway works by, and let it apply what waits if the operator wants to."""
    if found.revision == written.revision:
        echo_wrapped("The running gateway works by this config now.")
    elif found.error:
        echo_wrapped(f"The running gateway cannot use this config: {found.error}", err=True)
    elif not found.waiting:
        echo_wrapped("The running gateway has not applied it yet; see: openclaw channels status")
    else:
        echo_wrapped("The running gateway waits for your word before it lets more people in:")
        for sentence in found.waiting:
            echo_wrapped(sentence, "  ")
        if prompts is None or not prompts.confirm("Apply it now?", True):
            click.echo("Apply it with: openclaw config apply")
            return
        applied = client.call(Apply(found.waiting_revision))
        accounts = f"; started anew: {', '.join(applied.restarted)}" if applied.restarted else ""
        echo_wrapped(f"Applied{accounts}.")


def _next(look: Situation, running: bool) -> Iterator[str]:
    """The commands that come next."""
    if not look.user_id:
        yield f"openclaw channels login {look.words}"
    if not running:
        yield "openclaw gateway run"
    yield f"openclaw verify {look.words}"


_STARTS = (
    Option("terminal", "in another terminal", "Type there: openclaw gateway run"),
    Option("service", "as a service", "systemd runs it for your user and restarts it after a crash."),
)


def _start(prompts: Prompts) -> None:
    options = _STARTS if shutil.which("systemctl") else _STARTS[:1]
    how = "terminal"
    if len(options) > 1:
        how = prompts.choose("How shall the gateway run?", options, "terminal")
    if how == "service":
        from clawlane.cli.main import run

        run(["gateway", "install"], "openclaw")
    else:
        click.echo("Start it in another terminal: openclaw gateway run")


def _verify(client: Client, look: Situation) -> int:
    """Run the check once a gateway is there."""
    from clawlane.cli.main import run

    command = ["verify", *look.words.split()]
    if not gateway_runs(client.paths):
        click.echo("Waiting until the gateway runs. Ctrl-C leaves the check for later …")
    while not gateway_runs(client.paths):
        time.sleep(_LOOK_EVERY)
    return run(command, "openclaw")


def _print(done: Done, running: bool, found: ConfigStatus | None) -> None:
    look = done.look
    written, told = done.written, look.risk
    risk = f"{told.title}. {' '.join(told.lines)} {told.alternative}" if told else ""
    print_json(
        step="done",
        channel=look.channel,
        account=f"{look.channel}/{look.account}",
        risk=risk_json(risk, look.consent, unofficial=look.unofficial),
        user=user_json(look.user_id, look.user_name),
        config={
            "path": done.proposal.path,
            "written": written is not None,
            "backup": written.backup if written else "",
            "diff": done.proposal.diff,
        },
        findings=[finding_text.finding_json(one) for one in done.proposal.findings],
        gateway_running=running,
        in_force=found is not None and written is not None and found.revision == written.revision,
        waiting=found.waiting if found else [],
        next=list(_next(look, running)),
    )
