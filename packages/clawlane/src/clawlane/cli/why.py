"""`why`: what was decided about messages, and what became of them."""

from __future__ import annotations

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.ops.client import Client
from clawlane.ops.why import Why
from clawlane.texts import t
from clawlane.words.gaps import gap_words
from clawlane.words.stories import as_dict, lines
from clawlane.words.strangers import sanitize


@click.command()
@click.argument("message_id", required=False)
@click.option("--last", type=click.IntRange(min=1), help="The newest N messages (default: 10).")
@click.option("--dropped", is_flag=True, help="Only messages that were dropped.")
@json_option
def why(message_id: str | None, last: int | None, dropped: bool, as_json: bool) -> None:
    """Say why a message was or was not answered, and which config line decided.

    With a message's id it is about that message, else about the newest ones. What the platform wrote itself
    is shown as notice, and what could not be read as unreadable.

    \b
    Examples:
      openclaw why --last 5
      openclaw why --dropped
    """
    if message_id and (last or dropped):
        raise CliError(t("a message's id stands alone"), t("leave --last and --dropped out, or the id"))
    client = Client()
    told = client.call(Why(message_id or "", last or 10, dropped, str(client.paths.config_file)))
    if message_id and not told.items:
        unread = map(gap_words, told.gaps[-1:])
        found_none = t("no message '{id}' was read", id=sanitize(message_id))
        raise CliError("; ".join([found_none, *unread]), "openclaw why --last 10")
    if as_json:
        print_json(messages=list(map(as_dict, told.items)), gaps=told.gaps)
        return
    for one in told.items:
        head, *rest = lines(one)
        echo_wrapped(head, "", "    ")
        for line in rest:
            echo_wrapped(line, "  ", "    ")
    for gap in () if message_id else told.gaps:
        echo_wrapped(gap_words(gap))
    if not told.items:
        click.echo(t("No message was dropped.") if dropped else t("No message has been read yet."))
