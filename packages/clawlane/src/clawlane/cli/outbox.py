"""`outbox` and `sent`: messages that wait or may not have arrived, and those that left."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import (
    Card,
    echo_cards,
    echo_commands,
    echo_line,
    echo_wrapped,
    print_json,
    print_result,
)
from clawlane.clock import now_ms
from clawlane.config.duration import duration
from clawlane.ops.client import Client
from clawlane.ops.messages import MOST_SENT, Arrived, Drop, Outbox, Resend, Sent
from clawlane.store.outbox_listing import Listed
from clawlane.store.states import ChunkState
from clawlane.texts import later, t, told
from clawlane.words.outbox import (
    arrived_sentence,
    dropped_sentence,
    fate,
    lines,
    resent_sentence,
    state_words,
    waiting_lines,
)
from clawlane.words.times import when

_LATER = later(" The gateway is not running; this happens once it runs.")
_NEED = later("It is unknown whether these messages arrived. Look at the thread on the phone, then:")
_DECIDE = (
    (later("it is not there:"), "openclaw outbox resend NUMBER"),
    (later("it is there:"), "openclaw outbox drop NUMBER --arrived"),
    (later("give it up:"), "openclaw outbox drop NUMBER"),
)


@click.group()
def outbox() -> None:
    """See what has not been sent yet, and decide about unconfirmed messages.

    `openclaw sent` lists what has left.
    """


@outbox.command("list")
@click.option("--all", "everything", is_flag=True, help="Also the newest that will not be sent.")
@json_option
def list_messages(everything: bool, as_json: bool) -> None:
    """List messages that wait to be sent, and those that need a decision.

    \b
    Examples:
      openclaw outbox list
      openclaw outbox list --all
    """
    found = Client().call(Outbox(settled=everything))
    if as_json:
        messages = [{**_json(row), "paused": found.pause_of(row) is not None} for row in found.messages]
        print_json(running=found.running, messages=messages)
        return
    if not found.messages:
        echo_line(t("Nothing waits to be sent. What was sent: openclaw sent"))
        return
    echo_cards(
        [_card(row, state_words(row), waiting_lines(row, found.pause_of(row))) for row in found.messages]
    )
    if any(row.needs_decision for row in found.messages):
        click.echo()
        echo_wrapped(t(_NEED))
        echo_commands(_DECIDE)
    if not found.running and any(row.state is ChunkState.QUEUED for row in found.messages):
        echo_wrapped(t("The gateway is not running, and nothing is sent: openclaw gateway run"))


@click.command()
@click.argument("numbers", metavar="[NUMBER]...", nargs=-1, type=click.IntRange(min=1))
@click.option("--since", metavar="LENGTH", help="How far back, such as 30m, 2h or 7d (default: 1d).")
@click.option("-t", "--thread", default="", help="Only in this thread: user:ID, group:ID, an id or a name.")
@click.option("--limit", type=click.IntRange(1, MOST_SENT), help="Only so many of the newest.")
@click.option("--recall", "back", is_flag=True, help="Take these messages back, the newest first.")
@click.option("--yes", is_flag=True, help="Take back without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would be taken back, and do nothing.")
@channel_option()
@account_option("Only this account (default: all; with --thread the default account).")
@json_option
def sent(
    numbers: tuple[int, ...],
    since: str | None,
    thread: str,
    limit: int | None,
    back: bool,
    yes: bool,
    dry_run: bool,
    channel: str | None,
    account: str | None,
    as_json: bool,
) -> int | None:
    """List what left in the owner's name: replies, pairing codes, reactions, your own texts.

    The newest comes last. NUMBER chooses messages by their number.

    --recall takes them back for everybody, one after the other, the newest first: name NUMBERs, or say
    which with --since, --thread or --limit. It needs a running gateway. A pause does not hold it; pacing
    does. Zalo limits for how long a message can be taken back, and three failures in a row end the run.
    The same command goes on where one was stopped.

    \b
    Exit code of --recall:
      0  everything is taken back
      1  something was refused, or it is unknown what became of it
      2  something waits in the outbox, and the rest was not tried

    \b
    Examples:
      openclaw sent --since 2h
      openclaw sent --thread user:1471383327500481391
      openclaw sent --since 2h --recall --dry-run
      openclaw sent 41 42 --recall
    """
    if numbers and (since or thread or limit):
        raise CliError(t("NUMBERs say already which messages"), t("leave out --since, --thread and --limit"))
    if (yes or dry_run) and not back:
        raise CliError(t("--yes and --dry-run are about taking back"), t("add --recall"))
    if back and not (numbers or since or thread or limit):
        how = t("name NUMBERs, or say it with --since, such as 2h")
        raise CliError(t("no message to take back is named"), how)
    now, client = now_ms(), Client()
    since_ms = 0 if numbers else now - _length_ms(since or "1d")
    chosen = (channel, account, since_ms, thread, numbers, limit or 0)
    if back:
        from clawlane.cli.recall import recall
        from clawlane.ops.recall import FindRecallable

        return recall(client, FindRecallable(Sent(*chosen)), yes=yes, dry_run=dry_run, as_json=as_json)
    found = client.call(Sent(*chosen))
    if as_json:
        messages = [{"number": row.id, **_json(row)} for row in found.messages]
        print_json(since_ms=since_ms, messages=messages, more=found.more)
        return None
    if not found.messages:
        within = t("Nothing was sent within {length}.", length=since or "1d")
        echo_wrapped(t("Nothing was sent with that number.") if numbers else within)
        return None
    echo_cards([_card(row, fate(row), lines(row)) for row in found.messages])
    if found.more and not limit:
        newest = later("Only the newest {n} are shown; name a thread, or a shorter --since.")
        echo_wrapped(t(newest, n=MOST_SENT))
    return None


@outbox.command()
@click.argument("number", type=click.IntRange(min=1))
@json_option
def resend(number: int, as_json: bool) -> None:
    """Resend a message whose delivery is unknown.

    The rest of its reply follows.

    \b
    Example:
      openclaw outbox resend 12
    """
    decided = Client().call(Resend(number))
    print_result([resent_sentence(decided)], as_json, **asdict(decided), ruling="resend")


@outbox.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--arrived", is_flag=True, help="It did arrive: the rest of its reply is sent.")
@json_option
def drop(number: int, arrived: bool, as_json: bool) -> None:
    """Do not send a message, nor the rest of its reply.

    \b
    Example:
      openclaw outbox drop 12
    """
    decided = Client().call(Arrived(number) if arrived else Drop(number))
    done = arrived_sentence(decided) if arrived else dropped_sentence(decided)
    print_result([done], as_json, **asdict(decided), ruling="arrived" if arrived else "drop")


def _card(row: Listed, state: str, lines: tuple[str, ...]) -> Card:
    """`12  2026-03-02 09:15 (3 min ago) · arrived · zalouser/default`; then to whom, what, and why."""
    return Card(
        str(row.id), f"{when(row.sent_ms or row.created_ms, now_ms())} · {state} · {row.account}", lines
    )


def _state(row: Listed) -> str:
    return "needs_decision" if row.needs_decision else str(row.state)


def _json(row: Listed) -> dict[str, Any]:
    own = {"thread": str(row.thread), "state": _state(row), "needs_decision": row.needs_decision}
    return {**asdict(row), **own, "text": row.text, "taken_back": row.taken_back}


def _length_ms(written: str) -> int:
    try:
        found = duration(written)
    except ValueError as error:
        raise CliError(t("--since {problem}", problem=told(error))) from None
    return int(found.total_seconds() * 1000)
