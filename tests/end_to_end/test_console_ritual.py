"""The ritual in the console, over the wire: watched by all, with questions as forms, and its ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from demo.stage import Gateway, Operator, Simulator, running
from end_to_end.browsing import Browser, Live, signed_in
from end_to_end.steps import listening, person, say

PAGE = "/ritual/zalouser/default"
DEFAULT = "zalouser/default"


@pytest.fixture
def config_text() -> str:
    return (
        "{ channels: { zalouser: { dmPolicy: 'pairing', groupPolicy: 'disabled',"
        " pacing: { enabled: false } } }, console: { enabled: true, listen: '127.0.0.1:0' } }"
    )


@pytest.fixture
def browser(linked: Operator, gateway: Gateway) -> Browser:
    """At the console of a lane that is up."""
    listening(gateway)
    gateway.said("the console listens on")
    return signed_in(linked)


@pytest.fixture
def live(browser: Browser) -> Iterator[Live]:
    """The live part of that browser's page."""
    watching = Live(browser, f"{PAGE}/events")
    yield watching
    watching.close()


def begin(browser: Browser, *steps: str) -> None:
    body = "&".join([f"account={DEFAULT.replace('/', '%2F')}", *(f"step={one}" for one in steps)])
    answer = browser.ask("POST", "/ritual/begin", body.encode(), browser.own)
    assert answer.headers["Location"] == PAGE


def answer(browser: Browser, live: Live, yes_or_no: str) -> None:
    """Answer the question that waits."""
    number = re.search(r'name="question" value="(\d+)"', live.until('action="/ritual/answer"'))
    assert number
    answered = browser.post("/ritual/answer", account=DEFAULT, question=number[1], answer=yes_or_no)
    assert answered.status == 200


def reports(operator: Operator) -> list[dict[str, object]]:
    return list(json.loads(operator.run("verify", "--report", "--last", "9", "--json").stdout)["reports"])


@pytest.mark.long
def test_a_person_is_led_through_the_steps_and_asked_in_forms(
    browser: Browser, live: Live, zalo: Simulator, linked: Operator
) -> None:
    assert "The lane was never verified" in browser.get("/ritual").text
    page = browser.get(PAGE).text
    assert "experimental, unofficial" in page
    assert "left out: this console is a part of the gateway" in page
    begin(browser, "probe", "stranger", "pairing", "approved", "restart", "reconnect")
    live.until("write any text to Nguyễn Minh Anh")
    other = signed_in(linked)
    assert "write any text to Nguyễn Minh Anh" in other.get(PAGE).text, "two see the same"
    begin(other, "acks")
    lan = person(zalo, "Lan", friend=False)
    say(zalo, lan, "xin chào")
    assert "Approve Lan (" in live.until('action="/ritual/answer"')
    assert browser.post("/ritual/answer", account=DEFAULT, question="99", answer="yes").status == 409
    answer(browser, live, "yes")
    live.until("Lan (")
    assert "Close the account" in live.until("It reconnects automatically")
    assert "would end with it" in live.html, "a gateway is not restarted from a page of its own"
    assert "openclaw verify --channel zalouser --step restart" in live.html
    answer(browser, live, "no")
    html = live.until("What ran has passed; not every step did")
    assert "3 skipped" not in html
    assert "xin chào" not in html
    [report] = reports(linked)
    states = {one["name"]: one["state"] for one in report["steps"]}
    assert states == {
        "probe": "passed",
        "stranger": "passed",
        "pairing": "passed",
        "approved": "passed",
        "restart": "skipped",
        "reconnect": "skipped",
    }
    entries = json.loads(linked.run("audit", "show", "--last", "100", "--json").stdout)["entries"]
    assert [one["who"] for one in entries if one["kind"] == "approval"] == ["console"], entries
    assert "What ran has passed" in browser.get("/ritual").text

    begin(browser, "stranger")
    live.until("write any text to Nguyễn Minh Anh")
    say(zalo, lan, "em đây")
    live.until("the message was admitted")
    assert "the message was admitted" in browser.get(PAGE).text, "what is no stranger is named, too"


def test_a_ritual_is_stopped_and_keeps_what_was_proven(
    browser: Browser, live: Live, linked: Operator, gateway: Gateway
) -> None:
    begin(browser, "probe", "stranger")
    live.until("write any text to")
    browser.post("/ritual/stop", account=DEFAULT)
    live.until("Stopped; what was proven until then is kept")
    [report] = reports(linked)
    assert (report["stopped"], [one["name"] for one in report["steps"]]) == (True, ["probe"])

    begin(browser, "stranger")
    live.until("write any text to")
    gateway.stop()  # it does not wait for a person
    assert len(reports(linked)) == 1, "and nothing was proven"


@pytest.mark.long
def test_a_console_of_its_own_restarts_the_gateway_as_the_command_does(
    linked: Operator, gateway: Gateway
) -> None:
    command = linked.command("console", "--listen", "127.0.0.1:0")
    with running(command, linked.env) as process:
        assert process.stdout is not None
        link = urlsplit(next(line for line in process.stdout if "link=" in line).split()[-1])
        browser = Browser(f"{link.scheme}://{link.netloc}")
        browser.post("/sign-in", link=link.query.removeprefix("link="))
        live = Live(browser, f"{PAGE}/events")
        begin(browser)
        assert "What helps: openclaw gateway run" in live.until("the gateway is not running")
        listening(gateway)
        begin(browser, "probe", "restart", "reconnect")
        assert "Restart the gateway?" in live.until('action="/ritual/answer"')
        answer(browser, live, "yes")
        live.until("Close the account")
        answer(browser, live, "yes")
        live.until("What ran has passed")
        live.close()
    assert {one["state"] for one in reports(linked)[0]["steps"]} == {"passed"}
