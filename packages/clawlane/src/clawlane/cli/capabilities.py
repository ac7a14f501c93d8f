"""`channels capabilities`: what a channel can do, what it cannot, and what is proven on an account."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawlane.abilities import SOURCES, when_off, why_off
from clawlane.cli.options import UNOFFICIAL, json_option, one_account
from clawlane.cli.output import echo_line, echo_wrapped, print_json
from clawlane.ops.capabilities import Describe, Described, Proven, Switch
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.zone import shown

_ABILITIES = {
    "login": "log in by QR code",
    "probe": "ask whether a session is valid",
    "directory": "list people, groups and members",
    "fetch_media": "fetch the files of messages",
    "look_up_sends": "look up sends that nobody confirmed",
    "reconnect": "close its connection on purpose",
    "rehearsal": "rehearse against a simulator",
}


@click.command()
@one_account
@click.option("--enable", metavar="NAME", help="Switch an ability on again.")
@click.option("--disable", metavar="NAME", help="Switch an ability off, for this account.")
@json_option
def capabilities(
    channel: str | None, account: str | None, enable: str | None, disable: str | None, as_json: bool
) -> None:
    """Show what a channel can do, what it cannot, and what is proven.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    Each ability is told with where the knowledge of it comes from, and since when it was seen working on
    this account. What can do harm and was never seen working is switched off after two refusals by the
    platform, until --enable.

    \b
    Examples:
      openclaw channels capabilities --channel zalouser
      openclaw channels capabilities --enable album
    """
    if enable is not None and disable is not None:
        raise click.UsageError("--enable and --disable exclude each other")
    if (name := enable if enable is not None else disable) is not None:
        _switch(Switch(channel, account, name, on=enable is not None), as_json)
        return
    found = Client().call(Describe(channel, account))
    if as_json:
        print_json(**{**plain(found), "account": f"{found.channel}/{found.account}"})
        return
    for line in _lines(found):
        echo_wrapped(line, hanging="  ")
    for line in _proven(found):
        echo_wrapped(line, hanging="    ")


def _switch(request: Switch, as_json: bool) -> None:
    done = Client().call(request)
    name = f"{done.channel}/{done.account}"
    if as_json:
        print_json(**{**plain(done), "account": name})
        return
    now = "on" if done.on else "off"
    state = f"is switched {now}" if done.changed else f"was {now} before"
    instead = "" if done.on else f": {done.instead}"
    echo_line(f"{name}: {done.what} {state}{instead}.")


def _lines(found: Described) -> Iterator[str]:
    note = f" ({UNOFFICIAL})" if found.unofficial else ""
    yield f"{found.label} [{found.channel}]{note}, account {found.account}"
    yield f"Sends and shows: {', '.join(found.sends)}"
    if found.lacks:
        yield f"Does not: {', '.join(found.lacks)}"
    if found.abilities:
        yield f"Can: {', '.join(_ABILITIES.get(one, one) for one in found.abilities)}"
    yield "Writes to: people and groups"
    if found.text_units is not None:
        yield f"One message: {found.text_units} UTF-16 units; longer texts are cut where a reader pauses"
    if found.file_mb is not None:
        yield f"One file: {found.file_mb:g} MB (mediaMaxMb)"
    if found.reactions:
        icons = [f"{one.name}={one.emoji}" if one.emoji else one.name for one in found.reactions]
        yield f"Reactions: {', '.join(icons)}"
    for sentence in found.cannot:
        yield f"Cannot: {sentence}"


def _proven(found: Described) -> Iterator[str]:
    if not found.proven:
        return
    where = f"on a simulator ({found.rehearsal}), which proves nothing of the platform"
    yield f"What is proven {where if found.rehearsal else 'on this account'}:"
    for one in found.proven:
        seen = _seen(one, "on the simulator" if found.rehearsal else "here")
        yield f"  {one.name}: {one.what}. {SOURCES[one.source].capitalize()}; {seen}."


def _seen(one: Proven, where: str) -> str:
    """`seen working here since 2026-11-03, last on 2026-11-05, verified on 2026-11-04`."""
    if one.off is not None:
        since = f" since {shown().day(one.off_ms)}" if one.off_ms else ""
        return f"OFF{since}: {why_off(one.off)}, so {when_off(one.name)}; on again: --enable {one.name}"
    if one.seen_ms is None or one.last_ms is None:
        refused = f", refused {one.refusals} time(s)" if one.refusals else ""
        return f"never seen {where}{refused}"
    since, last = shown().day(one.seen_ms), shown().day(one.last_ms)
    told = f"seen working {where} since {since}" + (f", last on {last}" if last != since else "")
    return told + (f", verified on {shown().day(one.verified_ms)}" if one.verified_ms else "")
