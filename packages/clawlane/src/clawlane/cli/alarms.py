"""`alarms`: what looks like trouble with the platform, with its evidence and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawlane.alarm_kinds import AlarmKind
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import Card, echo_cards, echo_line, print_json, print_result
from clawlane.clock import now_ms
from clawlane.ops.alarm_info import AlarmInfo
from clawlane.ops.alarm_text import check, evidence_words, proof, sentence
from clawlane.ops.alarms import Acknowledge, Alarms, ShowAlarm
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.texts import t
from clawlane.words.strangers import sanitize
from clawlane.words.times import when


@click.group()
def alarms() -> None:
    """See what looks like trouble with the platform, and what to do."""


@alarms.command("list")
@channel_option("Only accounts of this channel (default: all).")
@account_option("Only this account (default: all).")
@click.option("--all", "past", is_flag=True, help="Also those that are over or acknowledged.")
@json_option
def list_alarms(channel: str | None, account: str | None, past: bool, as_json: bool) -> None:
    """List open alarms: what was noticed, the evidence, and the command that helps.

    An alarm ends with what it is about, or once you acknowledge it. What looks like the beginning of a ban
    also mutes the account until `openclaw resume`. No alarm is proven before it was seen on a real account.

    \b
    Examples:
      openclaw alarms list
      openclaw alarms list --all
    """
    found = Client().call(Alarms(channel, account, past))
    if as_json:
        print_json(alarms=list(map(_alarm_json, found)))
        return
    if not found:
        echo_line(t("No alarm.") if past else t("No open alarm. Past ones: openclaw alarms list --all"))
        return
    echo_cards([_card(one) for one in found])
    click.echo()
    echo_line(t("Read what to do: openclaw alarms show ID"))


@alarms.command()
@click.argument("alarm", type=int, metavar="ID")
@json_option
def show(alarm: int, as_json: bool) -> None:
    """Show an alarm: evidence, what to check, and how sure it is.

    \b
    Example:
      openclaw alarms show 3
    """
    one = Client().call(ShowAlarm(alarm))
    print_result(lines(one), as_json, alarm=_alarm_json(one))


@alarms.command()
@click.argument("alarm", type=int, metavar="ID")
@json_option
def ack(alarm: int, as_json: bool) -> None:
    """Acknowledge an alarm: it is not shown any more.

    A pause that it began holds on: end that with `openclaw resume`, which acknowledges too.

    \b
    Example:
      openclaw alarms ack 3
    """
    done = Client().call(Acknowledge(alarm))
    one = done.alarm
    lines = [t("Alarm {number} is acknowledged.", number=one.id)]
    if done.muted:
        stays = t("{account} stays paused; resume with: {command}", account=one.account, command=_resume(one))
        lines.append(stays)
    elif one.ended_ms is None:
        lines.append(t("It goes on, and is told again only after it has ended."))
    print_result(lines, as_json, alarm=_alarm_json(one), muted=done.muted)


def _card(one: AlarmInfo) -> Card:
    now = now_ms()
    head = f"{one.kind} · {_standing(one)} · {when(one.last_ms, now)} · {one.account}"
    lines = (
        sentence(one.kind),
        t("evidence: {facts}", facts=sanitize(evidence_words(one.kind, one.evidence, now), 400)),
        proof(one.kind),
        t("run: {command}", command=one.command),
        t("read: {command}", command=f"openclaw help {one.page}"),
    )
    return Card(str(one.id), head, lines)


def lines(one: AlarmInfo) -> Iterator[str]:
    """An alarm as `alarms show` tells it."""
    now = now_ms()
    head = t("Alarm {number}: {kind}, on {account}", number=one.id, kind=one.kind, account=one.account)
    yield f"{head}, {_standing(one)}"
    yield f"  {sentence(one.kind)[0].upper()}{sentence(one.kind)[1:]}."
    yield _row(t("evidence"), sanitize(evidence_words(one.kind, one.evidence, now), 400))
    yield _row(t("noticed"), _noticed(one, now))
    if one.ended_ms is not None:
        yield _row(t("over"), when(one.ended_ms, now))
    if one.acknowledged_ms is not None:
        yield _row(t("seen"), when(one.acknowledged_ms, now))
    yield f"  {proof(one.kind)}"
    if told := check(one.kind):
        yield t("  First: {check}.", check=told)
    yield t("  Run: {command}", command=one.command)
    yield t("  Read: {command}", command=f"openclaw help {one.page}")
    if one.open:
        end = _resume(one) if one.paused else f"openclaw alarms ack {one.id}"
        yield t("  Acknowledge: {command}", command=end)


def _row(head: str, text: str) -> str:
    return f"  {head:<11}{text}"


def _noticed(one: AlarmInfo, now: int) -> str:
    first = when(one.first_ms, now)
    if one.times == 1:
        return t("{when}, once", when=first)
    return t("{when}, {n} times, last {last}", when=first, n=one.times, last=when(one.last_ms, now))


def _standing(one: AlarmInfo) -> str:
    if one.acknowledged_ms is not None:
        return t("acknowledged")
    if one.ended_ms is not None:
        return t("over")
    return t("open, the account is muted") if one.paused else t("open")


def _resume(one: AlarmInfo) -> str:
    channel, _, account = one.account.partition("/")
    return f"openclaw resume --channel {channel} --account {account}"


def _alarm_json(one: AlarmInfo) -> dict[str, object]:
    words = {"text": sentence(AlarmKind(one.kind)), "check": check(AlarmKind(one.kind))}
    return {**plain(one), **words}
