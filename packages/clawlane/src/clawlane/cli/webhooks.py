"""`webhooks`: how far each is, trying them out, and what waits for one that fails."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.options import json_option
from clawlane.cli.output import Card, echo_cards, echo_line, echo_wrapped, print_json, print_result
from clawlane.clock import now_ms
from clawlane.ops.client import Client
from clawlane.ops.webhooks import DropEvents, ListWebhooks, RetryWebhooks, TestWebhooks
from clawlane.texts import t
from clawlane.words.webhooks import dropped_sentence, head, lines, retried_sentence, tested_sentence

_number = click.argument("number", type=click.IntRange(1), required=False)


@click.group()
def webhooks() -> None:
    """See how far webhooks are, and try them out.

    They are told what happens, as `webhooks` in the config says.
    """


@webhooks.command("list")
@json_option
def list_webhooks(as_json: bool) -> None:
    """List the webhooks: what waits for each, and why one fails.

    \b
    Example:
      openclaw webhooks list
    """
    found = Client().call(ListWebhooks())
    if as_json:
        print_json(webhooks=[asdict(one) for one in found])
        return
    if not found:
        echo_line(t("The config has no webhooks."))
        return
    now = now_ms()
    echo_cards([Card(str(one.number), head(one, now), tuple(lines(one, now))) for one in found])
    if any(one.tries for one in found):
        click.echo()
        echo_line(t("Try again at once: openclaw webhooks retry"))
        echo_line(t("Give an event up: openclaw webhooks drop NUMBER"))


@webhooks.command("test")
@_number
@json_option
@click.pass_context
def test_webhooks(ctx: click.Context, number: int | None, as_json: bool) -> None:
    """Send a test to each webhook, or to one, and say what it did with it.

    Ends with 1 if one of them did not take it.

    \b
    Example:
      openclaw webhooks test
    """
    found = Client().call(TestWebhooks(number))
    ok = not any(one.error for one in found)
    if as_json:
        print_json(ok=ok, webhooks=[asdict(one) for one in found])
    else:
        for one in found:
            echo_wrapped(tested_sentence(one))
    if not ok:
        ctx.exit(1)


@webhooks.command()
@_number
@json_option
def retry(number: int | None, as_json: bool) -> None:
    """Try webhooks that fail again at once, or one of them.

    \b
    Example:
      openclaw webhooks retry
    """
    found = Client().call(RetryWebhooks(number))
    print_result([retried_sentence(found)], as_json, **asdict(found))


@webhooks.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--all", "every", is_flag=True, help="All events that wait for it.")
@json_option
def drop(number: int, every: bool, as_json: bool) -> None:
    """Do not tell a webhook that fails of the event that it refuses.

    It is told how many events it missed, with the next one that it takes.

    \b
    Examples:
      openclaw webhooks drop 1
      openclaw webhooks drop 1 --all
    """
    found = Client().call(DropEvents(number, every))
    print_result([dropped_sentence(found)], as_json, **asdict(found))
