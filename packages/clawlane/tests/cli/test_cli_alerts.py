"""`alerts`: what waits, what could not be delivered, and deciding about it; on a screen of 80 columns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from clawlane.clock import now_ms
from clawlane.store import alerts, deliveries
from clawlane.store.alerts import AlertKind
from clawlane.store.database import open_store

WEBHOOK = "webhook: { url: 'https://example.net/hook', secret: '${HOOK}' }"
HOOK = f"alerts: {{ {WEBHOOK}, quiet: {{ from: '22:00', to: '07:00' }} }}"


@pytest.fixture
def desk(perch: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One alert waits, one delivery is tried again."""

    async def fill() -> None:
        async with (
            open_store(perch.paths.store, perch.paths.lock_file, now_ms) as opened,
            opened.own("parrot/default") as account_store,
        ):
            await account_store.run(alerts.note, AlertKind.ALARM, "kicked")
            await account_store.run(alerts.dispatch, ["alerts.webhook"], quiet=False)
            [left] = (await account_store.run(alerts.dispatch, ["alerts.webhook"], quiet=False)).deliveries
            await account_store.run(deliveries.failed, left.id, "example.net answered 500")
            await account_store.run(
                alerts.note, AlertKind.PAIRING_REQUEST, "77", code="ABCD2345", friend=True
            )

    asyncio.run(fill())
    perch.configure(f"{{ {HOOK} }}")
    monkeypatch.setenv("COLUMNS", "80")
    return perch


def test_what_waits_and_what_failed_are_told(desk: Any) -> None:
    told = desk.shown("alerts list")
    assert "parrot/default: alerts go to webhook; from 22:00–07:00 only alarms" in told
    assert "77 asks to write to parrot/default (a friend)" in told
    assert "openclaw pairing approve parrot ABCD2345" in told
    assert "example.net answered 500" in told
    assert "is tried again · 1 try" in told
    [listed] = desk("alerts list --json").json
    [one] = listed["accounts"].values()
    assert (one["targets"], one["undelivered"][0]["tries"]) == (["alerts.webhook"], 1)


def test_a_broken_target_is_a_problem_of_the_account(desk: Any) -> None:
    told = desk("channels status --json").json[0]["channels"]["parrot"]["accounts"]["parrot/default"]
    [problem] = [one for one in told["problems"] if one["code"] == "alerts"]
    assert problem["text"] == "alerts do not reach you (alerts.webhook: example.net answered 500)"
    assert problem["command"] == "openclaw alerts list"


def test_a_delivery_is_retried_and_dropped_by_its_id(desk: Any) -> None:
    [listed] = desk("alerts list --json").json
    [delivery] = listed["accounts"]["parrot/default"]["undelivered"]
    told = desk.shown(f"alerts retry {delivery['id']}")
    assert told.startswith("1 delivery is tried again. The gateway is not running;")
    assert desk.shown("alerts drop") == "No deliveries are dropped.\n"
    assert desk.shown(f"alerts drop {delivery['id']}") == "1 delivery is dropped.\n"
    refused = desk("alerts drop msg_unknown")
    assert refused.code == 1
    assert "parrot/default has no delivery 'msg_unknown'; see: openclaw alerts list" in refused.err


def test_a_test_needs_a_target_and_a_gateway(desk: Any) -> None:
    assert "the gateway is not running, and it is what tells" in desk("alerts test").err
    desk.configure("{}")
    told = desk("alerts test")
    assert (told.code, "the config names nobody to tell of alerts" in told.err) == (1, True)
    assert desk.shown(told.err.strip().rpartition(": openclaw ")[2])
    assert "parrot/default: nobody is told of alerts" in desk.shown("alerts list")


@pytest.mark.parametrize(
    ("block", "error"),
    [
        ("{ webhook: { url: 'http://example.net', secret: 'x' } }", "must begin with https://"),
        ("{ webhook: { url: 'https://a:b@example.net', secret: 'x' } }", "must not hold a password"),
        ("{ webhook: { url: 'nowhere', secret: 'x' } }", "must be a URL such as 'https://host/hook'"),
        ("{ command: 'notify-send' }", "must be a list"),
        ("{ command: [] }", "alerts.command"),
        ("{ thread: { account: 'default', to: 'user:1' } }", "cannot leave through 'default' itself"),
        ("{ thread: { account: 'other', to: 'user:1' } }", "there is no account 'other'"),
        ("{ thread: { account: 'other', to: 'Lan' } }", "must be 'user:ID' or 'group:ID'"),
        ("{ quiet: { from: '25:00', to: '07:00' } }", "must be a time of day such as '22:00'"),
        ("{ quiet: { from: '07:00', to: '07:00' } }", "are the same time"),
        ("{ mail: 'x' }", "unknown key"),
    ],
)
def test_a_wrong_setting_is_one_line(perch: Any, block: str, error: str) -> None:
    perch.configure(f"{{ alerts: {block} }}")
    told = perch("config validate")
    assert told.code == 1
    assert error in told.err + told.out


def test_an_account_that_inherits_its_own_thread_is_told_how_to_mend_it(perch: Any) -> None:
    thread = "alerts: { thread: { account: 'b', to: 'user:1' } }"
    perch.configure(f"{{ {thread}, accounts: {{ a: {{}}, b: {{}} }} }}")
    told = perch("config validate")
    assert "the alerts of 'b' cannot leave through 'b' itself" in told.err + told.out
    perch.configure(f"{{ {thread}, accounts: {{ a: {{}}, b: {{ alerts: {{}} }} }} }}")
    assert perch("config validate").code == 0
    perch.configure(f"{{ {thread}, accounts: {{ a: {{}}, b: {{ alerts: {{}}, enabled: false }} }} }}")
    told = perch("config validate")
    assert "the account 'b' is disabled" in told.err + told.out


def test_a_secret_in_the_file_is_a_warning(perch: Any) -> None:
    perch.configure("{ alerts: { webhook: { url: 'https://example.net', secret: 'abcdefghijklmnopqrst' } } }")
    told = perch("config validate")
    assert "alerts.webhook.secret" in told.out + told.err
    assert "abcdefghij" not in told.out + told.err + perch("config get channels.parrot").out
