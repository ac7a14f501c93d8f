"""`channels dead-letters`: messages that the agent could not answer."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import Card, echo_cards, echo_line, print_json, print_result, sanitize, when
from clawlane.cli.send_states import reason_words
from clawlane.clock import now_ms
from clawlane.ops.accounts import FindChannel
from clawlane.ops.client import Client
from clawlane.ops.messages import DeadLetters, DropDeadLetter, Resubmit
from clawlane.store.turns import DeadLetter
from clawlane.texts import later, t, tn

_LATER = later(" The gateway is not running; this happens once it runs.")
_LONGEST = 70


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
    aside = t("set aside {time}", time=when(row.set_aside_ms, now_ms()))
    head = f"{aside} · {tn('{n} try', '{n} tries', row.tries)} · {row.account}"
    sender = f"{sanitize(row.sender_name)} ({row.sender_id})" if row.sender_name else row.sender_id
    thread = f"{sanitize(row.group_name)} ({row.thread})" if row.group_name else str(row.thread)
    whence = t("from {sender} in {thread}", sender=sender, thread=thread)
    lines = (whence, sanitize(row.text, _LONGEST), sanitize(reason_words(row.reason), 200))
    return Card(sanitize(row.message_id), head, tuple(filter(None, lines)))


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
    given = t("Message {message} is given to the agent again.", message=message)
    given += "" if decided.running else t(_LATER)
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
    dropped = t("Message {message} is dropped.", message=message)
    print_result([dropped], as_json, **asdict(decided), ruling="drop")
