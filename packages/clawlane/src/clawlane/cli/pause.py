"""`pause` and `resume`: the kill switch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import C, account_option, channel_option, json_option
from clawlane.cli.output import echo_line, local, print_result, sanitize
from clawlane.clock import length, now_ms
from clawlane.config.duration import duration
from clawlane.ops.alarm_info import AlarmInfo
from clawlane.ops.alarm_text import check, sentence
from clawlane.ops.client import Client
from clawlane.ops.pause import (
    AccountResumed,
    BeginPause,
    EndPause,
    PauseInfo,
    Pauses,
    PausesInForce,
    TakeoverInfo,
)
from clawlane.store.told import PauseLevel
from clawlane.texts import t

_ACCEPT = "openclaw upgrade accept"
_LEVELS = {"mute": "muted", "offline": "offline"}


def _what(command: C) -> C:
    thread = "Only this thread: dm:ID, group:ID, or the id of a thread that was read from."
    command = click.option("--thread", help=thread)(command)
    account = "Only this account (default: all; with --thread the default account)."
    return channel_option("Only accounts of this channel (default: all).")(account_option(account)(command))


@click.command()
@_what
@click.option(
    "--level",
    type=click.Choice(("mute", "offline")),
    help="mute (default): nothing is sent; messages are read and wait. offline: also disconnect.",
)
@click.option("--for", "length_", help="How long, such as 30m, 2h or 1d (default: until resumed).")
@click.option("--list", "listed", is_flag=True, help="Pause nothing; list what is paused or taken over.")
@json_option
def pause(
    channel: str | None,
    account: str | None,
    thread: str | None,
    level: str | None,
    length_: str | None,
    listed: bool,
    as_json: bool,
) -> None:
    """Pause all outgoing traffic: texts, typing, delivered, seen.

    It holds at once and survives restarts. Messages wait; `openclaw resume` answers the recent ones. What is
    already on the wire cannot be called back.

    \b
    Examples:
      openclaw pause --for 2h
      openclaw pause --account default --level offline
      openclaw pause --list
    """
    if listed:
        if level or length_:
            raise CliError(t("--list pauses nothing"), t("leave out --level and --for"))
        _list(Client().call(Pauses(channel, account, thread)), as_json)
        return
    until_ms = None if length_ is None else now_ms() + _length_ms(length_)
    begun = Client().call(BeginPause(channel, account, thread, PauseLevel(level or "mute"), until_ms))
    lines = [line for one in begun.paused for line in (f"Paused: {pause_words(one)}.", _go_on(one))]
    if not begun.running:
        lines.append("The gateway is not running; it will start paused.")
    print_result(lines, as_json, running=begun.running, paused=begun.paused)


def _list(found: PausesInForce, as_json: bool) -> None:
    lines: list[str] = []
    for one in found.pauses:
        whole = one.thread is None and one.account in found.waits
        lines.append(f"{pause_words(one)}; {_since(one.since_ms)}.")
        lines.append(f"  {t('Resume with: {command}', command=_ACCEPT if whole else resume_command(one))}")
    for taken in found.takeovers:
        lines.append(f"{taken.account}: {takeover_words(taken)}; {_since(taken.since_ms)}.")
        lines.append(f"  {t('Go on with: {command}', command=give_back_command(taken))}")
    told = {"pauses": found.pauses, "takeovers": found.takeovers, "waits": found.waits}
    print_result(lines or [t("Nothing is paused.")], as_json, running=found.running, **told)


def _since(ms: int) -> str:
    return t("since {time}", time=local(ms))


@click.command()
@_what
@click.option("--flush", is_flag=True, help="Also answer what expired, now or at the last resume.")
@click.option("--yes", is_flag=True, help="Do not ask first where an alarm paused the account.")
@json_option
def resume(
    channel: str | None, account: str | None, thread: str | None, flush: bool, yes: bool, as_json: bool
) -> None:
    """End a pause. With --account also take back an account from another client.

    What waited and is younger than `backlogMaxAge` goes on; the rest expires and is listed. With --thread the
    agent also goes on where you have written by hand; what came meanwhile stays unanswered. Where an alarm
    paused the account, this says what to check first, asks at a terminal, and acknowledges the alarm.

    \b
    Examples:
      openclaw resume
      openclaw resume --account default --flush
      openclaw resume --thread dm:123456789
    """
    from clawlane.ops.alarms import Alarms  # not for whoever takes only words from here

    client = Client(changes=True)
    if thread is None and not as_json:
        found = client.call(Alarms(channel, account, past=True))
        _check_first(found, ask=not yes and sys.stdin.isatty())
    ended = client.call(EndPause(channel, account, thread, flush))
    lines = (line for one in ended.resumed for line in _resumed_lines(one))
    print_result(lines, as_json, running=ended.running, resumed=ended.resumed)


def _check_first(alarms: Sequence[AlarmInfo], *, ask: bool) -> None:
    """Say what has to be in order before what alarms muted may write again."""
    muting = [one for one in alarms if one.paused and one.acknowledged_ms is None]
    for one in muting:
        echo_line(f"{one.account} was muted by alarm {one.id}: {sentence(one.kind)}.")
        echo_line(f"  Before it may write again: {check(one.kind)}.")
        echo_line(f"  Read: openclaw help {one.page}")
    if muting and ask and not click.confirm("Have you checked that, and shall it write again?"):
        raise CliError("nothing was resumed")


def pause_words(pause: PauseInfo) -> str:
    """`zalouser/default in dm:7 is muted until …`."""
    until = f" until {local(pause.until_ms)}" if pause.until_ms is not None else ""
    why = f" because of the alarm '{pause.reason}'" if pause.reason else ""
    return f"{_name(pause)} is {_LEVELS[pause.level]}{until}{why}"


def takeover_words(one: TakeoverInfo) -> str:
    """`Lan (dm:7), where you write by hand, until … (12 min left)`."""
    name = f"{sanitize(one.name)} ({sanitize(one.thread)})" if one.name else sanitize(one.thread)
    left = length(max(0, one.until_ms - now_ms()))
    return f"{name}, where you wrote by hand, until {local(one.until_ms)} ({left} left)"


def resume_command(one: PauseInfo | AccountResumed) -> str:
    """The command that ends a pause."""
    channel, _, account = one.account.partition("/")
    thread = f" --thread {one.thread}" if one.thread else ""
    return f"openclaw resume --channel {channel} --account {account}{thread}"


def give_back_command(taken: TakeoverInfo) -> str:
    """The command that lets the agent go on in a thread."""
    channel, _, id_ = taken.account.partition("/")
    return f"openclaw resume --channel {channel} --account {id_} --thread {taken.thread}"


def _go_on(one: PauseInfo) -> str:
    return f"  Resume with: {resume_command(one)}"


def _resumed_lines(one: AccountResumed) -> Iterator[str]:
    """What `resume` did, and what is left to decide."""
    name = _name(one)
    if one.was:
        yield f"Resumed: {name}, after {length(max(0, now_ms() - one.was.since_ms))}."
    elif not one.taken_back and not one.given_back:
        yield f"{name} was not paused."
    if one.given_back:
        yield f"The agent goes on in {one.thread}, where you had written by hand."
    if one.taken_back:
        yield f"{name} is taken back: it connects in a few seconds."
        yield "  Close the other client first, or it takes the account over again."
    if one.flushed:
        yield f"  Expired before, and answered now: {len(one.flushed)}."
    if one.expired:
        yield f"  Expired, because older than backlogMaxAge: {len(one.expired)}"
        for expired in one.expired:
            what = f"message {sanitize(expired.message_id)}" if expired.turn else "a text of the gateway"
            yield f"    {sanitize(expired.thread)} {what}, {length(expired.age_ms)} old"
        yield f"  Answer them after all: {resume_command(one)} --flush"
    for alarm in one.acknowledged:
        yield f"  Alarm {alarm.id} ({alarm.kind}) is acknowledged; the next such sign pauses again."
    for still in one.still:
        yield f"  Still paused: {pause_words(still)}."
        yield f"  {_go_on(still)}"
    for taken in one.takeovers:
        yield f"  Still held back: {takeover_words(taken)}."
        yield f"    Go on with: {give_back_command(taken)}"


def _name(one: PauseInfo | AccountResumed) -> str:
    if not one.thread:
        return one.account
    name = sanitize(one.name) if isinstance(one, PauseInfo) else ""
    thread = sanitize(one.thread)
    return f"{one.account} in {name} ({thread})" if name else f"{one.account} in {thread}"


def _length_ms(written: str) -> int:
    try:
        found = duration(written)
    except ValueError as error:
        raise CliError(f"--for {error}") from None
    if not found:
        raise CliError("--for must be longer than zero")
    return int(found.total_seconds() * 1000)
