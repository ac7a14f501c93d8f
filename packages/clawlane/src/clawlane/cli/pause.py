"""`pause` and `resume`: the kill switch."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawlane.cli.context import CliContext, now_ms
from clawlane.cli.failure import CliError
from clawlane.cli.output import length, local, print_json, sanitize
from clawlane.config.duration import duration
from clawlane.ops.pause import AccountResumed, BeginPause, EndPause, PauseBegun, PauseInfo
from clawlane.store.pauses import PauseLevel

_LEVELS = {"mute": "muted", "offline": "offline"}


@click.command()
@click.option("--channel", help="Only accounts of this channel (default: all).")
@click.option("--account", help="Only this account (default: all; with --thread the default account).")
@click.option("--thread", help="Only this thread: dm:ID, group:ID, or the id of one that was read from.")
@click.option(
    "--level",
    type=click.Choice(("mute", "offline")),
    default="mute",
    help="mute: nothing leaves, messages are read and wait. offline: the connection is closed, too.",
)
@click.option("--for", "length", help="How long, such as 30m, 2h or 1d (default: until resumed).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pause(
    channel: str | None,
    account: str | None,
    thread: str | None,
    level: str,
    length: str | None,
    as_json: bool,
) -> None:
    """Stop everything that leaves: texts, typing, delivered, seen.

    It holds at once, and over restarts. Messages wait; on `openclaw resume` the young ones are answered. What
    is on the wire already cannot be called back.
    """
    until_ms = None if length is None else now_ms() + _length_ms(length)
    begun = CliContext().call(BeginPause(channel, account, thread, PauseLevel(level), until_ms))
    if as_json:
        print_json(running=begun.running, paused=begun.paused)
        return
    for line in _begun_lines(begun):
        click.echo(line)


@click.command()
@click.option("--channel", help="Only accounts of this channel (default: all).")
@click.option("--account", help="Only this account (default: all; with --thread the default account).")
@click.option("--thread", help="Only this thread: dm:ID, group:ID, or the id of one that was read from.")
@click.option("--flush", is_flag=True, help="Answer what became too old, too; also after a resume without.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def resume(channel: str | None, account: str | None, thread: str | None, flush: bool, as_json: bool) -> None:
    """End a pause. With --account also take an account back that another client has replaced.

    What waited and is younger than `backlogMaxAge` goes on; the rest expires and is listed.
    """
    ended = CliContext().call(EndPause(channel, account, thread, flush))
    if as_json:
        print_json(running=ended.running, resumed=ended.resumed)
        return
    for one in ended.resumed:
        for line in _resumed_lines(one):
            click.echo(line)


def pause_words(pause: PauseInfo) -> str:
    """`zalouser/default in dm:7 is muted until …`."""
    until = f" until {local(pause.until_ms)}" if pause.until_ms is not None else ""
    return f"{_name(pause)} is {_LEVELS[pause.level]}{until}"


def pause_options(one: PauseInfo | AccountResumed) -> str:
    """The options that name what is paused."""
    channel, _, account = one.account.partition("/")
    thread = f" --thread {one.thread}" if one.thread else ""
    return f"--channel {channel} --account {account}{thread}"


def _begun_lines(begun: PauseBegun) -> Iterator[str]:
    for one in begun.paused:
        yield f"Paused: {pause_words(one)}. Go on with: openclaw resume {pause_options(one)}"
    if not begun.running:
        yield "The gateway is not running; it will start paused."


def _resumed_lines(one: AccountResumed) -> Iterator[str]:
    """What `resume` did, and what is left to decide."""
    name = _name(one)
    if one.was:
        yield f"Resumed: {name}, after {length(max(0, now_ms() - one.was.since_ms))}."
    elif not one.taken_back:
        yield f"{name} was not paused."
    if one.taken_back:
        yield f"{name} is taken back: it connects in a few seconds."
        yield "  Close the other client before, or it takes the account over again."
    if one.flushed:
        yield f"  Had expired, and goes on: {len(one.flushed)}."
    if one.expired:
        yield from _expired_lines(one)
    for still in one.still:
        yield f"  Still paused: {pause_words(still)}. Go on with: openclaw resume {pause_options(still)}"


def _expired_lines(one: AccountResumed) -> Iterator[str]:
    yield f"  Expired, because older than backlogMaxAge by now: {len(one.expired)}"
    for expired in one.expired:
        what = f"message {sanitize(expired.message_id)}" if expired.turn else "a text of the gateway"
        yield f"    {sanitize(expired.thread)} {what}, {length(expired.age_ms)} old"
    yield f"  Answer them after all: openclaw resume {pause_options(one)} --flush"


def _name(one: PauseInfo | AccountResumed) -> str:
    return f"{one.account} in {one.thread}" if one.thread else one.account


def _length_ms(written: str) -> int:
    try:
        length = duration(written)
    except ValueError as error:
        raise CliError(f"--for {error}") from None
    if not length:
        raise CliError("--for must be longer than nothing")
    return int(length.total_seconds() * 1000)
