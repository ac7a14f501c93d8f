"""`message`: what the operator writes, reacts to and takes back, and what became of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from clawlane.cli.failure import CliError
from clawlane.cli.message_report import report
from clawlane.cli.options import json_option, one_account
from clawlane.ops.client import Client
from clawlane.ops.message import LONGEST_TEXT, React, Send, TakeBack
from clawlane.texts import later, t

_WAIT_S = 60.0
C = TypeVar("C", bound=Callable[..., Any])


@click.group()
def message() -> None:
    """Send, react and undo as the account (experimental, unofficial).

    Everything goes through a running gateway, in the order of its outbox: a pause holds it, and pacing counts
    it. A command waits up to 60 seconds for the outcome, which its exit code tells.
    """


_target_option = click.option(
    "-t", "--target", required=True, help="user:ID, group:ID, or the id or name of one friend or group."
)


def _no_wait(command: C) -> C:
    return click.option("--no-wait", is_flag=True, help="Do not wait; 0 then means that it is queued.")(
        command
    )


@message.command()
@click.argument("words", metavar="[TEXT]", required=False)
@one_account
@_target_option
@click.option("-m", "--message", "text", help="The text, in place of TEXT; `-` reads it from standard input.")
@click.option("--media", multiple=True, metavar="FILE", help="A file to send; may be repeated.")
@click.option("--reply-to", metavar="MESSAGE", default="", help="The id of a message to quote.")
@click.option("--plain", is_flag=True, help="Send the text as it is, and not as markdown.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@_no_wait
@json_option
def send(
    words: str | None,
    channel: str | None,
    account: str | None,
    target: str,
    text: str | None,
    media: Sequence[str],
    reply_to: str,
    plain: bool,
    dry_run: bool,
    no_wait: bool,
    as_json: bool,
) -> int:
    """Send a text, files, or both.

    A bare id has to be that of a known friend or group, and a name that of exactly one.

    \b
    Exit code:
      0  it has arrived; with --no-wait, it is in the outbox
      1  not sent, refused, or it is unknown whether it arrived
      2  it waits in the outbox: paused, held, or not confirmed in 60 seconds

    \b
    Examples:
      openclaw message send --channel zalouser --target user:ID "Xin chào"
      openclaw message send -t group:ID -m "The plan" --media plan.pdf
    """
    if words is not None and text is not None:
        raise CliError(t("the text is given twice"), t("write it either as TEXT or with --message"))
    request = Send(
        channel,
        account,
        target,
        _text(text if words is None else words),
        tuple(os.path.abspath(_readable(path, later("a path"))) for path in media),
        _readable(reply_to, "--reply-to"),
        plain,
        dry_run,
    )
    client = Client()
    wait_s = 0 if no_wait else _WAIT_S
    return report(client, client.call(request), wait_s, as_json, dry_run=dry_run)


@message.command()
@one_account
@_target_option
@click.option("--message-id", required=True, help="The id of the message to react to.")
@click.option("--emoji", help="An emoji, a name such as HEART, or a code such as /-heart; '' removes.")
@click.option("--remove", is_flag=True, help="Remove the account's own reactions to the message.")
@_no_wait
@json_option
def react(
    channel: str | None,
    account: str | None,
    target: str,
    message_id: str,
    emoji: str | None,
    remove: bool,
    no_wait: bool,
    as_json: bool,
) -> int:
    """React to a message, or remove the reaction.

    `openclaw channels capabilities` lists the reactions, `openclaw why` the ids of messages.

    \b
    Exit code:
      0  it has arrived; with --no-wait, it is in the outbox
      1  not sent, refused, or it is unknown whether it arrived
      2  it waits in the outbox: paused, held, or not confirmed in 60 seconds

    \b
    Examples:
      openclaw message react -t user:ID --message-id MESSAGE --emoji HEART
      openclaw message react -t user:ID --message-id MESSAGE --remove
    """
    if emoji is None and not remove:
        name = t("name one with --emoji, or remove yours with --remove")
        raise CliError(t("there is no reaction"), name)
    icon = "" if remove else _readable(emoji or "", "--emoji")
    client = Client()
    request = React(channel, account, target, _readable(message_id, "--message-id"), icon)
    return report(client, client.call(request), 0 if no_wait else _WAIT_S, as_json)


@message.command()
@one_account
@click.option(
    "-t", "--target", default="", help="user:ID, group:ID, or the id or name of whoever was written to."
)
@click.option("--message-id", default="", help="The id of a message that the gateway sent.")
@click.option("--number", type=click.IntRange(min=1), help="In place of the id: its number in the outbox.")
@click.option("--whole", is_flag=True, help="All parts of the text that it belongs to.")
@_no_wait
@json_option
def undo(
    channel: str | None,
    account: str | None,
    target: str,
    message_id: str,
    number: int | None,
    whole: bool,
    no_wait: bool,
    as_json: bool,
) -> int:
    """Take a message of the account back, for everybody.

    Only what the gateway sent can be taken back, and Zalo limits for how long. What has not left is
    cancelled. Agents forget what they said there.

    \b
    Exit code:
      0  it has arrived; with --no-wait, it is in the outbox
      1  not sent, refused, or it is unknown whether it arrived
      2  it waits in the outbox: paused, held, or not confirmed in 60 seconds

    \b
    Example:
      openclaw message undo --target user:ID --message-id MESSAGE
    """
    if bool(message_id) is (number is not None):
        raise CliError(t("which message?"), t("name it with --message-id or with --number"))
    client = Client()
    id_ = _readable(message_id, "--message-id")
    request = TakeBack(channel, account, target, id_, number or 0, whole)
    return report(client, client.call(request), 0 if no_wait else _WAIT_S, as_json)


def _text(written: str | None) -> str:
    """The text of the command line, or of standard input for `-`."""
    if written != "-":
        return _readable(written or "", later("the text"))
    if sys.stdin.isatty():
        click.echo(t("Write the text, and end it with Ctrl-D on a line of its own."), err=True)
    data = sys.stdin.buffer.read(4 * LONGEST_TEXT + 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) <= 4 * LONGEST_TEXT:
            raise CliError(t("standard input is not UTF-8 (byte {byte})", byte=error.start)) from None
        text = ""
    if len(data) > 4 * LONGEST_TEXT or len(text) > LONGEST_TEXT:
        most = later("standard input has more than {n} characters, the most that are sent")
        raise CliError(t(most, n=LONGEST_TEXT))
    return text.rstrip("\r\n")


def _readable(written: str, what: str) -> str:
    """A word of the command line that is whole Unicode."""
    try:
        written.encode()
    except UnicodeEncodeError:
        raise CliError(t("{what} is not UTF-8", what=t(what))) from None
    return written
