"""`channels list` and `channels logout`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from clawlane.cli.json_shapes import risk_json
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_line, echo_wrapped, print_json
from clawlane.ops.channel_list import ChannelEntry, ListChannels
from clawlane.ops.client import Client
from clawlane.ops.login import LogOut
from clawlane.ops.operation import plain
from clawlane.ops.rules_from import rules_of_file
from clawlane.texts import later, t
from clawlane.words import login as words
from clawlane.words.channel_off import off_words, told_off
from clawlane.words.rules import rules_line
from clawlane.words.strangers import sanitize
from clawlane.words.unofficial import UNOFFICIAL

_NONE = later("no channel is configured; set one up: openclaw onboard")


@click.command("list")
@click.option(
    "--all", "everything", is_flag=True, help="Also channels that are not configured or not installed."
)
@json_option
def list_channels(everything: bool, as_json: bool) -> None:
    """List the configured accounts, and with --all every channel there is.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    \b
    Example:
      openclaw channels list --all
    """
    client = Client()
    found = client.call(ListChannels(everything))
    rules = rules_of_file(client.paths)
    if not as_json:
        for line in [line for entry in found for line in _lines(entry, everything)] or [t(_NONE)]:
            echo_wrapped(line, hanging="  ")
        echo_wrapped(rules_line(rules), hanging="  ")
        return
    print_json(channels={entry.channel: _entry_json(entry) for entry in found}, rules=rules)


def _entry_json(entry: ChannelEntry) -> dict[str, Any]:
    told: dict[str, Any] = plain(entry)
    del told["channel"], told["off"]
    told["plugin"] = told_off(entry.off)
    told["risk"] = risk_json(entry.risk, None, unofficial=entry.unofficial)
    told["accounts"] = {}
    for one in entry.accounts:
        account = plain(one)
        del account["consent"]
        account["risk"] = risk_json(entry.risk, one.consent, unofficial=entry.unofficial)
        told["accounts"][f"{entry.channel}/{one.id}"] = account
    return told


def _lines(entry: ChannelEntry, everything: bool) -> Iterator[str]:
    note = f" ({t(UNOFFICIAL)})" if entry.unofficial else ""
    title = f"{entry.label} [{entry.channel}]{note}"
    if entry.off:
        yield off_words(entry.off)
    elif not entry.configured:
        yield t("{channel}: installed, not configured (off)", channel=title)
    for account in entry.accounts:
        user = account.user
        on = t("enabled") if account.enabled else t("disabled")
        linked = t(account.problem) if account.problem else t("not linked")
        if user:
            linked = t("linked as {name} ({id})", name=sanitize(user.name), id=user.id)
        yield f"{title} {account.id}: {on}, {linked}"
    if everything and entry.risk:
        yield f"  {t(entry.risk)}"


@click.command()
@one_account
@json_option
def logout(channel: str | None, account: str | None, as_json: bool) -> None:
    """Stop an account in a running gateway and forget its saved session.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    Exits with 0 also if there was none. It works with a broken config file, too. The platform keeps the
    session until you remove the device on the phone; `openclaw session revoke` has the platform end it.

    \b
    Example:
      openclaw channels logout --channel zalouser
    """
    done = Client().call(LogOut(channel, account))
    warnings = list(map(t, done.warnings))
    if as_json:
        names = {
            "channel": done.channel,
            "account": f"{done.channel}/{done.account}",
            "profile": done.profile,
        }
        told = {"cleared": done.cleared, "on_phone": done.on_phone}
        print_json(**names, **told, warning="; ".join(warnings))
        return
    for line in words.logged_out_sentences(done):
        echo_wrapped(line)
    for line in words.warnings_of(done):
        echo_line(line, err=True)
