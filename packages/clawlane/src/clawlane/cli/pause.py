"""`pause` and `resume`: the kill switch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import C, account_option, channel_option, json_option
from clawlane.cli.output import echo_line, print_result
from clawlane.cli.prompt_answers import confirm
from clawlane.clock import length, now_ms
from clawlane.config.duration import duration
from clawlane.ops.alarm_info import AlarmInfo
from clawlane.ops.alarm_text import check, sentence
from clawlane.ops.client import Client
from clawlane.ops.pause import (
    AccountResumed,
    BeginPause,
    EndPause,
    Expired,
    PauseInfo,
    Pauses,
    PausesInForce,
    TakeoverInfo,
)
from clawlane.store.told import PauseLevel
from clawlane.texts import later, t, told
from clawlane.words.pauses import account_or_thread, pause_words, resume_command, takeover_words
from clawlane.words.strangers import sanitize
from clawlane.words.times import local

_ACCEPT = "openclaw upgrade accept"


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
    lines = [line for one in begun.paused for line in (_paused(one), _go_on(one))]
    if not begun.running:
        lines.append(t("The gateway is not running; it will start paused."))
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
    fields = {"pauses": found.pauses, "takeovers": found.takeovers, "waits": found.waits}
    print_result(lines or [t("Nothing is paused.")], as_json, running=found.running, **fields)


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
        what, number = sentence(one.kind), one.id
        muted = t(
            "{account} was muted by alarm {number}: {what}.", account=one.account, number=number, what=what
        )
        echo_line(muted)
        echo_line(t("  Before it may write again: {check}.", check=check(one.kind)))
        echo_line(t("  Read: {command}", command=f"openclaw help {one.page}"))
    if muting and ask and not confirm(t("Have you checked that, and shall it write again?")):
        raise CliError(t("nothing was resumed"))


def give_back_command(taken: TakeoverInfo) -> str:
    """The command that lets the agent go on in a thread."""
    channel, _, id_ = taken.account.partition("/")
    return f"openclaw resume --channel {channel} --account {id_} --thread {taken.thread}"


def _go_on(one: PauseInfo) -> str:
    return t("  Resume with: {command}", command=resume_command(one))


def _paused(one: PauseInfo) -> str:
    return t("Paused: {what}.", what=pause_words(one))


def _resumed_lines(one: AccountResumed) -> Iterator[str]:
    """What `resume` did, and what is left to decide."""
    name = account_or_thread(one)
    if one.was:
        time = length(max(0, now_ms() - one.was.since_ms))
        yield t("Resumed: {name}, after {time}.", name=name, time=time)
    elif not one.taken_back and not one.given_back:
        yield t("{name} was not paused.", name=name)
    if one.given_back:
        yield t("The agent goes on in {thread}, where you had written by hand.", thread=one.thread)
    if one.taken_back:
        yield t("{name} is taken back: it connects in a few seconds.", name=name)
        yield t("  Close the other client first, or it takes the account over again.")
    if one.flushed:
        yield t("  Expired before, and answered now: {n}.", n=len(one.flushed))
    if one.expired:
        yield t("  Expired, because older than backlogMaxAge: {n}", n=len(one.expired))
        for expired in one.expired:
            yield _expired(expired)
        yield t("  Answer them after all: {command}", command=f"{resume_command(one)} --flush")
    for alarm in one.acknowledged:
        again = later("  Alarm {number} ({kind}) is acknowledged; the next such sign pauses again.")
        yield t(again, number=alarm.id, kind=alarm.kind)
    for still in one.still:
        yield t("  Still paused: {what}.", what=pause_words(still))
        yield f"  {_go_on(still)}"
    for taken in one.takeovers:
        yield t("  Still held back: {what}.", what=takeover_words(taken))
        yield t("    Go on with: {command}", command=give_back_command(taken))


def _expired(one: Expired) -> str:
    thread, age = sanitize(one.thread), length(one.age_ms)
    if not one.turn:
        return t("    {thread} a text of the gateway, {age} old", thread=thread, age=age)
    id_ = sanitize(one.message_id)
    return t("    {thread} message {id}, {age} old", thread=thread, id=id_, age=age)


def _length_ms(written: str) -> int:
    try:
        found = duration(written)
    except ValueError as error:
        raise CliError(t("--for {problem}", problem=told(error))) from None
    if not found:
        raise CliError(t("--for must be longer than zero"))
    return int(found.total_seconds() * 1000)
