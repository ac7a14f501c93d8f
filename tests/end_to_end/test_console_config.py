"""The config page of the console: what it shows and hides, and how an edit is checked, shown and written."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.browsing import Answer, Browser, Elements, signed_in
from end_to_end.steps import listening, person

SECRET = "PLANTED"
EVIL = "<script>alert(1)</script>"
CONFIG = """// keep this comment
{
  channels: {
    zalouser: {
      dmPolicy: 'allowlist', // and this one
      allowFrom: [],
      groupPolicy: 'disabled',
      name: 'EVIL',
      alerts: { webhook: { url: 'https://h.example/PLANTED?x=PLANTED', secret: 'PLANTED' } },
    },
  },
  models: {
    providers: {
      mine: {
        baseUrl: 'https://m.example/v1?key=PLANTED', apiKey: 'PLANTED', headers: { 'X-Own': 'PLANTED' },
        models: [{ id: 'one', name: 'One', contextWindow: 1000 }],
      },
    },
  },
  mcp: { servers: { files: {
    command: 'srv', args: ['--token', 'PLANTED', '--api-key=PLANTED'], env: { A: 'PLANTED' },
  } } },
  agents: {
    list: [
      { id: 'main' },
      { id: 'far', brain: { kind: 'endpoint', url: 'https://e.example/v1?t=PLANTED', apiKey: 'PLANTED' } },
    ],
  },
  console: { enabled: true, listen: '127.0.0.1:0' },
}
""".replace("EVIL", EVIL)


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.fixture
def browser(linked: Operator, gateway: Gateway) -> Browser:
    listening(gateway)
    gateway.said("the console listens on")
    return signed_in(linked)


def told(answer: Answer) -> str:
    """The text of a page, one that has no secret, and no script of anybody."""
    assert SECRET not in answer.text
    for tag, attributes in Elements(answer.text).found:
        assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
    return unescape(re.sub(r"<[^>]+>", "", answer.text))


def token_of(answer: Answer) -> str:
    """The edit that a page offers to write; empty for none."""
    values = [
        attributes["value"] or ""
        for tag, attributes in Elements(answer.text).found
        if tag == "input" and attributes.get("name") == "edit"
    ]
    return values[0] if values else ""


def test_every_value_is_shown_with_its_line_and_no_secret(browser: Browser) -> None:
    page = told(browser.get("/config"))
    assert "channels.zalouser.dmPolicy, line 5" in page
    assert EVIL in page
    assert "built-in" in page
    for key in ("models.providers.mine.apiKey", "mcp.servers.files.args", "agents.list[1].brain.url"):
        assert key in page
        assert told(browser.get(f"/config/key?path={key}"))
    assert "has secrets here" in told(browser.get("/config/key?path=mcp.servers.files.args[1]"))
    found = told(browser.get("/config?q=dmpolicy"))
    assert "channels.zalouser.dmPolicy" in found
    assert "channels.zalouser.groupPolicy" not in found
    written = told(browser.get("/config?set=yes"))
    assert "channels.zalouser.groupPolicy" in written
    assert "channels.zalouser.historyLimit" not in written
    for path in (
        "channels",
        "models.providers.mine",
        "",
        "'",
        "x" * 2000,
        "channels.zalouser.alerts.webhook.url",
    ):
        told(browser.get(f"/config/key?path={path}"))


@pytest.mark.long
def test_an_edit_is_shown_with_whom_it_lets_in_and_written_by_a_second_click(
    browser: Browser, zalo: Simulator, state: Path, gateway: Gateway
) -> None:
    file = state / "config.json5"
    lan = person(zalo, "Lan")
    shown = browser.post("/config/check", key="channels.zalouser.allowFrom", how="add", value=lan)
    page = told(shown)
    assert f"+      allowFrom: ['{lan}']," in page or f'+      allowFrom: ["{lan}"],' in page
    assert "opens: zalouser/default: DMs: 1 person is answered" in page
    assert file.read_text() == CONFIG
    assert (
        browser.post("/config/check", key="channels.zalouser.allowFrom", how="set", value="[").status == 409
    )
    done = browser.post("/config/write", edit=token_of(shown))
    assert done.said[0].startswith("Written: ")
    assert "The running gateway uses it now." in done.said
    assert lan in file.read_text()
    assert file.read_text().count("// ") == CONFIG.count("// ")
    assert browser.post("/config/write", edit=token_of(shown)).status == 409, "once"
    same = browser.post("/config/check", key="channels.zalouser.dmPolicy", how="set", value="allowlist")
    assert "Nothing to change" in told(same)
    assert not token_of(same)
    longer = "{ minute: 4,\r\n  hour: 40 }"
    shown = browser.post("/config/check", key="channels.zalouser.pacing.account", how="set", value=longer)
    assert (
        "minute: 4" in told(browser.post("/config/write", edit=token_of(shown)))
        or "minute: 4" in file.read_text()
    )
    shown = browser.post("/config/check", key="channels.zalouser.pacing", how="unset")
    browser.post("/config/write", edit=token_of(shown))
    assert "pacing" not in file.read_text()
    secret = browser.post("/config/check", key="models.providers.mine.apiKey", how="set", value="PLANTED-2")
    told(secret)
    told(browser.post("/config/write", edit=token_of(secret)))
    beside = browser.post("/config/check", key="agents.list[1].timeoutSeconds", how="set", value="60")
    assert "apiKey: '…'" in told(beside)
    assert "apiKey: 'PLANTED-2'" in file.read_text()


def test_an_edit_from_elsewhere_in_between_is_kept(browser: Browser, state: Path, linked: Operator) -> None:
    file = state / "config.json5"
    shown = browser.post("/config/check", key="channels.zalouser.groupPolicy", how="set", value="open")
    assert "closes" not in told(shown)
    file.write_text(CONFIG.replace("keep this", "somebody else's"))
    refused = browser.post("/config/write", edit=token_of(shown))
    assert refused.status == 409
    assert "was changed by something else in the meantime; nothing was written" in told(refused)
    assert "groupPolicy: 'disabled'" in file.read_text()
    other = signed_in(linked)
    shown = browser.post("/config/check", key="channels.zalouser.groupPolicy", how="set", value="open")
    assert other.post("/config/write", edit=token_of(shown)).status == 409, "another browser's"
    assert "groupPolicy: 'disabled'" in file.read_text()


@pytest.mark.long
def test_what_the_command_refuses_is_refused_in_its_words(
    browser: Browser, linked: Operator, state: Path
) -> None:
    for key, value in (
        ("channels.zalouser.dmPolicy", "everybody"),
        ("channels.zalouser.dmPolcy", "open"),
        ("dmPolicy", "open"),
        ("", "1"),
        ("channels.zalouser.pacing.account.minute", "-1"),
    ):
        refused = browser.post("/config/check", key=key, how="set", value=value)
        command = linked.run("config", "set", "--dry-run", "--", key, value)
        assert command.returncode == 1
        said = command.stdout.strip().splitlines()[-1].removeprefix("error: ").partition("; ")[0]
        assert refused.status == 409
        assert said in " ".join(told(refused).split())
    assert (state / "config.json5").read_text() == CONFIG


@pytest.mark.long
def test_a_broken_file_is_told_and_an_edit_that_lets_in_more_waits(
    browser: Browser, state: Path, gateway: Gateway
) -> None:
    file = state / "config.json5"
    file.write_text(
        CONFIG.replace("'allowlist'", "'PLANTED-policy'", 1).replace("'PLANTED-policy'", "'nobody'")
    )
    page = told(browser.get("/config"))
    assert "The file cannot be used:" in page
    assert "channels.zalouser.dmPolicy (config.json5:5:17)" in page
    file.write_text(CONFIG.replace("apiKey: 'PLANTED'", "apiKey: PLANTED", 1))
    assert "config.json5:15:" in told(browser.get("/config"))
    file.write_text(CONFIG.replace("console: {", "gateway: { reload: 'ask' },\n  console: {"))
    gateway.said("is in force")
    shown = browser.post("/config/check", key="channels.zalouser.groupPolicy", how="set", value="open")
    assert "It would wait for: openclaw config apply" in told(shown)
    waiting = browser.post("/config/write", edit=token_of(shown))
    assert any(re.search("the rest waits for: .*openclaw config apply", one) for one in waiting.said)
    [revision] = re.findall(r'name="revision" value="(\w+)"', browser.get("/config").text)
    applied = browser.post("/config/apply", revision=revision)
    assert "The running gateway uses it now." in applied.said
    assert 'name="revision"' not in browser.get("/config").text
