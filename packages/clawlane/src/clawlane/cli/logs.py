"""`logs` and `channels logs`: what the gateway logged, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import C
from clawlane.cli.output import columns, echo_wrapped, print_json
from clawlane.ops.client import Client, how_to_start
from clawlane.texts import t
from clawlane.words.strangers import printable, sanitize
from clawlane.zone import shown

if TYPE_CHECKING:
    from pathlib import Path

    from clawlane.ops.logs import LogFilter, LogLine

_LEVELS = ("debug", "info", "warning", "error")
_LONGEST = 2000


def _options(command: C) -> C:
    account = click.option("--account", default="", help="Only this account (default: all).")
    follow = click.option("--follow", "-f", is_flag=True, help="Keep printing what is logged from now on.")
    lines = click.option(
        "--lines", "-n", type=click.IntRange(min=0), default=50, show_default=True, help="The newest lines."
    )
    level = click.option("--level", type=click.Choice(_LEVELS), default="debug", help="This level and above.")
    as_json = click.option(
        "--json", "as_json", is_flag=True, help="Print JSON; with --follow one object per line."
    )
    return account(follow(lines(level(as_json(command)))))


@click.command()
@_options
def logs(account: str, follow: bool, lines: int, level: str, as_json: bool) -> None:
    """Show what the gateway logged: time in the zone of the config, level, account, text.

    The log never holds what people write. It works while no gateway runs, too.

    \b
    Examples:
      openclaw logs --lines 20
      openclaw logs --follow --level warning
    """
    _show(account, follow, lines, level, as_json)


@click.command("logs")
@click.option("--channel", default="", help="Only this channel (default: the only one installed).")
@_options
def channel_logs(channel: str, account: str, follow: bool, lines: int, level: str, as_json: bool) -> None:
    """Show what the gateway logged about the accounts of a channel.

    \b
    Examples:
      openclaw channels logs --channel zalouser
      openclaw channels logs --channel zalouser --account default --follow
    """
    if not channel:
        from clawlane.ops.accounts import FindChannel

        channel = Client().call(FindChannel(None))
    _show(account, follow, lines, level, as_json, channel)


def _show(account: str, follow: bool, lines: int, level: str, as_json: bool, channel: str = "") -> None:
    from clawlane.ops import logs as log_files

    client = Client()
    paths = client.paths
    folder = paths.log_dir
    wanted = log_files.LogFilter(channel, account, level.upper())
    coming = log_files.follow(folder, wanted) if follow else iter(())
    if follow:
        next(coming)  # from here on nothing is missed
    found = log_files.newest(folder, wanted, lines)
    if as_json and not follow:
        print_json(file=str(folder / "gateway.log"), lines=found)
        return
    if not found and not follow:
        raise CliError(_nothing(folder, wanted), how_to_start(paths)[1])
    client.know_zone()
    _print(found, as_json)
    for line in coming:
        if line is not None:
            _print([line], as_json)


def _nothing(folder: Path, wanted: LogFilter) -> str:
    if of := "/".join(word for word in (wanted.channel, wanted.account) if word):
        return t("nothing was logged in {folder} about {account}", folder=folder, account=sanitize(of))
    return t("nothing was logged in {folder}", folder=folder)


def _print(lines: Iterable[LogLine], as_json: bool) -> None:
    for line in lines:
        if as_json:
            print_json(line=line)
            continue
        time = shown().at(round(1000 * datetime.fromisoformat(line.time).timestamp()))
        head = f"{time:%Y-%m-%d %H:%M:%S} {line.level:<7} "
        echo_wrapped(sanitize(line.message, _LONGEST), head, " " * columns(head))
        for row in printable(line.trace).splitlines():
            click.echo(f"    {row}")
