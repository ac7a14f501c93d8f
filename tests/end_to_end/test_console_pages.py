"""Pages of the console that ask and change: why."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from demo.model_server import ModelServer, Says
from demo.stage import Gateway, Operator, Simulator
from end_to_end.browsing import Browser, signed_in
from end_to_end.steps import answers, asked, listening, person, say

LANE = "zalouser/default"
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


def test_pacing_says_what_is_used_of_what_and_which_line_says_so(
    linked: Operator,
    zalo: Simulator,
    gateway: Gateway,
    state: Path,
    model: ModelServer,
    people: tuple[str, ...],
) -> None:
    hung, lan, *_ = people
    (state / "config.json5").write_text(
        f"""{{
          channels: {{ zalouser: {{
            dmPolicy: 'allowlist', allowFrom: ['{hung}', '{lan}'], groupPolicy: 'disabled',
            pacing: {{
              account: {{ minute: 3 }}, gap: '0s', gapJitter: '0s', warmUp: true,
            }} }} }},
          agents: {{ defaults: {{
            brain: {{ kind: 'endpoint', url: '{model.url}', price: {{ input: 1, output: 1 }} }},
            budget: {{ tokensPerDay: 100, usdPerDay: 1, perSender: 1 }},
          }} }},
          {CONSOLE},
        }}"""
    )
    listening(gateway)
    gateway.said("the console listens on")
    browser = signed_in(linked)
    model.script = lambda _: Says("vâng")
    for sender in (lan, lan, hung):
        say(zalo, sender, "chào")
        assert answers(zalo, 1) == ["vâng"]
    say(zalo, hung, "nữa")
    while not (found := asked(linked, "pacing"))["accounts"][LANE]["held"]:
        pass
    account, [agent] = found["accounts"][LANE], found["agents"]
    told = {one["key"]: one for one in account["settings"]}
    minute = told["pacing.account.minute"]
    assert (minute["used"], minute["limit"], minute["line"], minute["origin"]) == (3, 3, 5, "channel")
    assert minute["until_ms"] == account["held"][0]["until_ms"]
    assert (told["pacing.thread.minute"]["used"], told["pacing.thread.minute"]["of"]) == (2, f"dm:{lan}")
    assert told["pacing.gap"]["limit"] == "0s"
    assert told["pacing.account.hour"]["origin"] == "built-in"
    assert account["warm_up"]["day"] == 1
    assert account["warm_up"]["windows"][0] == {"window": "minute", "limit": 3, "used": 3} | {
        "until_ms": minute["until_ms"]
    }
    spent = {one["key"]: one for one in agent["settings"]}
    assert (spent["budget.tokensPerDay"]["used"], spent["budget.tokensPerDay"]["line"]) == (60, 9)
    assert spent["budget.usdPerDay"]["used"] == 0.00006
    assert (spent["budget.perSender"]["used"], spent["budget.perSender"]["of"]) == (0.3, hung)
    shown = unescape(browser.get("/pacing").text)
    printed = linked.run("pacing").stdout
    assert "channels.zalouser.pacing.account.minute, line 5" in shown
    assert re.search(
        r"^pacing.account.minute +3 of 3 messages sent in the last minute; more at .* line 5$", printed, re.M
    )
    for page in (shown, printed):
        assert "3 of 3 messages sent in the last minute; more at " in page
        assert "60 of 100 tokens used today" in page
        assert f"one person may use up to 100% of the day's budget; {hung} has used the most, 30%" in page
        assert f"held: dm:{hung}: 1 · " in page
        assert "warm-up: day 1 of 7, by pacing.warmUp" in page
    assert asked(linked, "pacing", "--account", "default")["accounts"] == {LANE: account}
