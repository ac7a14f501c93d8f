"""`pacing`: what may leave and be spent, what is used of it, and what is held."""

from __future__ import annotations

from collections.abc import Sequence

import click

from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import echo_line, echo_wrapped, print_json, print_table
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.ops.pacing import Allowance, GetPacing
from clawlane.texts import t
from clawlane.words.pacing import allowance_words, line_words, now_lines, resets_words


@click.command()
@channel_option("Only this channel (default: all).")
@account_option()
@json_option
def pacing(channel: str | None, account: str | None, as_json: bool) -> None:
    """Show what may leave and be spent, what is used of it, and what is held.

    For each account the limits of pacing with what left within the last minute, hour and day, the warm-up of
    a new session and when it ends, quiet hours, pauses, and the replies that are held until when. For each
    agent its budget of the day, and what is spent. Each value says which line of the config it is from.

    \b
    Examples:
      openclaw pacing
      openclaw pacing --account work --json
    """
    found = Client().call(GetPacing(channel, account))
    if as_json:
        print_json(**plain(found))
        return
    for one in found.accounts.values():
        echo_line(t("Account {account}", account=one.account))
        _table(one.settings)
        for line in now_lines(one):
            echo_wrapped(line, "  ", "    ")
    for agent in found.agents:
        echo_line(t("Agent {agent}", agent=agent.agent))
        _table(agent.settings)
        echo_wrapped(resets_words(agent), "  ", "    ")
    if not found.running:
        echo_wrapped(t("No gateway runs: nothing is sent, and nothing is held."))


def _table(settings: Sequence[Allowance]) -> None:
    rows = [(one.key, allowance_words(one), line_words(one)) for one in settings]
    print_table((t("KEY"), t("VALUE"), t("FROM")), rows)
