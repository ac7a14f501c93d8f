"""`debug`: the frames and calls of one account as they pass, for a while."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_line, print_json
from clawlane.config.duration import duration
from clawlane.ops.client import Client, follow_gateway
from clawlane.ops.operation import Caller
from clawlane.texts import t, tn
from clawlane.words.times import local, size_words
from clawlane.zone import shown

if TYPE_CHECKING:
    from clawlane.capabilities import Traced
    from clawlane.ops.debug import Alive, Began, Ended, LeftOut, Line

_NAME, _SIZE, _TOOK = 24, 7, 8
_NONE = "-"


@click.command()
@one_account
@click.option("--for", "length", default="10m", show_default=True, help="How long: 30s, 10m; at most 24h.")
@json_option
def debug(channel: str | None, account: str | None, length: str, as_json: bool) -> None:
    """Set the log level of one account to debug for a while, and show its frames and calls.

    One line for each frame of the connection and each call, when it is over: its kind, the bytes out and in,
    how long it took and how it ended. It never shows what people write, nor ids, addresses or secrets. The
    same lines go into the log of the gateway.

    Ctrl-C ends it early. Whatever ends this command, or the gateway, sets the level back. A flood leaves out
    lines, and says how many.

    \b
    Examples:
      openclaw debug --account default --for 10m
      openclaw debug --for 30s --json
    """
    from clawlane.ops.debug import Debug

    try:
        seconds = duration(length).total_seconds()
    except ValueError as error:
        raise CliError(t("--for {error}", error=error), "openclaw debug --for 10m") from None
    show = _print_json if as_json else _print
    asked = Debug(channel, account, seconds)
    try:
        with closing(follow_gateway(Client().paths, asked, Caller.CLI)) as events:
            for event in events:
                show(event)
    except KeyboardInterrupt:
        click.echo(t("Ended; the level is set back."), err=True)
        raise


def _print(event: Began | Line | LeftOut | Alive | Ended) -> None:
    from clawlane.ops.debug import Began, Ended, LeftOut, Line

    if isinstance(event, Line):
        click.echo(_row(event))
    elif isinstance(event, Began):
        account, time = event.account, local(event.until_ms)
        echo_line(t("{account}: debug until {time}; Ctrl-C ends it.", account=account, time=time))
        heads = (t("out"), t("in"), t("took"), t("result"))
        click.echo(_columns(t("time"), "", t("frame or call"), *heads))
    elif isinstance(event, LeftOut):
        echo_line(tn("… {n} line left out", "… {n} lines left out", event.count))
    elif isinstance(event, Ended):
        told = tn("{n} line", "{n} lines", event.lines)
        left = t("{told}, {n} left out", told=told, n=event.left_out) if event.left_out else told
        echo_line(t("Ended; the level is set back ({lines}).", lines=left))


def _print_json(event: Began | Line | LeftOut | Alive | Ended) -> None:
    from clawlane.ops.debug import Began, Ended, LeftOut, Line

    if isinstance(event, Line):
        print_json(at_ms=event.at_ms, traced=event.traced)
    elif isinstance(event, Began):
        print_json(account=event.account, until_ms=event.until_ms)
    elif isinstance(event, LeftOut):
        print_json(left_out=event.count)
    elif isinstance(event, Ended):
        print_json(ended={"lines": event.lines, "left_out": event.left_out})


def _row(line: Line) -> str:
    one = line.traced
    time = f"{shown().at(line.at_ms):%H:%M:%S.%f}"[:-3]
    took = _NONE if one.ms is None else f"{one.ms:.0f} ms"
    return _columns(time, one.kind, one.name, _size(one.sent), _size(one.received), took, _result(one))


def _columns(time: str, kind: str, name: str, sent: str, received: str, took: str, result: str) -> str:
    head = f"{time:<12}  {f'{kind} {name}'.strip():<{_NAME}}"
    return f"{head} {sent:>{_SIZE}} {received:>{_SIZE}} {took:>{_TOOK}}  {result}".rstrip()


def _size(size: int | None) -> str:
    return _NONE if size is None else size_words(size)


def _result(one: Traced) -> str:
    """How it ended, in one word or two; for a frame only where it closes the connection."""
    if one.code:
        return t("code {code}", code=one.code)
    if one.status is not None and one.status >= 300:
        return f"HTTP {one.status}"
    if one.error:
        return one.error
    return t("ok") if one.kind == "call" else ""
