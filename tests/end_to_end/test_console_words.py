"""What the console says to its operator: who asked, what leads where, and that nothing stays English."""

from __future__ import annotations

import json
import re
import stat
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from clawlane.console.menu import BRAKE, PAGES
from demo.stage import Gateway, Operator, Simulator
from end_to_end.browsing import Browser, signed_in
from end_to_end.receiver import receiving, status_of
from end_to_end.steps import asked, listening, person, say
from english import english

BOT = "Nguyễn Minh Anh"
SECRET = "a secret that is long enough"


def told(browser: Browser, path: str) -> str:
    """What a page says, without what is quoted, commands and keys."""
    html = browser.get(path).text
    main = html[html.index("<main") : html.index("</main>")]
    bare = re.sub(r"<(code|pre|select|datalist)\b.*?</\1>", " ", main, flags=re.DOTALL)
    return unescape(re.sub(r"<br>|</(p|li|td|th|dd|dt|h\d|label|header)>", "\n", bare).replace("<", "\0<"))


def lines_of(text: str) -> list[str]:
    plain = (re.sub(r"\0?<[^>]*>", "", line).strip() for line in text.splitlines())
    return [line for line in plain if line]


@pytest.mark.long
def test_a_busy_lane_is_told_in_plain_words_and_in_vietnamese(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path
) -> None:
    hung, lan = person(zalo, "Lê Hùng"), person(zalo, "Đặng Lan")
    group = str(zalo.do("/group", name="Nhóm Đà Nẵng", members=[hung, lan])["gid"])
    with receiving() as receiver:
        for _ in range(20):
            receiver.answers.put(status_of(503))
        channel = {
            "dmPolicy": "pairing",
            "allowFrom": [hung],
            "groupPolicy": "open",
            "groups": {group: {"outbound": "approve"}},
            "pacing": {"warmUp": True, "gap": "0s", "gapJitter": "0s"},
        }
        hook = {"url": receiver.url, "secret": "${HOOK_SECRET}"}
        console = {"enabled": True, "listen": "127.0.0.1:0"}
        (state / "config.json5").write_text(
            json.dumps({"channels": {"zalouser": channel}, "webhooks": [hook], "console": console})
        )
        linked.env["HOOK_SECRET"] = SECRET
        listening(gateway)
        gateway.said("the console listens on")
        browser = signed_in(linked)
        assert linked.run("directory", "groups", "list").returncode == 0  # so that their names are known
        say(zalo, lan, "mai họp lúc chín giờ", group=group)
        say(zalo, hung, f"@{BOT} nhắc giúp openclaw pause", group=group, mentions=[BOT])
        say(zalo, person(zalo, "Người lạ", friend=False), "xin chào")
        for number in range(6):
            say(zalo, hung, f"câu {number}")
            if number < 3:
                zalo.wait("sent", lambda one, end=f"câu {number}": one["text"].endswith(end))
        while not asked(linked, "pacing")["accounts"]["zalouser/default"]["held"]:
            pass
        while not asked(linked, "drafts", "list")["drafts"]:
            pass
        while not asked(linked, "webhooks", "list")["webhooks"][0]["tries"]:
            pass
        _who_asked(browser, linked, hung, lan, group)
        _webhooks(browser)
        _in_vietnamese(browser, linked)


def _who_asked(browser: Browser, operator: Operator, hung: str, lan: str, group: str) -> None:
    [draft] = asked(operator, "drafts", "list")["drafts"]
    where = f"Nhóm Đà Nẵng (group:{group})"
    wrote = f"Lê Hùng ({hung}) in {where} wrote:"
    before = f"before it, Đặng Lan ({lan}) wrote: mai họp lúc chín giờ"
    shown = operator.run("drafts", "show", str(draft["number"])).stdout
    page = unescape(browser.get(f"/drafts/{draft['number']}").text)
    for text in (shown, page):
        assert before in text
        assert wrote in text
        assert "nhắc giúp openclaw pause" in text, "what somebody wrote is no link"
    line = f"{wrote} @{BOT} nhắc giúp openclaw pause"
    assert line in operator.run("drafts", "list").stdout
    assert line in unescape(browser.get("/drafts").text)
    now = unescape(browser.get("/").text)
    assert f"says: @{BOT} nhắc giúp openclaw pause" in now
    assert 'see: <a href="/drafts">Drafts</a> <code>openclaw drafts list</code>' in now
    assert '<a href="/webhooks">Webhooks</a> <code>openclaw webhooks list</code>' in now


def _webhooks(browser: Browser) -> None:
    page = browser.get("/webhooks").text
    assert "fails since" in page
    assert SECRET not in page
    [failed] = browser.post("/webhooks/test", number="1").said
    assert failed.startswith("1 · 127.0.0.1")
    assert browser.post("/webhooks/retry", number="1").said == ["1 webhook is tried again."]
    [dropped] = browser.post("/webhooks/drop", number="1", all="yes").said
    assert re.fullmatch(r"127\.0\.0\.1\S* is not told of \d+ events?\.", dropped)
    assert "there is no webhook 2" in unescape(browser.post("/webhooks/test", number="2").text)


def _in_vietnamese(browser: Browser, operator: Operator) -> None:
    browser.sends["Accept-Language"] = "vi"
    for one in (*PAGES, BRAKE):
        assert english(lines_of(told(browser, one.path))) == [], one.path
    operator.env["CLAWLANE_LOCALE"] = "vi"
    for command in ("channels status", "pacing", "drafts list", "outbox list", "webhooks list", "why"):
        assert english(operator.run(*command.split()).stdout) == [], command


def test_a_browser_is_started_with_a_private_page_and_not_with_the_link(
    linked: Operator, gateway: Gateway, tmp_path: Path, state: Path
) -> None:
    (state / "config.json5").write_text(
        "{ channels: { zalouser: {} }, console: { enabled: true, listen: '127.0.0.1:0' } }"
    )
    listening(gateway)
    gateway.said("the console listens on")
    started = tmp_path / "started"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$@" > {started}\n')
    program.chmod(0o700)
    linked.env.update(BROWSER=f"{program} %s", DISPLAY=":0")
    done = linked.run("console", "--open")
    assert done.returncode == 0
    link = re.search(r"http://\S+/sign-in\?link=(\S+)", done.stdout)
    assert link is not None
    assert link[1] not in started.read_text()
    page = Path(unquote(urlsplit(started.read_text().strip()).path))
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    assert f"0;url={link[0]}" in unescape(page.read_text())
    browser = Browser(link[0].partition("/sign-in")[0])
    assert browser.get(f"/sign-in?link={link[1]}").status == 200
    assert page.exists(), "looking at it does not use it up"
    assert browser.post("/sign-in", link=link[1]).status == 200
    assert not page.exists()
    assert "The config has no webhooks." in browser.get("/webhooks").text
