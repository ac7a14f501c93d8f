"""`channels capabilities`: what a channel can do, what it cannot, and what is proven on an account."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawlane.abilities import SOURCES, when_off, why_off
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_line, echo_wrapped, print_json
from clawlane.ops.capabilities import Describe, Described, Proven, Switch
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.texts import later, t, tn
from clawlane.words.kinds import KINDS
from clawlane.words.unofficial import UNOFFICIAL
from clawlane.zone import shown

_ABILITIES = {
    "login": later("log in by QR code"),
    "probe": later("ask whether a session is valid"),
    "directory": later("list people, groups and members"),
    "fetch_media": later("fetch the files of messages"),
    "look_up_sends": later("look up sends that nobody confirmed"),
    "reconnect": later("close its connection on purpose"),
    "rehearsal": later("rehearse against a simulator"),
}


_SWITCHED = {
    (True, True): later("{account}: {what} is switched on."),
    (True, False): later("{account}: {what} was on before."),
    (False, True): later("{account}: {what} is switched off: {instead}."),
    (False, False): later("{account}: {what} was off before: {instead}."),
}
"""By whether it is on, and whether that is new."""

_ON_SIMULATOR = later("What is proven on a simulator ({address}), which proves nothing of the platform:")
_TEXT_UNITS = later("One message: {n} UTF-16 units; longer texts are cut where a reader pauses")


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
        raise click.UsageError(t("--enable and --disable exclude each other"))
    if (name := enable if enable is not None else disable) is not None:
        _switch(Switch(channel, account, name, on=enable is not None), as_json)
        return
    found = Client().call(Describe(channel, account))
    if as_json:
        print_json(**{**plain(found), "account": f"{found.channel}/{found.account}"})
        return
    for line in _lines(found):
        echo_wrapped(line, hanging="  ")
    for line in proven_lines(found):
        echo_wrapped(line, hanging="    ")


def _switch(request: Switch, as_json: bool) -> None:
    done = Client().call(request)
    name = f"{done.channel}/{done.account}"
    if as_json:
        print_json(**{**plain(done), "account": name})
        return
    sentence = _SWITCHED[done.on, done.changed]
    echo_line(t(sentence, account=name, what=done.what, instead=done.instead))


def _lines(found: Described) -> Iterator[str]:
    note = f" ({t(UNOFFICIAL)})" if found.unofficial else ""
    title = f"{found.label} [{found.channel}]{note}"
    yield t("{channel}, account {account}", channel=title, account=found.account)
    yield t("Sends and shows: {list}", list=", ".join(t(KINDS[one]) for one in found.sends))
    if found.lacks:
        yield t("Does not: {list}", list=", ".join(t(KINDS[one]) for one in found.lacks))
    if found.abilities:
        yield t("Can: {list}", list=", ".join(t(_ABILITIES.get(one, one)) for one in found.abilities))
    yield t("Writes to: people and groups")
    if found.text_units is not None:
        yield t(_TEXT_UNITS, n=found.text_units)
    if found.file_mb is not None:
        yield t("One file: {size} MB (mediaMaxMb)", size=f"{found.file_mb:g}")
    if found.reactions:
        icons = [f"{one.name}={one.emoji}" if one.emoji else one.name for one in found.reactions]
        yield t("Reactions: {icons}", icons=", ".join(icons))
    for sentence in found.cannot:
        yield t("Cannot: {what}", what=sentence)


def proven_lines(found: Described) -> Iterator[str]:
    if not found.proven:
        return
    if found.rehearsal:
        yield t(_ON_SIMULATOR, address=found.rehearsal)
    else:
        yield t("What is proven on this account:")
    for one in found.proven:
        seen = _seen(one, t("on the simulator") if found.rehearsal else t("here"))
        source = t(SOURCES[one.source])
        yield f"  {one.name}: {one.what}. {source[:1].upper()}{source[1:]}; {seen}."


def _seen(one: Proven, where: str) -> str:
    """`seen working here since 2026-11-03, last on 2026-11-05, verified on 2026-11-04`."""
    if one.off is not None:
        off = t("OFF since {day}", day=shown().day(one.off_ms)) if one.off_ms else t("OFF")
        why = t("{why}, so {instead}", why=why_off(one.off), instead=when_off(one.name))
        return t("{off}: {why}; on again: --enable {name}", off=off, why=why, name=one.name)
    if one.seen_ms is None or one.last_ms is None:
        if not one.refusals:
            return t("never seen {where}", where=where)
        return tn(
            "never seen {where}, refused once",
            "never seen {where}, refused {n} times",
            one.refusals,
            where=where,
        )
    since, last = shown().day(one.seen_ms), shown().day(one.last_ms)
    told = [t("seen working {where} since {since}", where=where, since=since)]
    if last != since:
        told.append(t("last on {day}", day=last))
    if one.verified_ms:
        told.append(t("verified on {day}", day=shown().day(one.verified_ms)))
    return ", ".join(told)
