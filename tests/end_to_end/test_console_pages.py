"""Pages of the console that ask and change: why."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.browsing import Browser, signed_in
from end_to_end.steps import asked, listening, person, say

CONSOLE = "console: { enabled: true, listen: '127.0.0.1:0' }"


@pytest.fixture
def config_text() -> str:
    channel = "dmPolicy: 'disabled', groupPolicy: 'open', historyLimit: 100, pacing: { enabled: false }"
    return f"{{ channels: {{ zalouser: {{ {channel} }} }}, {CONSOLE} }}"


@pytest.fixture
def browser(people: tuple[str, ...], linked: Operator, gateway: Gateway) -> Browser:
    """Signed in to the console of a lane that knows its people and groups."""
    assert people
    listening(gateway)
    gateway.said("the console listens on")
    return signed_in(linked)


@pytest.fixture
def people(zalo: Simulator) -> tuple[str, ...]:
    """Lê Hùng and Đặng Lan, who share a group, and the group of Lan alone."""
    hung, lan = person(zalo, "Lê Hùng"), person(zalo, "Đặng Lan")
    work = str(zalo.do("/group", name="Nhóm Đà Nẵng", members=[hung, lan])["gid"])
    return hung, lan, work, str(zalo.do("/group", name="Gia đình", members=[lan])["gid"])


def heads(html: str) -> list[str]:
    """The texts of the messages on a page."""
    return [unescape(one) for one in re.findall(r"says: ([^<]*)<", html)]


def test_a_search_finds_what_fits_and_nothing_else(
    browser: Browser, zalo: Simulator, linked: Operator, people: tuple[str, ...]
) -> None:
    hung, lan, work, home = people
    assert linked.run("directory", "groups", "list").returncode == 0  # so that their names are known
    for sender, text, group in (
        (hung, "một", work),
        (lan, "hai", work),
        (lan, "ba <script>alert(1)</script>", home),
        (hung, "bốn", ""),
    ):
        say(zalo, sender, text, **({"group": group} if group else {}))
    while len(asked(linked, "why")["messages"]) < 4:
        pass

    def pages(**wanted: str) -> list[str]:
        return heads(browser.get("/why?" + "&".join(f"{k}={quote(v)}" for k, v in wanted.items())).text)

    def told(*options: str) -> list[str]:
        return [one["text"] for one in asked(linked, "why", *options)["messages"]]

    first, second, third = "một", "hai", "ba <script>alert(1)</script>"
    assert pages() == [third, second, first]
    assert told() == [None, third, second, first]  # the text of what was dropped is not kept
    for name, value, fits in (
        ("person", "hung", [None, first]),
        ("person", hung, [None, first]),
        ("person", "Lân", []),
        ("group", "da nang", [second, first]),
        ("group", home, [third]),
        ("reason", "dm_disabled", [None]),
        ("reason", "requireMention", [third, second, first]),
        ("reason", "dm_rejected", []),
    ):
        assert told(f"--{name}", value) == fits, (name, value)
        assert pages(**{name: value}) == [one for one in fits if one], (name, value)
    assert told("--person", "lan", "--group", work, "--reason", "mention_required") == [second]
    assert told("--person", "lan", "--dropped") == []
    assert told("--since", "1h", "--until", "30m") == []
    assert told("--since", "1h", "--last", "1") == [None]
    refused = linked.run("why", "--reason", "mention_require")
    assert refused.returncode == 1
    assert "did you mean 'mention_required'?" in refused.stdout
    assert "did you mean 'mention_required'?" in unescape(browser.get("/why?reason=mention_require").text)
    assert "'gestern' is no time" in unescape(browser.get("/why?since=gestern").text)
    assert linked.run("why", "--until", "gestern").stdout.startswith("error: --until 'gestern' is no time")


@pytest.mark.long
def test_older_and_newer_pages_meet_without_a_gap(
    browser: Browser, zalo: Simulator, linked: Operator
) -> None:
    lan = person(zalo, "Đặng Lan")
    home = str(zalo.do("/group", name="Gia đình", members=[lan])["gid"])
    said = [f"câu {number}" for number in range(60)]
    for text in said:
        say(zalo, lan, text, group=home)
    while len(asked(linked, "why", "--last", "100")["messages"]) < len(said):
        pass

    def way(html: str, to: str) -> str:
        return unescape(re.findall(rf'href="([^"]*)" rel="{to}"', html)[0])

    first = browser.get("/why?person=lan").text
    assert 'rel="prev"' not in first
    second = browser.get(way(first, "next")).text
    third = browser.get(way(second, "next")).text
    assert heads(first) + heads(second) + heads(third) == said[::-1]
    assert 'rel="next"' not in third
    back = browser.get(way(third, "prev")).text
    assert heads(back) == heads(second)
    assert heads(browser.get(way(back, "prev")).text) == heads(first)
