"""`alerts`: what the owner is told, what could not be delivered, and trying the targets out."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.options import account_option, channel_option, json_option, one_account
from clawlane.cli.output import Card, echo_cards, echo_line, echo_wrapped, print_json, print_result
from clawlane.clock import now_ms
from clawlane.ops.alerts import (
    AccountAlerts,
    DropDelivery,
    ListAlerts,
    Redelivered,
    RetryDelivery,
    TestAlerts,
    Undelivered,
    WaitingAlert,
)
from clawlane.ops.client import Client
from clawlane.texts import later, t, tn
from clawlane.words.strangers import sanitize
from clawlane.words.times import when

_RETRIED = (later("{n} delivery is tried again."), later("{n} deliveries are tried again."))
_DROPPED = (later("{n} delivery is dropped."), later("{n} deliveries are dropped."))


@click.group()
def alerts() -> None:
    """See what the owner is told, and try out how.

    Where they go is written in the config: `alerts` of a channel or an account.
    """


@alerts.command("list")
@channel_option()
@account_option()
@json_option
def list_alerts(channel: str | None, account: str | None, as_json: bool) -> None:
    """List alerts that wait, and those that could not be delivered.

    \b
    Example:
      openclaw alerts list
    """
    found = Client().call(ListAlerts(channel, account))
    if as_json:
        print_json(accounts={one.account: {**asdict(one), "account": one.account} for one in found})
        return
    for one in found:
        _tell(one)
    if any(left.tries for one in found for left in one.undelivered):
        click.echo()
        echo_line(t("Try again at once: openclaw alerts retry · give up: openclaw alerts drop ID"))


def _tell(one: AccountAlerts) -> None:
    where = ", ".join(target.partition(".")[2] for target in one.targets)
    if not where:
        told = t("{account}: nobody is told of alerts", account=one.account)
    elif one.quiet:
        only = later("{account}: alerts go to {targets}; from {hours} only alarms")
        told = t(only, account=one.account, targets=where, hours=one.quiet)
    else:
        told = t("{account}: alerts go to {targets}", account=one.account, targets=where)
    echo_wrapped(told)
    echo_cards([*map(_waiting, one.waiting), *map(_undelivered, one.undelivered)])
    if where and not one.waiting and not one.undelivered:
        echo_line(t("  Nothing waits."))


def _waiting(one: WaitingAlert) -> Card:
    since = t("waits since {time}", time=when(one.first_ms, now_ms()))
    return Card(one.kind, since, (sanitize(one.text, 200), one.command))


def _undelivered(one: Undelivered) -> Card:
    state = t("set aside") if one.dead else t("is tried again") if one.tries else t("on its way")
    tries = tn("1 try", "{n} tries", one.tries)
    since = t("from {time}", time=when(one.created_ms, now_ms()))
    head = f"{one.target} · {state} · {tries} · {since}"
    return Card(one.id, head, tuple(filter(None, (sanitize(one.error, 200),))))


@alerts.command("test")
@one_account
@json_option
@click.pass_context
def test_targets(ctx: click.Context, channel: str | None, account: str | None, as_json: bool) -> None:
    """Send a test to each target, and say what it did with it.

    Ends with 1 if one of them did not take it.

    \b
    Example:
      openclaw alerts test
    """
    found = Client().call(TestAlerts(channel, account))
    ok = not any(one.error for one in found.targets)
    if as_json:
        print_json(ok=ok, account=found.account, targets=[asdict(one) for one in found.targets])
    else:
        for one in found.targets:
            echo_wrapped(f"{one.target}: {sanitize(t(one.error), 300) or t('took it')}")
    if not ok:
        ctx.exit(1)


@alerts.command()
@click.argument("id", required=False, default="")
@one_account
@json_option
def retry(id: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Try a delivery again at once, or without an ID all that failed.

    \b
    Example:
      openclaw alerts retry
    """
    _told(Client().call(RetryDelivery(channel, account, id)), _RETRIED, as_json, waits=True)


@alerts.command()
@click.argument("id", required=False, default="")
@one_account
@json_option
def drop(id: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a delivery up, or without an ID all that were set aside.

    \b
    Example:
      openclaw alerts drop
    """
    _told(Client().call(DropDelivery(channel, account, id)), _DROPPED, as_json)


def _told(found: Redelivered, what: tuple[str, str], as_json: bool, *, waits: bool = False) -> None:
    one, many = what
    told = t(one if found.count == 1 else many, n=found.count or t("No"))
    if waits and found.count and not found.running:
        told = t("{told} The gateway is not running; this happens once it runs.", told=told)
    print_result([told], as_json, **asdict(found))
