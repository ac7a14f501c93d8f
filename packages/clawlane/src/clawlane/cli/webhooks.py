"""`webhooks`: how far each is, trying them out, and what waits for one that fails."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.options import json_option
from clawlane.cli.output import Card, echo_cards, echo_line, echo_wrapped, print_json, print_result
from clawlane.clock import length, now_ms
from clawlane.ops.client import Client
from clawlane.ops.webhooks import (
    MOST_COUNTED,
    DropEvents,
    ListWebhooks,
    RetryWebhooks,
    TestWebhooks,
    WebhookStanding,
)
from clawlane.texts import t, tn
from clawlane.words.strangers import sanitize
from clawlane.words.times import when

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
    echo_cards([_card(one) for one in found])
    if any(one.tries for one in found):
        click.echo()
        echo_line(t("Try again at once: openclaw webhooks retry"))
        echo_line(t("Give an event up: openclaw webhooks drop NUMBER"))


def _card(one: WebhookStanding) -> Card:
    told = t("with names and texts") if one.content else t("without names and texts")
    lines = [f"{', '.join(one.events)} · {told}"]
    if one.tries:
        lines.append(sanitize(one.error, 200))
    if one.given_up:
        lines.append(tn("{n} event was given up", "{n} events were given up", one.given_up))
    return Card(str(one.number), f"{sanitize(one.host)} · {_state(one)}", tuple(lines))


def _state(one: WebhookStanding) -> str:
    now = now_ms()
    if not one.begun:
        return t("told from the next start of the gateway on")
    more = "+" if one.waiting == MOST_COUNTED else ""
    waits = tn("{n} event waits", "{n} events wait", one.waiting, n=f"{one.waiting}{more}")
    if one.tries:
        tries = tn("1 try", "{n} tries", one.tries)
        since = t("fails since {time} ({tries})", time=when(one.failing_ms or now, now), tries=tries)
        wait = length(max(0, (one.due_ms or now) - now))
        return f"{since} · {waits} · {t('next try in {wait}', wait=wait)}"
    if one.waiting:
        return waits
    if one.taken_ms is None:
        return t("nothing told yet")
    return t("last told {time}", time=when(one.taken_ms, now))


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
            took = sanitize(one.error, 300) or t("took it")
            echo_wrapped(f"{one.number} · {sanitize(one.host)}: {took}")
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
    told = tn("{n} webhook is tried again.", "{n} webhooks are tried again.", found.count)
    if not found.count:
        told = t("No webhook fails.")
    elif not found.running:
        told = t("{told} The gateway is not running; this happens once it runs.", told=told)
    print_result([told], as_json, **asdict(found))


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
    told = tn(
        "{host} is not told of {n} event.", "{host} is not told of {n} events.", found.count, host=found.host
    )
    print_result([told], as_json, **asdict(found))
