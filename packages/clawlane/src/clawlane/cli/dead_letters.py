"""`channels dead-letters`: messages that the agent could not answer."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import Card, echo_cards, echo_line, print_json, print_result
from clawlane.clock import now_ms
from clawlane.ops.accounts import FindChannel
from clawlane.ops.client import Client
from clawlane.ops.messages import DeadLetters, DropDeadLetter, Resubmit
from clawlane.store.turns import DeadLetter
from clawlane.texts import t
from clawlane.words.dead_letters import dropped_sentence, head, lines, resubmitted_sentence
from clawlane.words.strangers import sanitize


@click.group("dead-letters")
def dead_letters() -> None:
    """See messages that the agent could not answer, and retry them."""


@dead_letters.command("list")
@channel_option()
@account_option()
@json_option
def list_letters(channel: str | None, account: str | None, as_json: bool) -> None:
    """List the messages that were set aside, and why.

    \b
    Example:
      openclaw channels dead-letters list
    """
    client = Client()
    id_ = client.call(FindChannel(channel))
    rows = client.call(DeadLetters(id_, account))
    if as_json:
        print_json(letters=[{**asdict(row), "thread": str(row.thread)} for row in rows])
        return
    if not rows:
        echo_line(t("No message of {channel} was set aside.", channel=id_))
        return
    echo_cards([_card(row) for row in rows])
    click.echo()
    echo_line(t("Try one again: openclaw channels dead-letters resubmit MESSAGE"))


def _card(row: DeadLetter) -> Card:
    return Card(sanitize(row.message_id), head(row, now_ms()), lines(row))


@dead_letters.command()
@click.argument("message")
@channel_option()
@account_option("The account (default: found by the message).")
@json_option
def resubmit(message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a message to the agent again, with a full set of tries.

    \b
    Example:
      openclaw channels dead-letters resubmit 7318250219
    """
    decided = Client().call(Resubmit(channel, message, account))
    given = resubmitted_sentence(message, running=decided.running)
    print_result([given], as_json, **asdict(decided), ruling="resubmit")


@dead_letters.command("drop")
@click.argument("message")
@channel_option()
@account_option("The account (default: found by the message).")
@json_option
def drop_letter(message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a message up; its text is deleted.

    \b
    Example:
      openclaw channels dead-letters drop 7318250219
    """
    decided = Client().call(DropDeadLetter(channel, message, account))
    print_result([dropped_sentence(message)], as_json, **asdict(decided), ruling="drop")
