"""`sim`: run the simulator in the foreground, and play the people in it from another terminal."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import channel_option, json_option
from clawlane.cli.output import echo_wrapped, print_result, print_table
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize

if TYPE_CHECKING:
    from clawlane.capabilities import Cast, Figure, Seen
    from clawlane.channel import Account
    from clawlane.rehearsal.simulators import Rehearsed

_TEXT = 120
_SAYS = {
    "qrshown": later("a QR code is shown; scan it: openclaw sim scan"),
    "login": later("{account} logs in"),
    "connected": later("{account} is connected"),
    "disconnected": later("{account} is disconnected ({code})"),
    "sent": later("{account} writes to {thread}: {text}"),
    "typed": later("{account} types to {thread}"),
    "delivered": later("{account} has received from {thread}"),
    "seen": later("{account} has read {thread}"),
    "reacted": later("{account} reacts in {thread}: {icon}"),
    "undone": later("{account} takes a message back in {thread}"),
    "refused": later("refused: {message}"),
}
"""What is shown of what happens, by its kind; nothing of other kinds."""

_KINDS = {"account": later("account"), "person": later("person"), "group": later("group")}

C = TypeVar("C", bound=Callable[..., Any])
_port = click.IntRange(0, 65535)


def _account_option(command: C) -> C:
    return click.option("--account", help="The account there, by name or id (default: the first).")(command)


@click.group(invoke_without_command=True)
@click.option(
    "--port", type=_port, default=0, metavar="PORT", help="The port of the simulator (default: a free one)."
)
@click.option(
    "--control-port",
    type=_port,
    default=0,
    metavar="PORT",
    help="The port that controls it (default: a free one).",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep its certificate and a state directory here (default: a folder that is removed at the end).",
)
@click.option("--scan", is_flag=True, help="The first account's phone scans every QR code by itself.")
@channel_option("The channel (default: the one with a simulator).")
@click.pass_context
def sim(
    ctx: click.Context, port: int, control_port: int, state: Path | None, scan: bool, channel: str | None
) -> None:
    """Run a simulator of the platform, in the foreground.

    It prints lines to paste into other terminals: what runs there then reaches the simulator and nothing
    else. The subcommands play people, in a terminal with the same lines. Ctrl-C ends it.

    \b
    openclaw sim --scan
    openclaw sim say "xin chào" --from "Phạm Quốc Bảo"
    """
    if ctx.invoked_subcommand is not None:
        return
    from clawlane.config.paths import Paths
    from clawlane.rehearsal.simulators import find_rehearsed

    rehearsed = find_rehearsed(Paths.from_env(os.environ), channel)
    with _folder(state) as folder:
        asyncio.run(_serve(rehearsed, folder, port, control_port, scan=scan))


@sim.command()
@click.argument("text")
@click.option("--from", "sender", required=True, metavar="PERSON", help="Who writes, by name or id.")
@click.option("--group", default="", help="In this group, by name or id (default: to the account).")
@click.option("--mention", is_flag=True, help="With a mention of the account, in a group.")
@_account_option
@json_option
def say(text: str, sender: str, group: str, mention: bool, account: str | None, as_json: bool) -> None:
    """Have a person write to the account, or in a group.

    \b
    openclaw sim say "xin chào" --from "Phạm Quốc Bảo"
    openclaw sim say "họp?" --from "Lê Văn Hùng" --group "Nhóm Làm Việc" --mention
    """
    if mention and not group:
        raise CliError(t("a mention is for groups"), t("add --group NAME"))

    async def write(cast: Cast, us: Account) -> str:
        return await cast.write(us, sender, text, group=group, mention=mention)

    message = _with_cast(account, write)
    print_result([t("Written: message {id}.", id=message)], as_json, message_id=message)


@sim.command()
@_account_option
@json_option
def scan(account: str | None, as_json: bool) -> None:
    """Scan the QR code on the screen with the account's phone.

    The phone confirms, too. It waits some seconds for a code. Another account than the first one is named:
    openclaw sim scan --account NAME
    """

    async def held_up(cast: Cast, us: Account) -> None:
        await cast.scan(us)

    _with_cast(account, held_up)
    print_result([t("Scanned and confirmed.")], as_json)


@sim.command()
@click.option("--code", type=click.IntRange(1000, 4999), default=1006, help="The close code; 1006 cuts it.")
@_account_option
@json_option
def drop(code: int, account: str | None, as_json: bool) -> None:
    """End the account's connection, as a bad network does.

    \b
    Example:
      openclaw sim drop
    """

    async def cut(cast: Cast, us: Account) -> None:
        await cast.cut(us, code)

    _with_cast(account, cut)
    print_result([t("The connection has ended ({code}).", code=code)], as_json, code=code)


@sim.command()
@click.argument("name")
@click.option("--friend", is_flag=True, help="A friend of the account (default: a stranger).")
@_account_option
@json_option
def person(name: str, friend: bool, account: str | None, as_json: bool) -> None:
    """Add a person, who can then write.

    \b
    Example:
      openclaw sim person "Lan"
    """

    async def add(cast: Cast, us: Account) -> str:
        return await cast.person(name, friend=friend, account=us)

    uid = _with_cast(account, add)
    there = later("{name} is there, a friend: {id}.")
    if not friend:
        there = later("{name} is there, a stranger: {id}.")
    print_result([t(there, name=sanitize(name), id=uid)], as_json, id=uid, friend=friend)


@sim.command()
@json_option
def world(as_json: bool) -> None:
    """List the accounts, people and groups.

    \b
    Example:
      openclaw sim world
    """

    async def list_all(cast: Cast, _us: Account) -> list[Figure]:
        return await cast.everybody()

    figures = _with_cast(None, list_all)
    if as_json:
        print_result((), True, world=figures)
        return
    rows = [
        (t(_KINDS.get(one.kind, one.kind)), sanitize(one.name), one.id, sanitize(one.about))
        for one in figures
    ]
    print_table((t("WHAT"), t("NAME"), t("ID"), t("ABOUT")), rows)


def _with_cast(account: str | None, act: Callable[[Cast, Account], Any]) -> Any:
    """The result of something that the people of the simulator of this terminal do."""
    from clawlane.config.paths import Paths
    from clawlane.rehearsal.simulators import find_rehearsed

    rehearsed = find_rehearsed(Paths.from_env(os.environ))
    cast = rehearsed.runtime.cast_of(os.environ)

    async def run() -> Any:
        return await act(cast, await _account(cast, rehearsed.manifest.id, account))

    return asyncio.run(run())


async def _account(cast: Cast, channel: str, name: str | None) -> Account:
    """An account of the simulator, which goes by its id there."""
    from clawlane.channel import Account

    accounts = [one for one in await cast.everybody() if one.kind == "account"]
    found = [one for one in accounts if name in (None, one.id, one.name)]
    if not found:
        names = ", ".join(sanitize(one.name) for one in accounts)
        nobody = t("no account there is called '{name}'", name=sanitize(name or ""))
        raise CliError(nobody, t("there are: {names}", names=names))
    return Account(channel, found[0].id, "", None, name=found[0].name)


@contextmanager
def _folder(state: Path | None) -> Iterator[Path]:
    from clawlane.rehearsal.folder import throw_away

    if state is None:
        with throw_away() as folder:
            yield folder
    else:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield state.absolute()


async def _serve(rehearsed: Rehearsed, folder: Path, port: int, control_port: int, *, scan: bool) -> None:
    """Until a signal: start, print the lines to paste, then what happens."""
    from clawlane.rehearsal.processes import simulator

    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        async with simulator(rehearsed.runtime, folder, port=port, control_port=control_port) as network:
            cast = rehearsed.runtime.cast_of(network)
            _print_lines(rehearsed.manifest.label, network, folder)
            await _tell(cast, await _account(cast, rehearsed.manifest.id, None), scan=scan)
    except asyncio.CancelledError:
        task.uncancel()


def _print_lines(label: str, network: Mapping[str, str], folder: Path) -> None:
    runs = later("A simulated {label} runs on this machine. Paste this into other terminals:")
    echo_wrapped(t(runs, label=label))
    click.echo()
    for name, value in network.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    click.echo(f"export CLAWLANE_STATE_DIR={shlex.quote(str(folder / 'state'))}\n")
    echo_wrapped(
        t("The last line keeps a real session apart from the simulator's. Ctrl-C ends the simulator.")
    )
    click.echo(t("Who is there: openclaw sim world") + "\n")


async def _tell(cast: Cast, us: Account, *, scan: bool) -> None:
    """Print what happens, as it happens."""
    last = 0
    while True:
        for seen in await cast.seen(last, 30.0):
            last = seen.seq
            if seen.kind in _SAYS:
                click.echo(_line(seen, {one.id: one.name for one in await cast.everybody()}))
            if seen.kind == "qrshown" and scan:
                await cast.scan(us)


def _line(seen: Seen, names: Mapping[str, str]) -> str:
    fields = dict.fromkeys(("account", "thread_id", "code", "text", "icon", "message"), "")
    named = {
        key: sanitize(names.get(value, value), _TEXT) if isinstance(value, str) else value
        for key, value in (fields | seen.fields).items()
    }
    named["thread"] = named["thread_id"]
    at = datetime.fromtimestamp(int(seen.fields.get("at_ms", 0)) / 1000, UTC).astimezone()
    return f"{at:%H:%M:%S}  {t(_SAYS[seen.kind], **named)}"
