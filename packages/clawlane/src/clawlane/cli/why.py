"""`why`: what was decided about messages, and what became of them."""

from __future__ import annotations

from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.cli.since import HELP, UNTIL_HELP, since_ms
from clawlane.ops.client import Client
from clawlane.ops.why import MOST, Why
from clawlane.texts import t
from clawlane.words.gaps import gap_words
from clawlane.words.stories import as_dict, lines, looked_to_words
from clawlane.words.strangers import sanitize


@click.command()
@click.argument("message_id", required=False)
@click.option("--last", type=click.IntRange(1, MOST), help="The newest N messages (default: 10).")
@click.option("--dropped", is_flag=True, help="Only messages that were dropped.")
@click.option("--person", default="", help="Only from this person: an id, or a part of a name.")
@click.option("--group", default="", help="Only in this group: an id, or a part of its name.")
@click.option("--reason", default="", help="Only by this reason, or a setting such as dmPolicy.")
@click.option("--since", help=HELP)
@click.option("--until", help=UNTIL_HELP)
@json_option
def why(message_id: str | None, last: int | None, as_json: bool, **wanted: Any) -> None:
    """Say why a message was or was not answered, and which config line decided.

    With a message's id it is about that message, else about the newest ones that fit all that is asked for.
    What the platform wrote itself is shown as notice, and what could not be read as unreadable; these are
    reasons, too.

    \b
    Examples:
      openclaw why --last 5
      openclaw why --dropped --since 2h
      openclaw why --person Lan --group "Work Chat"
      openclaw why --reason mention_required --since 2026-11-28
    """
    if message_id and (last or any(wanted.values())):
        raise CliError(t("a message's id stands alone"), t("leave the options out, or the id"))
    client = Client()
    told = client.call(_request(client, message_id or "", last or 10, **wanted))
    if message_id and not told.items:
        unread = map(gap_words, told.gaps[-1:])
        found_none = t("no message '{id}' was read", id=sanitize(message_id))
        raise CliError("; ".join([found_none, *unread]), "openclaw why --last 10")
    if as_json:
        found = list(map(as_dict, told.items))
        print_json(messages=found, gaps=told.gaps, looked_to_ms=told.looked_to_ms)
        return
    for one in told.items:
        head, *rest = lines(one)
        echo_wrapped(head, "", "    ")
        for line in rest:
            echo_wrapped(line, "  ", "    ")
    for gap in () if message_id else told.gaps:
        echo_wrapped(gap_words(gap))
    if told.looked_to_ms is not None:
        echo_wrapped(looked_to_words(told.looked_to_ms))
    if not told.items:
        click.echo(_nothing(**wanted))


def _request(
    client: Client,
    message_id: str,
    last: int,
    *,
    dropped: bool,
    since: str | None,
    until: str | None,
    **whom: str,
) -> Why:
    if since or until:
        client.know_zone()
    between = since_ms(since), since_ms(until, "--until")
    file = str(client.paths.config_file)
    return Why(message_id, last, dropped, file, whom["person"], whom["group"], whom["reason"], *between)


def _nothing(*, dropped: bool, **wanted: Any) -> str:
    if any(wanted.values()):
        return t("Nothing fits that.")
    return t("No message was dropped.") if dropped else t("No message has been read yet.")
