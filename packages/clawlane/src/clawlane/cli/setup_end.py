"""The end of a setup: the gateway that runs or has to be started, then the check of the lane."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import click

from clawlane.cli.json_shapes import risk_json, user_json
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.cli.prompt_options import Option, said
from clawlane.cli.prompts import Prompts
from clawlane.cli.setup_interview import Given
from clawlane.ops import finding_text
from clawlane.ops.client import Client, gateway_runs
from clawlane.ops.config import Apply
from clawlane.ops.config_standing import Standing, Verdict, standing_of
from clawlane.ops.setup import Proposal, Situation, Written
from clawlane.texts import later, t
from clawlane.words.standing import APPLY, standing_lines

_LOOK_EVERY = 0.3
"""Seconds between two looks for a gateway that the operator is about to start."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a setup came to. `written` is None where the config said everything already."""

    look: Situation
    proposal: Proposal
    written: Written | None


def finish(client: Client, done: Done, given: Given, prompts: Prompts | None, *, as_json: bool) -> int:
    """Say what comes next, and do it with the operator where somebody can be asked. The exit code."""
    standing = standing_of(client.paths)
    if as_json:
        _print(done, standing)
        return 0
    if standing.running and done.written is not None:
        standing = _tell(client, standing, prompts if not given.yes else None)
    click.echo(f"\n-- {t('Next')} --")
    if prompts is None or given.yes:
        for line in _next(done.look, standing):
            click.echo(f"  {line}")
        return 0
    if standing.verdict is Verdict.WAITS:
        click.echo(t("Let the gateway apply the config: {command}", command=APPLY))
    if not done.look.user_id:
        echo_wrapped(
            t("The account is not linked yet: openclaw channels login {words}", words=done.look.words)
        )
        return 0
    if not standing.running:
        _start(prompts)
    if given.verify and prompts.confirm(
        t("Verify the lane now? You need a second account or a friend."), True
    ):
        return _verify(client, done.look)
    for line in _next(done.look, replace(standing, verdict=Verdict.IN_FORCE)):
        click.echo(f"  {line}")
    return 0


def _tell(client: Client, standing: Standing, prompts: Prompts | None) -> Standing:
    """Say what the gateway works by, and let it apply what waits if the operator wants to."""
    for line in standing_lines(standing):
        echo_wrapped(line, hanging="  ", err=standing.verdict is Verdict.REFUSED)
    waits = standing.verdict is Verdict.WAITS
    if not waits or prompts is None or not prompts.confirm(t("Apply it now?"), True):
        return standing
    applied = client.call(Apply(standing.revision))
    if applied.restarted:
        echo_wrapped(t("Applied; restarted: {accounts}.", accounts=", ".join(applied.restarted)))
    else:
        echo_wrapped(t("Applied."))
    return replace(standing, verdict=Verdict.IN_FORCE, widens=[])


def _next(look: Situation, standing: Standing) -> Iterator[str]:
    """The commands that come next. What waits comes first: until then the account may not be there."""
    if standing.verdict is Verdict.WAITS:
        yield APPLY
    if not look.user_id:
        yield f"openclaw channels login {look.words}"
    if not standing.running:
        yield "openclaw gateway run"
    yield f"openclaw verify {look.words}"


_STARTS = (
    Option("terminal", later("in another terminal"), later("Type there: openclaw gateway run")),
    Option(
        "service",
        later("as a service"),
        later("systemd runs it for your user and restarts it after a crash."),
    ),
)


def _start(prompts: Prompts) -> None:
    options = _STARTS if shutil.which("systemctl") else _STARTS[:1]
    how = "terminal"
    if len(options) > 1:
        how = prompts.choose(t("How do you want to run the gateway?"), said(options), "terminal")
    if how == "service":
        from clawlane.cli.main import run

        run(["gateway", "install"], "openclaw")
    else:
        click.echo(t("Start it in another terminal: openclaw gateway run"))


def _verify(client: Client, look: Situation) -> int:
    """Run the check once a gateway is there."""
    from clawlane.cli.main import run

    command = ["verify", *look.words.split()]
    if not gateway_runs(client.paths):
        click.echo(t("Waiting until the gateway runs. Ctrl-C leaves the check for later …"))
    while not gateway_runs(client.paths):
        time.sleep(_LOOK_EVERY)
    return run(command, "openclaw")


def _print(done: Done, standing: Standing) -> None:
    look = done.look
    written = done.written
    risk = look.risk.text if look.risk else ""
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
        gateway_running=standing.running,
        in_force=standing.verdict is Verdict.IN_FORCE and written is not None,
        waiting=standing.widens,
        next=list(_next(look, standing)),
    )
