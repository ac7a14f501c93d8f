"""Script in every name and text that others choose, on every page of the console that shows one."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest

from clawlane.console.menu import BRAKE, PAGES
from demo.model_server import ModelServer, Says, refuses
from demo.stage import Gateway, Operator, Simulator
from end_to_end.browsing import Browser, Elements, signed_in
from end_to_end.steps import asked, listening, person, say, until
from end_to_end.test_agents import brain_of
from end_to_end.test_console import EVIL

ACCOUNT = "zalouser/default"
RAN = ("svg", "img", "iframe", "style", "object", "embed", "base", "b")


def is_harmless(html: str, path: str) -> None:
    """Nothing in a page is an element that somebody wrote, runs, or leads elsewhere."""
    for tag, attributes in Elements(html).found:
        assert tag not in RAN, (path, attributes)
        assert tag != "script" or (attributes.get("src") or "").startswith("/static/"), path
        assert not any(name.startswith("on") or name == "style" for name in attributes), path
        leads = [attributes.get(name) or "/" for name in ("href", "src", "action")]
        assert all(one.startswith(("/", "#")) for one in leads), (path, leads)
    assert "\u202e" not in html, path


@pytest.mark.long
def test_nothing_that_others_chose_is_more_than_text(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path, model: ModelServer
) -> None:
    lan, stranger = person(zalo, f"Lan {EVIL}"), person(zalo, f"Hoa {EVIL}", friend=False)
    group = str(zalo.do("/group", name=f"Nhóm {EVIL}", members=[lan])["gid"])
    rules: dict[str, object] = {
        "name": f"<b>{EVIL}",
        "dmPolicy": "pairing",
        "allowFrom": [lan],
        "groupPolicy": "allowlist",
        "groups": {group: {"requireMention": False}},
        "pacing": {"enabled": False},
    }

    def configure(**more: object) -> None:
        config = {
            "channels": {"zalouser": {**rules, **more}},
            "agents": {"defaults": {"brain": "BRAIN"}},
            "console": {"enabled": True, "listen": "127.0.0.1:0"},
        }
        text = json.dumps(config, ensure_ascii=False).replace('"BRAIN"', brain_of(model))
        (state / "config.json5").write_text(text)

    configure()
    listening(gateway)
    gateway.said("the console listens on")
    browser = signed_in(linked)
    assert linked.run("directory", "groups", "list").returncode == 0  # so that its name is known
    model.script = lambda _: Says(f"trả lời {EVIL}")
    said = say(zalo, lan, f"xin chào {EVIL}")
    zalo.wait("sent")
    say(zalo, stranger, f"cho vào {EVIL}")
    zalo.wait("sent")
    for kind in ("text", "file", "link", "poll"):
        say(zalo, lan, f"{EVIL}.pdf", group=group, kind=kind)
        zalo.wait("sent")
    say(zalo, lan, EVIL, group=group, quote=said)
    zalo.wait("sent")
    zalo.do("/fault", does="error", code=122, layer="inner", call="send text", message=EVIL)
    say(zalo, lan, "bị từ chối")
    gateway.said("was refused")
    model.script = lambda _: refuses(401, EVIL)
    say(zalo, lan, f"hỏng {EVIL}")
    until(lambda: bool(asked(linked, "channels", "dead-letters", "list")["letters"]))
    model.script = lambda _: Says("để duyệt")
    configure(outbound="approve")
    gateway.said("is in force")
    say(zalo, lan, EVIL, group=group)
    until(lambda: bool(asked(linked, "drafts", "list")["drafts"]))
    assert linked.run("pause", "--thread", f"group:{group}").returncode == 0

    shown = 0
    for language in ("en", "vi"):
        browser.sends["Accept-Language"] = language
        for path in paths(browser, linked):
            answer = browser.get(path)
            assert answer.status == 200, path
            is_harmless(answer.text, path)
            shown += "alert(1)" in answer.text
    assert shown > 20
    done = browser.post("/people/approve", account=ACCOUNT, code=code_of(browser))
    is_harmless(done.text, "approved")
    assert EVIL.partition("\u202e")[0][:20] in unescape(done.text)
    is_harmless(browser.post("/people/revoke", account=ACCOUNT, id=stranger).text, "revoked")


def paths(browser: Browser, operator: Operator) -> list[str]:
    """All pages that show something of others."""
    [draft] = asked(operator, "drafts", "list")["drafts"]
    links = (
        one.get("href") or "" for tag, one in Elements(browser.get("/sessions").text).found if tag == "a"
    )
    return [
        *(one.path for one in (*PAGES, BRAKE)),
        "/now/accounts",
        "/outbox?all=yes",
        f"/drafts/{draft['number']}",
        "/config?set=yes",
        "/login/zalouser/default",
        "/login/zalouser/default/logout",
        "/ritual/zalouser/default",
        *(one for one in links if one.startswith("/sessions/one")),
    ]


def code_of(browser: Browser) -> str:
    """The code of the request that waits."""
    found = Elements(browser.get("/people").text).found
    return next(one["value"] or "" for tag, one in found if tag == "input" and one.get("name") == "code")
