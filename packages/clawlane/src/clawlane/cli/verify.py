"""`verify`: the ritual that proves a lane, at a terminal or for a program, and its kept reports."""

from __future__ import annotations

import sys
from datetime import timedelta
from enum import IntEnum
from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.json_shapes import risk_json
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_line, echo_wrapped, print_json, terminal_width
from clawlane.cli.prompt_answers import confirm
from clawlane.clock import now_ms
from clawlane.config.duration import duration
from clawlane.ops.client import Client
from clawlane.ops.ritual.conductor import Conductor, Plan
from clawlane.ops.ritual.steps import (
    Instruction,
    Noticed,
    Question,
    QuestionKind,
    Report,
    RitualEvent,
    StepBegan,
    StepEnded,
    StepName,
    StepState,
    Waiting,
)
from clawlane.ops.status import GetStatus
from clawlane.ops.verification import GetReports
from clawlane.texts import t, told
from clawlane.words import ritual as words
from clawlane.words.strangers import sanitize
from clawlane.words.times import when
from clawlane.words.unofficial import UNOFFICIAL

_STEP = click.Choice([one.value for one in StepName], case_sensitive=False)
_INDENT = "      "
_ALWAYS_ASKED = (QuestionKind.APPROVE, QuestionKind.DRAFT)
"""What `--yes` does not agree to: who is let in, and what an agent says in the owner's name."""


class Exit(IntEnum):
    """What the exit code says."""

    PROVEN = 0
    FAILED = 1
    STOPPED = 2


@click.command()
@one_account
@click.option(
    "--step",
    "only",
    multiple=True,
    type=_STEP,
    metavar="NAME",
    help="Only this step; may be repeated.",
)
@click.option("--skip", multiple=True, type=_STEP, metavar="NAME", help="Skip this step; may be repeated.")
@click.option("--timeout", metavar="TIME", help="How long a step may take, such as 90s (default: 5m).")
@click.option("--yes", is_flag=True, help="Restart the gateway and close the connection without being asked.")
@click.option("--report", is_flag=True, help="Show the last kept report instead.")
@click.option("--last", type=click.IntRange(1, 50), help="With --report: the newest N.")
@json_option
def verify(
    channel: str | None,
    account: str | None,
    only: tuple[StepName, ...],
    skip: tuple[StepName, ...],
    timeout: str | None,
    yes: bool,
    report: bool,
    last: int | None,
    as_json: bool,
) -> int:
    """Prove that a lane works, step by step, with evidence from the running gateway.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    You are told what to do, such as writing from another phone; nothing is sent to anybody who did not write
    for it. Ctrl-C stops and keeps what was proven.

    \b
    Steps, in their order:
      probe, stranger, pairing, approved, reply, restart, reconnect,
      group-answered, group-skipped, fetched-back, reaction, acks

    \b
    Examples:
      openclaw verify --channel zalouser
      openclaw verify --channel zalouser --step restart --step reconnect --yes
      openclaw verify --report

    \b
    Exit code:
      0  every step passed, or was skipped for a good reason
      1  a step failed
      2  stopped before the end
    """
    client = Client()
    if report:
        return _show_reports(client, channel, account, last or 1, as_json)
    if last:
        raise CliError(t("--last is about kept reports"), t("add --report"))
    plan = Plan(channel, account, _names(only), _names(skip), _patience(timeout))
    view = Silent() if as_json else View()
    conductor = Conductor(client, plan, lambda question: view.agreed(question, yes))
    view.begin(conductor)
    try:
        for event in conductor.events():
            view.show(event)
    except KeyboardInterrupt:
        view.stopped()
    kept = conductor.keep()
    if as_json:
        print_json(**_report_json(client, kept))
    else:
        view.end(kept)
    return _exit(kept)


class Silent:
    """For programs: only what somebody has to do is told, beside the output."""

    def begin(self, conductor: Conductor) -> None: ...

    def show(self, event: RitualEvent) -> None:
        if isinstance(event, Instruction):
            command = f" {event.command}" if event.command else ""
            echo_line(f"{event.name}: {sanitize(event.text, words.LONGEST)}{command}", err=True)

    def stopped(self) -> None: ...
    def end(self, report: Report) -> None: ...

    def agreed(self, question: Question, yes: bool) -> bool:
        """Nobody is there to be asked."""
        return yes and question.kind not in _ALWAYS_ASKED


