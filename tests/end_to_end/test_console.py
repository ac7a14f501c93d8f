"""The console over the wire: the way in, what keeps others out, and that nothing stops the lane by it."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.stage import PATIENCE, Gateway, Operator, Simulator, running
from end_to_end.browsing import FORM, Browser, Elements, link_of, signed_in
from end_to_end.steps import answers, person, say
from end_to_end.steps import listening as lane_listening

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e\" ' --><svg onload=alert(3)>"


@pytest.fixture
def config_text() -> str:
    return (
        "{ channels: { zalouser: { dmPolicy: 'pairing', groupPolicy: 'disabled',"
        " pacing: { enabled: false } } }, console: { enabled: true, listen: '127.0.0.1:0' } }"
    )


def listening(gateway: Gateway) -> None:
    lane_listening(gateway)
    gateway.said("the console listens on")


@pytest.fixture
def browser(linked: Operator, gateway: Gateway) -> Browser:
    """Signed in to the console of a lane that is up."""
    listening(gateway)
    return signed_in(linked)


def paused(browser: Browser) -> bool:
    return "is muted" in browser.get("/pause").text


def test_a_link_opens_the_console_once_and_looking_at_it_does_not_use_it_up(
    linked: Operator, gateway: Gateway
) -> None:
    listening(gateway)
    link = urlsplit(link_of(linked))
    browser = Browser(f"{link.scheme}://{link.netloc}")
    token = link.query.removeprefix("link=")
    assert browser.get("/").headers["Location"] == "/sign-in?to=/"
    assert browser.get("/now/accounts", **{"HX-Request": "true"}).status == 401
    for _ in range(2):
        assert browser.get(f"/sign-in?link={token}").status == 200
        assert not browser.cookie
    assert browser.post("/sign-in", link=token).status == 200
    assert "Nguyễn Minh Anh" in browser.get("/").text
    other = Browser(browser.base)
    assert other.post("/sign-in", link=token).status == 403
    assert not other.cookie
    assert other.post("/sign-in", link="x" * 43).status == 403
    assert other.post("/sign-in", password="anything at all").status == 403


def test_links_lead_to_the_gateway_again_when_a_second_console_has_ended(
    browser: Browser, linked: Operator
) -> None:
    with running(linked.command("console", "--listen", "127.0.0.1:0"), linked.env) as second:
        assert second.stdout is not None
        link = next(line for line in second.stdout if "link=" in line)
        assert not link.strip().startswith(browser.base)
        assert link_of(linked).startswith(link.strip().partition("?")[0])
        second.terminate()
        assert second.wait(PATIENCE) == 0
    assert link_of(linked).startswith(f"{browser.base}/sign-in?")


def test_the_cookie_outlives_the_gateway_and_ends_with_a_sign_out(
    browser: Browser, linked: Operator, gateway: Gateway
) -> None:
    gateway.stop()
    listening(gateway)
    where = urlsplit(link_of(linked)).netloc
    token = browser.cookie.partition("=")[2]
    again = Browser(f"http://{where}", f"clawlane-console-{where.partition(':')[2]}={token}")
    assert again.get("/").status == 200
    assert linked.run("console", "sign-out").stdout == "1 browser was signed out.\n"
    assert again.get("/").status == 303


def test_a_foreign_host_reaches_nothing(browser: Browser) -> None:
    port = urlsplit(browser.base).port
    for name in ("evil.example", "127.0.0.1", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", ""):
        assert browser.get("/", Host=name).status in (400, 421)
        foreign = {**browser.own, "Host": name, "Origin": f"http://{name}"}
        assert browser.ask("POST", "/pause/begin", b"account=", foreign).status in (400, 421)
    for name in (f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert browser.get("/", Host=name).status == 200
    assert not paused(browser)


def test_what_no_page_of_the_console_sent_changes_nothing(browser: Browser) -> None:
    base, port = browser.base, urlsplit(browser.base).port
    for headers in (
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": base},
        {"Origin": base, "Sec-Fetch-Site": "cross-site"},
        {"Origin": base, "Sec-Fetch-Site": "same-site"},
        {"Origin": base, "Sec-Fetch-Site": "none"},
        {"Origin": f"https://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
        {"Origin": f"http://localhost:{port}", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Referer": f"{base}/pause"},
    ):
        answer = browser.ask(
            "POST", "/pause/begin", b"account=&level=mute", {"Content-Type": FORM, **headers}
        )
        assert answer.status == 403, headers
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        answer = browser.ask("POST", "/pause/begin", b"account=", {**browser.own, "Content-Type": kind})
        assert answer.status == 415
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = browser.ask(method, "/pause/begin?account=&level=mute", headers=browser.own)
        assert answer.status in (404, 405), method
    assert not paused(browser)
    assert browser.post("/pause/begin", account="", level="mute").said == ["zalouser/default is muted."]
    assert paused(browser)


def test_names_and_texts_of_others_are_text(browser: Browser, zalo: Simulator, gateway: Gateway) -> None:
    stranger = person(zalo, f"Lan {EVIL}", friend=False)
    say(zalo, stranger, f"xin chào {EVIL}")
    zalo.wait("sent")
    for path in ("/", "/people", "/why", "/now/accounts"):
        html = browser.get(path).text
        assert path == "/now/accounts" or "alert(1)" in html
        for tag, attributes in Elements(html).found:
            assert tag not in ("svg", "img", "iframe", "style")
            assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
            assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert "\u202e" not in html


def test_a_page_says_what_it_may_do_and_is_kept_nowhere(browser: Browser) -> None:
    headers = browser.get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert browser.get("/nothing/here").status == 404
    style = next(
        attributes["href"] or "" for tag, attributes in Elements(browser.get("/").text).found if tag == "link"
    )
    assert "immutable" in browser.get(style).headers["Cache-Control"]
    stranger = Browser(browser.base)
    for answer in (
        browser.get("/now/accounts"),
        browser.get(f"{style}.map"),
        browser.get(style, Host="evil.example"),
        browser.ask("POST", style),
        stranger.get("/"),
    ):
        assert answer.headers["Cache-Control"] == "no-store", answer.status
        assert answer.headers["Content-Security-Policy"] == policy


def test_the_way_in_leads_nowhere_else(linked: Operator, gateway: Gateway) -> None:
    listening(gateway)
    for to in ("//evil.example/", "https://evil.example/", "/%5Cevil.example", "javascript:alert(1)"):
        link = urlsplit(link_of(linked))
        browser = Browser(f"{link.scheme}://{link.netloc}")
        body = f"link={link.query.removeprefix('link=')}&to={to}".encode()
        assert browser.ask("POST", "/sign-in", body, browser.own).headers["Location"] == "/"


def test_a_stranger_is_approved_by_clicks_and_answered(browser: Browser, zalo: Simulator) -> None:
    stranger = person(zalo, "Lan", friend=False)
    say(zalo, stranger, "xin chào")
    code = zalo.wait("sent")["text"].rpartition(": ")[2][:8]
    page = browser.get("/people")
    assert stranger in page.text
    see = '1 waiting; see: <a href="/people">People</a> <code>openclaw pairing list</code>'
    assert see in browser.get("/now/accounts").text
    token = next(
        attributes["value"]
        for tag, attributes in Elements(page.text).found
        if tag == "input" and attributes.get("name") == "code"
    )
    assert code or token
    done = browser.post("/people/approve", account="zalouser/default", code=token or "")
    assert done.said == [f"Approved: Lan ({stranger}) may now write to zalouser/default."]
    say(zalo, stranger, "em đây")
    assert answers(zalo, 1) == ["em đây"]
    assert browser.post("/people/revoke", account="zalouser/default", id=stranger).status == 200
    assert "Nobody was approved" in browser.get("/people").text


@pytest.mark.long
def test_readers_that_never_read_and_bodies_without_end_stop_nothing(
    browser: Browser, zalo: Simulator, gateway: Gateway
) -> None:
    friend = person(zalo, "Hùng")
    say(zalo, friend, "xin chào")
    zalo.wait("sent")
    code = browser.get("/people").text.partition('name="code" value="')[2][:8]
    browser.post("/people/approve", account="zalouser/default", code=code)
    where = urlsplit(browser.base)
    with ExitStack() as stack:
        for number in range(1000):
            line = stack.enter_context(socket.create_connection((where.hostname, where.port), 20))
            path = "/now/events" if number % 2 else "/"
            line.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: {browser.cookie}\r\n\r\n".encode()
            )
        big = b"x" * 10_000_000
        assert browser.ask("POST", "/pause/begin", big, browser.own).status == 413
        endless = {**browser.own, "Transfer-Encoding": "chunked"}
        assert browser.ask("POST", "/pause/begin", b"20000\r\n", endless).status in (400, 408, 413)
        for text in ("một", "hai", "ba"):
            say(zalo, friend, text)
            assert answers(zalo, 1) == [text]
    assert browser.get("/").status == 200


@pytest.mark.parametrize(
    ("console", "what"),
    [
        ("{ enabled: true, listen: '0.0.0.0:18790' }", "can be reached from other machines"),
        ("{ enabled: true, listen: '127.0.0.1' }", "must be an address"),
        ("{ enabled: true, listen: 'example.org:80' }", "must name an address"),
        ("{ public: { hosts: [], passwordHash: '${X}', tls: 'proxy' } }", "hosts"),
        ("{ public: { hosts: ['a.example'], tls: 'proxy' } }", "passwordHash"),
    ],
)
def test_a_console_that_would_be_open_is_refused(
    installed: Operator, state: Path, console: str, what: str
) -> None:
    (state / "config.json5").write_text(f"{{ console: {console} }}")
    done = installed.run("config", "validate")
    assert done.returncode == 1
    assert what in done.stdout


def test_an_edit_opens_moves_and_closes_the_console_and_a_taken_port_costs_the_lane_nothing(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path
) -> None:
    file = state / "config.json5"
    written = file.read_text()
    listening(gateway)
    first = signed_in(linked)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file.write_text(written.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        gateway.said("the gateway goes on without it")
        with pytest.raises(ConnectionRefusedError):
            first.get("/")
        stranger = person(zalo, "Lan", friend=False)
        say(zalo, stranger, "xin chào")
        zalo.wait("sent")
        status = linked.run("channels", "status")
        assert status.returncode == 2
        assert f"Console: the console cannot listen on 127.0.0.1:{port}: " in status.stdout
    file.write_text(written.replace("enabled: true", "enabled: true, public: null"))
    gateway.said("null is not allowed")
    file.write_text(written)
    gateway.said_times("the console listens on", 2)
    assert signed_in(linked).get("/").status == 200
    status = linked.run("channels", "status")
    assert status.returncode == 0
    assert "Console: http://127.0.0.1:" in status.stdout
