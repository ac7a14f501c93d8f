"""`pause` and `resume`: the kill switch."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.output import length, local, sanitize

Fields = Mapping[str, Any]

_LEVELS = {"mute": "muted", "offline": "offline"}


def paused_lines(paused: Iterable[Fields], running: bool) -> Iterator[str]:
    """What `pause` did."""
    for one in paused:
        yield f"Paused: {pause_words(one)}. Go on with: openclaw resume {pause_options(one)}"
    if not running:
        yield "The gateway is not running; it will start paused."


def resumed_lines(resumed: Iterable[Fields], now_ms: int) -> Iterator[str]:
    """What `resume` did, and what is left to decide."""
    for one in resumed:
        name = _name(one)
        if one["was"]:
            since = length(max(0, now_ms - one["was"]["since_ms"]))
            yield f"Resumed: {name}, after {since}."
        elif not one["taken_back"]:
            yield f"{name} was not paused."
        if one["taken_back"]:
            yield f"{name} is taken back: it connects in a few seconds."
            yield "  Close the other client before, or it takes the account over again."
        if one["flushed"]:
            yield f"  Had expired, and goes on: {len(one['flushed'])}."
        if one["expired"]:
            yield from _expired(one)
        for still in one["still"]:
            yield f"  Still paused: {pause_words(still)}. Go on with: openclaw resume {pause_options(still)}"


def pause_words(pause: Fields) -> str:
    """`zalouser/default in dm:7 is muted until …`."""
    until = f" until {local(pause['until_ms'])}" if pause["until_ms"] is not None else ""
    return f"{_name(pause)} is {_LEVELS[pause['level']]}{until}"


def pause_options(pause: Fields) -> str:
    """The options that name what is paused."""
    channel, _, account = pause["account"].partition("/")
    thread = f" --thread {pause['thread']}" if pause["thread"] else ""
    return f"--channel {channel} --account {account}{thread}"


def _name(one: Fields) -> str:
    return f"{one['account']} in {one['thread']}" if one["thread"] else str(one["account"])


def _expired(one: Fields) -> Iterator[str]:
    yield f"  Expired, because older than backlogMaxAge by now: {len(one['expired'])}"
    for overdue in one["expired"]:
        what = f"message {sanitize(overdue['message_id'])}" if overdue["turn"] else "a text of the gateway"
        yield f"    {sanitize(overdue['thread'])} {what}, {length(overdue['age_ms'])} old"
    yield f"  Answer them after all: openclaw resume {pause_options(one)} --flush"


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
    asked = {**_named(channel, account, thread), "level": level}
    if length is not None:
        asked["until_ms"] = str(_now_ms() + _length_ms(length))
    answer, running = _ask("pause", asked)
    if as_json:
        click.echo(json.dumps({"ok": True, "running": running, **answer}))
        return
    for line in paused_lines(answer["paused"], running):
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
    asked = {**_named(channel, account, thread), **({"flush": "1"} if flush else {})}
    answer, running = _ask("resume", asked)
    if as_json:
        click.echo(json.dumps({"ok": True, "running": running, **answer}))
        return
    for line in resumed_lines(answer["resumed"], _now_ms()):
        click.echo(line)


def _named(channel: str | None, account: str | None, thread: str | None) -> dict[str, str]:
    values = {"channel": channel, "account": account, "thread": thread}
    return {name: value for name, value in values.items() if value is not None}


def _ask(what: str, asked: dict[str, str]) -> tuple[Fields, bool]:
    """The answer, and whether it is the gateway's. A config that is broken now is in nobody's way there."""
    from clawlane.ops.client import ControlClient

    setup = CliContext()
    if channel := asked.get("channel"):
        asked = {**asked, "channel": setup.manifest(channel).id}
    client = ControlClient(setup.places)
    if client.running():
        return (client.pause(asked) if what == "pause" else client.resume(asked)), True
    return asyncio.run(_alone(setup, what, asked)), False


async def _alone(setup: CliContext, what: str, asked: Mapping[str, str]) -> Fields:
    """Without a gateway the command writes itself, once it holds the lock."""
    from clawlane.ops.kill_switch import Pauses
    from clawlane.ops.messages import AccountStores
    from clawlane.ops.pause import NOTHING, PauseCommands
    from clawlane.store.database import open_store
    from clawlane.store.errors import PauseRefused

    config, places = setup.config, setup.places
    if not config.channels:
        raise PauseRefused(NOTHING)
    async with open_store(places.store, places.lock_file, _now_ms, checked=False) as store:
        pauses = Pauses(store, AccountStores(store, lambda _: None), config, {}, _now_ms)
        commands = PauseCommands(config, store, pauses)
        if what == "pause":
            return await commands.pause(asked)
        answer = await commands.resume(asked)
        for one in answer["resumed"]:
            one["taken_back"] = (
                "account" in asked and one["thread"] is None and _take_back(setup, one["account"])
            )
        return answer


def _take_back(setup: CliContext, name: str) -> bool:
    """Forget that an account was replaced by another client; the next gateway connects it."""
    from clawlane.credentials.profile import TakeoverMark

    [account] = [
        one for block in setup.config.channels.values() for one in block.accounts if str(one) == name
    ]
    return TakeoverMark(setup.places.vault_dir, account.channel, account.profile).clear()


def _length_ms(written: str) -> int:
    from clawlane.config.fields import duration

    try:
        length = duration(written)
    except ValueError as error:
        raise CliError(f"--for {error}") from None
    if not length:
        raise CliError("--for must be longer than nothing")
    return int(length.total_seconds() * 1000)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
