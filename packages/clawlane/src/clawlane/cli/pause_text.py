"""Pauses as lines for a person: what was stopped, what goes on, and what became too old."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from clawlane.cli.clean import clean
from clawlane.cli.times import length, local

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
        what = f"message {clean(overdue['message_id'])}" if overdue["turn"] else "a text of the gateway"
        yield f"    {clean(overdue['thread'])} {what}, {length(overdue['age_ms'])} old"
    yield f"  Answer them after all: openclaw resume {pause_options(one)} --flush"
