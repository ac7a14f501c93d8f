"""`store`: go back to the store from before an upgrade, or start over without one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, echo_wrapped, local, print_json, print_result, size_words, when
from clawlane.clock import now_ms
from clawlane.ops.client import Client
from clawlane.ops.store import BackInPlace, GetHoldings, ListCopies, Reset, Rollback, StoreCopy
from clawlane.store.marker import FORGOTTEN

_WORDS = {
    "approved": "senders approved by pairing",
    "rejected": "rejected senders",
    "requests": "pending pairing requests",
    "messages": "messages, and whether they were answered",
    "unsent": "messages that have not left, or may not have arrived",
}


@click.group()
def store() -> None:
    """Go back to the store from before an upgrade, or start over."""


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
        lines = [_copy_line(one) for one in found] or ["No copy is kept."]
        print_result(lines, as_json, copies=found)
        return
    if found and not yes:
        if as_json or not sys.stdin.isatty():
            raise CliError("nobody can be asked whether to go back", "say so with --yes")
        echo_wrapped(_copy_line(found[0]))
        if not click.confirm("Put it back, and move the present store aside?", default=False):
            raise CliError("nothing was changed")
    done = client.run_here(Rollback())
    if as_json:
        print_json(copy=done.copy, newer=done.newer, undecided=done.undecided)
        return
    for line in _rolled_back(done):
        echo_wrapped(line, hanging="  ")


def _copy_line(one: StoreCopy) -> str:
    made = when(one.made_ms, now_ms())
    return (
        f"schema {one.migration}, made {made}, {size_words(one.size)}, kept until {local(one.until_ms)[:10]}"
    )


def _rolled_back(done: BackInPlace) -> Iterator[str]:
    yield f"The store is as it was at {when(done.copy.made_ms, now_ms())}, with schema {done.copy.migration}."
    if done.newer:
        yield f"The newer one is {done.newer}; remove it when you do not need it: it holds people's messages."
    yield "Start it with the version that wrote it: this one would upgrade it again."
    yield "Every account is paused; go on with: openclaw resume"
    if done.undecided:
        yield f"{done.undecided} message(s) may have left since; decide: openclaw outbox list"


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
        told = FORGOTTEN
        if (found := client.run_here(GetHoldings())) and found.messages is not None:
            numbers = asdict(found)
            counts = [f"{numbers[key]} {words}" for key, words in _WORDS.items()]
            told = ", ".join([*counts, "pauses", "pinned names"])
        raise CliError(f"this would forget: {told}", "openclaw store reset --forget")
    done = client.run_here(Reset())
    if as_json:
        print_json(moved_to=done.moved_to, forgotten=done.forgotten)
        return
    if done.moved_to is not None:
        told = "remove it when you do not need it: it holds people's messages."
        echo_line(f"The store is now {done.moved_to}; {told}")
    click.echo("The next start of the gateway makes an empty store.")
