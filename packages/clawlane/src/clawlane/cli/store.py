"""`store`: go back to the store from before an upgrade, or start over without one; the rest of the group."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, echo_wrapped, print_json, print_result
from clawlane.cli.prompt_answers import confirm
from clawlane.cli.store_moving import COMMANDS
from clawlane.clock import now_ms
from clawlane.ops.client import Client
from clawlane.ops.store import BackInPlace, GetHoldings, ListCopies, Reset, Rollback, StoreCopy
from clawlane.store.sqlite.marker import FORGOTTEN
from clawlane.texts import later, t, tn
from clawlane.words.times import local, size_words, when

_HOLDINGS = later(
    "this would forget: {approved} senders approved by pairing, {rejected} rejected senders, {requests}"
    " pending pairing requests, {messages} messages, and whether they were answered, {unsent} messages that"
    " have not left, or may not have arrived, pauses, pinned names"
)
_REMOVE_IT = later("remove it when you do not need it: it holds people's messages.")


@click.group()
def store() -> None:
    """Show where the store is, move it, copy it, undo an upgrade, or start over."""


for _command in COMMANDS:
    store.add_command(_command)


@store.command()
@click.option("--list", "only_list", is_flag=True, help="Only list the copies that are kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def rollback(only_list: bool, yes: bool, as_json: bool) -> None:
    """Put the store from before the last upgrade back.

    A new version copies the store before it changes the tables, and keeps the copy for 14 days. What was
    stored since stays in the newer store, which is moved aside: messages that were answered since count as
    too old, and what had not left waits for your decision. Every account is paused.

    \b
    Examples:
      openclaw store rollback --list
      openclaw gateway stop && openclaw store rollback
    """
    client = Client()
    found = client.run_here(ListCopies())
    if only_list:
        lines = [_copy_line(one) for one in found] or [t("No copy is kept.")]
        print_result(lines, as_json, copies=found)
        return
    if found and not yes:
        if as_json or not sys.stdin.isatty():
            raise CliError(t("nobody can be asked whether to go back"), t("say so with --yes"))
        echo_wrapped(_copy_line(found[0]))
        if not confirm(t("Put it back, and move the present store aside?"), default=False):
            raise CliError(t("nothing was changed"))
    done = client.run_here(Rollback())
    if as_json:
        print_json(copy=done.copy, newer=done.newer, undecided=done.undecided)
        return
    for line in _rolled_back(done):
        echo_wrapped(line, hanging="  ")


def _copy_line(one: StoreCopy) -> str:
    return t(
        "schema {schema}, made {time}, {size}, kept until {day}",
        schema=one.migration,
        time=when(one.made_ms, now_ms()),
        size=size_words(one.size),
        day=local(one.until_ms)[:10],
    )


def _rolled_back(done: BackInPlace) -> Iterator[str]:
    made, schema = when(done.copy.made_ms, now_ms()), done.copy.migration
    yield t("The store is as it was at {time}, with schema {schema}.", time=made, schema=schema)
    if done.newer:
        yield t("The newer one is {path}; {then}", path=done.newer, then=_REMOVE_IT)
    yield t("Start it with the version that wrote it: this one would upgrade it again.")
    yield t("Every account is paused; go on with: openclaw resume")
    if done.undecided:
        yield tn(
            "1 message may have left since; decide: openclaw outbox list",
            "{n} messages may have left since; decide: openclaw outbox list",
            done.undecided,
        )


@store.command()
@click.option("--forget", is_flag=True, help="Forget it. Without this, only say what would be forgotten.")
@json_option
def reset(forget: bool, as_json: bool) -> None:
    """Move the store aside, so that the gateway starts with an empty one.

    Logins and the config stay. A pause ends with the store that holds it.

    \b
    Examples:
      openclaw store reset
      openclaw store reset --forget
    """
    client = Client()
    if not forget:
        told = t("this would forget: {what}", what=FORGOTTEN)
        if (found := client.run_here(GetHoldings())) and found.messages is not None:
            told = t(_HOLDINGS, **asdict(found))
        raise CliError(told, "openclaw store reset --forget")
    done = client.run_here(Reset())
    if as_json:
        print_json(moved_to=done.moved_to, forgotten=done.forgotten)
        return
    if done.moved_to is not None:
        echo_line(t("The store is now {path}; {then}", path=done.moved_to, then=_REMOVE_IT))
    click.echo(t("The next start of the gateway makes an empty store."))
