"""Metrics over the wire: what happened to an account stands in the numbers that Prometheus reads."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from demo.model_server import ModelServer, Says, refuses
from demo.stage import Gateway, Operator, Simulator
from end_to_end.browsing import Browser, link_of
from end_to_end.scraping import address, number, numbers_of, scrape, until
from end_to_end.steps import answers, listening, person, say

ACCOUNT = "zalouser/default"
TOKEN = "0123456789abcdef-a-token"
LANE = "channels: { zalouser: { dmPolicy: 'allowlist', allowFrom: ['%s'], pacing: { enabled: false } } }"
OWN = "metrics: { enabled: true, listen: '127.0.0.1:0' }"
MODEL = (
    "models: { providers: { loop: { baseUrl: '%s', apiKey: '${LOOP_KEY}',"
    " prices: { a: { input: 1, output: 1 } } } } },"
    " agents: { defaults: { model: 'loop/a' } }"
)


@pytest.fixture
def lan(zalo: Simulator) -> str:
    return person(zalo, "Nguyễn Thị Lan")


def configured(state: Path, *blocks: str) -> None:
    (state / "config.json5").write_text(f"{{ {', '.join(blocks)} }}")


@pytest.mark.long
def test_what_happens_to_an_account_stands_in_the_numbers(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path, model: ModelServer, lan: str
) -> None:
    linked.env["LOOP_KEY"] = "s3cret-key"
    configured(state, LANE % lan, OWN, MODEL % model.url)
    listening(gateway)
    base = address(gateway)
    assert number(base, "clawlane_account_phase", account=ACCOUNT, phase="ready") == 1
    assert number(base, "clawlane_account_phase", account=ACCOUNT, phase="degraded") == 0
    assert number(base, "clawlane_sends_total", account=ACCOUNT, fate="arrived") == 0
    assert number(base, "clawlane_turn_seconds_count", agent="main", outcome="answered") == 0

    model.script = lambda _: Says("chào chị")
    stranger = person(zalo, "Kẻ Lạ", friend=False)
    say(zalo, stranger, "bí mật của tôi")
    say(zalo, lan, "xin chào")
    assert answers(zalo, 1) == ["chào chị"]
    messages = {"account": ACCOUNT, "outcome": "admit", "reason": "dm_allowlisted"}
    assert until(base, bool, "clawlane_messages_total", **messages) == 1
    dropped = {"account": ACCOUNT, "outcome": "drop", "reason": "dm_not_allowlisted"}
    assert until(base, bool, "clawlane_messages_total", **dropped) == 1
    assert until(base, bool, "clawlane_sends_total", account=ACCOUNT, fate="arrived") == 1
    assert number(base, "clawlane_turn_seconds_count", agent="main", outcome="answered") == 1
    assert (number(base, "clawlane_turn_seconds_sum", agent="main", outcome="answered") or 0) > 0
    assert (number(base, "clawlane_agent_tokens_total", agent="main", direction="input") or 0) > 0
    assert (number(base, "clawlane_agent_usd_total", agent="main") or 0) > 0
    assert (number(base, "clawlane_store_commit_seconds_count") or 0) > 5

    zalo.do("/fault", does="error", code=122, layer="inner", call="send text")
    say(zalo, lan, "nữa")
    gateway.said("was refused")
    assert until(base, bool, "clawlane_sends_total", account=ACCOUNT, fate="refused") == 1
    model.script = lambda _: refuses(401, "no")
    say(zalo, lan, "hỏng")
    assert until(base, bool, "clawlane_turn_seconds_count", agent="main", outcome="failed") >= 1
    set_aside = {"account": ACCOUNT, "queue": "set_aside"}
    assert until(base, bool, "clawlane_queue_length", **set_aside) == 1

    model.script = lambda _: Says("vâng")
    assert linked.run("pause").returncode == 0
    say(zalo, lan, "trong lúc dừng")
    held = {"account": ACCOUNT, "queue": "held"}
    assert until(base, bool, "clawlane_queue_length", **held) == 1
    assert until(base, lambda age: 0 < age < 60, "clawlane_queue_oldest_seconds", **held)
    assert number(base, "clawlane_queue_length", account=ACCOUNT, queue="turns") == 0
    assert number(base, "clawlane_account_paused", account=ACCOUNT) == 1
    assert linked.run("resume", "--yes").returncode == 0
    assert "vâng" in answers(zalo, 1)

    zalo.do("/drop")
    assert until(base, bool, "clawlane_disconnects_total", account=ACCOUNT, code="1006") == 1
    gateway.said_times("is ready", 2)
    zalo.do("/drop", code=4321)
    assert until(base, bool, "clawlane_disconnects_total", account=ACCOUNT, code="other") == 1
    gateway.said_times("is ready", 3)
    zalo.do("/kick")
    assert until(base, bool, "clawlane_disconnects_total", account=ACCOUNT, code="3003") == 1
    assert until(base, bool, "clawlane_account_phase", account=ACCOUNT, phase="replaced") == 1

    page = scrape(base).text
    for secret in (lan, stranger, "Lan", "Kẻ Lạ", "bí mật", "chào", "s3cret"):
        assert secret not in page
    before, after = numbers_of(page), numbers_of(scrape(base).text)
    counters = [key for key in before if key[0].endswith(("_total", "_count"))]
    assert [key for key in counters if after[key] < before[key]] == []


def test_who_may_read_them_on_an_address_of_their_own(
    linked: Operator, gateway: Gateway, state: Path, lan: str
) -> None:
    configured(state, LANE % lan, OWN.replace("listen", "token: '${SCRAPE}', listen"))
    linked.env["SCRAPE"] = TOKEN
    gateway.start()
    base = address(gateway)
    assert scrape(base).status == 401
    assert scrape(base, Authorization="Bearer 0123456789abcdef-other").status == 401
    assert scrape(base, Authorization="Bearer tôi").status == 401
    read = scrape(base, Authorization=f"Bearer {TOKEN}")
    assert (read.status, read.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    assert "clawlane_build_info{" in read.text
    own = {"Authorization": f"Bearer {TOKEN}"}
    odd = "application/openmetrics-text; version=x"
    assert scrape(base, Accept=odd, **own).headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert scrape(base, Host="evil.example", **own).status == 421
    assert scrape(base, Host=base.replace("http://127.0.0.1", "localhost"), **own).status == 200
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        assert Browser(base).ask(method, "/metrics", headers=own).status == 405
    assert Browser(base).get("/").status == 404


def test_the_console_serves_them_and_an_edit_switches_them(
    linked: Operator, gateway: Gateway, state: Path, lan: str
) -> None:
    console = "console: { enabled: true, listen: '127.0.0.1:0' }"
    configured(state, LANE % lan, console)
    gateway.start()
    gateway.said("the console listens on")
    base = link_of(linked).partition("/sign-in")[0]
    assert scrape(base).status == 404
    configured(state, LANE % lan, console, "metrics: { enabled: true }")
    gateway.said("in force")
    assert "clawlane_build_info{" in scrape(base).text
    assert scrape(base, Host="evil.example").status == 421
    assert Browser(base).get("/").status == 303
    configured(state, LANE % lan, console, OWN)
    own = address(gateway)
    assert (scrape(base).status, scrape(own).status) == (404, 200)


def test_a_library_that_is_missing_and_a_port_that_is_taken_cost_the_lane_nothing(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path, tmp_path: Path, lan: str
) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "prometheus_client.py").write_text("raise ImportError('not installed')")
    path = linked.env.get("PYTHONPATH")
    linked.env["PYTHONPATH"] = str(tmp_path / "shadow")
    configured(state, LANE % lan, OWN)
    gateway.start()
    line = gateway.said("the gateway goes on without it")
    assert line.endswith("(not installed); pip install 'clawlane[metrics]'; the gateway goes on without it")
    gateway.stop()
    linked.env["PYTHONPATH"] = path or ""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        configured(state, LANE % lan, OWN.replace(":0", f":{taken.getsockname()[1]}"))
        listening(gateway)
        gateway.said("Address already in use; the gateway goes on without it")
        assert "Metrics: metrics cannot be served on 127.0.0.1:" in linked.run("channels", "status").stdout
        say(zalo, lan, "xin chào")
        assert answers(zalo, 1) == ["xin chào"]


@pytest.mark.parametrize(
    ("blocks", "what"),
    [
        ("metrics: { enabled: true }", "metrics.listen"),
        ("metrics: { enabled: true, listen: '0.0.0.0:1' }", "can be reached from other machines"),
        (
            "metrics: { enabled: true, listen: '127.0.0.1:7' },"
            " console: { enabled: true, listen: '127.0.0.1:7' }",
            "already",
        ),
        (
            "metrics: { enabled: true }, console: { enabled: true, listen: '0.0.0.0:7',"
            " public: { hosts: ['a.example'], passwordHash: '${X}', tls: 'proxy' } }",
            "metrics.token is needed",
        ),
    ],
)
def test_metrics_for_nobody_or_for_anybody_are_refused(
    installed: Operator, state: Path, blocks: str, what: str
) -> None:
    configured(state, blocks)
    done = installed.run("config", "validate")
    assert done.returncode == 1
    assert what in done.stdout