class View(Silent):
    """Guides a person at a terminal. The countdown stands in one line that is written over."""

    def __init__(self) -> None:
        self._counts = sys.stdout.isatty()
        self._counting = False

    def begin(self, conductor: Conductor) -> None:
        facts = conductor.facts
        note = f" ({t(UNOFFICIAL)})" if facts.unofficial else ""
        if rehearsal := words.rehearsal_sentence(facts):
            echo_wrapped(rehearsal)
        echo_wrapped(f"{facts.label} [{facts}]{note}: {words.user_words(facts)}")
        if waiting := words.waiting_edit_sentence(facts):
            echo_wrapped(waiting)
        echo_wrapped(t("Ctrl-C stops and keeps what was proven until then."))

    def show(self, event: RitualEvent) -> None:
        if isinstance(event, Waiting):
            self._count(event.left_ms)
            return
        self._clear()
        match event:
            case StepBegan(name, number, total):
                click.echo(f"\n{number:>2}/{total}  {name}")
            case Instruction(_, text, command):
                echo_wrapped(sanitize(text, words.LONGEST), f"{_INDENT}→ ", f"{_INDENT}  ")
                if command:
                    click.echo(f"{_INDENT}  {command}")
            case Noticed(_, text):
                echo_wrapped(sanitize(text, words.LONGEST), f"{_INDENT}· ", f"{_INDENT}  ")
            case StepEnded(result):
                echo_wrapped(words.result_sentence(result), _INDENT, f"{_INDENT}  ")

    def agreed(self, question: Question, yes: bool) -> bool:
        self._clear()
        if yes and question.kind not in _ALWAYS_ASKED:
            return True
        if not sys.stdin.isatty():
            return False
        echo_wrapped(sanitize(question.text, words.LONGEST), f"{_INDENT}? ", f"{_INDENT}  ")
        return confirm(f"{_INDENT}  {t('Go on')}", default=False)

    def stopped(self) -> None:
        self._clear()

    def end(self, report: Report) -> None:
        click.echo()
        echo_wrapped(words.summary(report))

    def _count(self, left_ms: int) -> None:
        if self._counts:
            click.echo(f"\r{_INDENT}{words.waiting_sentence(left_ms)} ", nl=False)
            self._counting = True

    def _clear(self) -> None:
        if self._counting:
            click.echo("\r" + " " * min(40, terminal_width() or 40) + "\r", nl=False)
            self._counting = False


def _show_reports(client: Client, channel: str | None, account: str | None, last: int, as_json: bool) -> int:
    found = client.call(GetReports(channel, account, last))
    if as_json:
        print_json(reports=[_report_json(client, one) for one in found])
        return 0
    for one in found:
        head = f"{when(one.at_ms, now_ms())} {words.report_name(one)}: {words.summary(one)}"
        echo_wrapped(head, "", "    ")
        for result in one.steps:
            echo_wrapped(f"{result.name}: {words.result_sentence(result)}", "  ", "    ")
    if not found:
        echo_line(t("The lane was never verified; verify it: openclaw verify"))
    return 0


def _report_json(client: Client, report: Report) -> dict[str, Any]:
    channel, _, account = report.account.partition("/")
    block = client.call(GetStatus(channel, account)).channels.get(channel)
    of_account = block.accounts.get(account) if block else None
    consent = of_account.consent if of_account else None
    risk = risk_json(block.risk, consent, unofficial=block.unofficial) if block else None
    return {
        "ok": report.ok,
        "exit_code": int(_exit(report)),
        "channel": channel,
        "account": report.account,
        "at_ms": report.at_ms,
        "policy": report.policy,
        "rehearsal": report.rehearsal,
        "stopped": report.stopped,
        "risk": risk,
        "steps": [
            {
                "name": one.name,
                "state": one.state,
                "evidence": one.evidence,
                "missing": one.missing,
                "skip": one.skip,
                "ms": one.ms,
            }
            for one in report.steps
        ],
    }


def _exit(report: Report) -> Exit:
    if any(one.state is StepState.FAILED for one in report.steps):
        return Exit.FAILED
    return Exit.STOPPED if report.stopped else Exit.PROVEN


def _names(chosen: tuple[str, ...]) -> tuple[StepName, ...]:
    return tuple(map(StepName, chosen))


def _patience(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        found = duration(text)
    except ValueError as error:
        raise CliError(t("--timeout: {problem}", problem=told(error))) from None
    if not timedelta(seconds=1) <= found <= timedelta(hours=1):
        raise CliError(t("--timeout: '{text}' is not between 1s and 1h", text=text))
    return int(found.total_seconds() * 1000)
