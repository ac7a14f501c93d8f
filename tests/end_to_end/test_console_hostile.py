"""The console, asked as no browser asks, and by browsers on other machines."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import trustme
from argon2 import PasswordHasher

from clawlane.console.streaming import SILENCE_S
from demo.stage import PATIENCE, Gateway, Operator, Simulator
from end_to_end.browsing import FORM, Browser, Live, signed_in
from end_to_end.steps import listening as lane_listening
from end_to_end.steps import person, say


@pytest.fixture
def config_text() -> str:
    return (
        "{ channels: { zalouser: { dmPolicy: 'pairing', groupPolicy: 'disabled',"
        " pacing: { enabled: false } } }, console: { enabled: true, listen: '127.0.0.1:0' } }"
    )


@pytest.fixture
def browser(linked: Operator, gateway: Gateway) -> Browser:
    lane_listening(gateway)
    gateway.said("the console listens on")
    return signed_in(linked)


def raw(browser: Browser, request: str) -> str:
    """The answer to a request as it is written."""
    where = urlsplit(browser.base)
    head, _, body = request.partition("\n\n")
    lines = [*head.splitlines(), f"Host: {where.netloc}", f"Cookie: {browser.cookie}", "Connection: close"]
    with socket.create_connection((where.hostname, where.port), PATIENCE) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return b"".join(iter(lambda: line.recv(65536), b"")).decode()


def test_what_no_browser_sends_is_refused_in_a_line_and_leaves_no_traceback(
    browser: Browser, gateway: Gateway
) -> None:
    for path in ("/pause/begin", "/sign-in", "/ritual/begin", "/config/check"):
        for headers, body, status in (
            ({}, b"account=\xff\xfe", 400),
            ({"Content-Type": f"{FORM}; charset=unicode_escape"}, rb"account=\ud800", 415),
            ({"Content-Type": f"{FORM}; charset=nothing"}, b"account=x", 415),
            ({"Content-Encoding": "gzip"}, b"account=x", 415),
        ):
            answer = browser.ask("POST", path, body, {**browser.own, **headers})
            assert (answer.status, answer.text.count("\n")) == (status, 1), (path, headers)
    assert browser.ask("POST", "/callback/1", b"x", {"Content-Encoding": "gzip"}).status == 415
    for action in ("begin", "accept", "cancel", "logout"):
        assert browser.ask("POST", f"/login/{action}", b"", browser.own).status == 404
    for action in ("begin", "answer", "stop"):
        assert browser.ask("POST", f"/ritual/{action}", b"", browser.own).status == 404
    for referer in ("http://[", "http://evil.example//evil.example/"):
        answer = browser.get("/nothing", Referer=referer)
        assert (answer.status, "evil" in answer.text) == (404, False)
    for target in ("http://evil.example", "http://evil.example/", "*"):
        assert raw(browser, f"GET {target} HTTP/1.1").split()[1] in ("400", "421")
    assert raw(browser, f"GET /{'x' * 20_000} HTTP/1.1").split()[1] == "400"
    assert raw(browser, "GET /\x01 HTTP/1.1").split()[1] == "400"
    own = "\n".join(f"{name}: {value}" for name, value in browser.own.items())
    for framing in (
        "Transfer-Encoding: chunked\n\nzz\r\n",
        "Transfer-Encoding: chunked\nContent-Length: 3\n\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\n\n0\r\n\r\n",
        "Content-Length: 3\nContent-Length: 3\n\nabc",
        "Content-Length: +3\n\nabc",
        "Content-Length: 3\n folded\n\nabc",
        "Content-Length : 3\n\nabc",
    ):
        assert raw(browser, f"POST /pause/begin HTTP/1.1\n{own}\n{framing}").split()[1] == "400", framing
    for second in ("Origin: http://evil.example", "Sec-Fetch-Site: cross-site"):
        asked = f"POST /pause/begin HTTP/1.1\n{own}\n{second}\nContent-Length: 8\n\naccount="
        assert raw(browser, asked).split()[1] == "403", second
    for method in ("CONNECT", "TRACE", "OPTIONS", "PUT"):
        assert raw(browser, f"{method} / HTTP/1.1\n{own}").split()[1] in ("405", "421")
    assert raw(browser, "GET / HTTP/2.0").split()[1] == "505"
    assert browser.get("/").status == 200
    elsewhere = Browser(browser.base)
    assert elsewhere.get(f"/why?person={'x' * 7000}").headers["Location"] == "/sign-in?to=/"
    name, _, token = browser.cookie.partition("=")
    for cookie in (f"{name}1={token}", f"{name}={token}x", f"{name}=../address", f"{name}=", ";" * 5000):
        assert elsewhere.get("/", Cookie=cookie).status == 303
    printed = "\n".join(gateway.printed())
    assert "Traceback" not in printed
    assert " ERROR " not in printed


ODD = (
    "x",
    "-1",
    "9" * 18,
    "9" * 30,
    "1e9",
    "x" * 7000,
    "%ff%fe",
    "%ed%a0%80",
    "%00",
    "%0d%0aX:%20y",
    "%22%3E%3Cscript%3E",
    "%D9%A1",
    "zalouser/nobody",
    "nobody/default",
    "%2e%2e/%2e%2e",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00%2B23:59",
    "99999999999d",
    "user:1",
)
ASKED = {
    "/why": ("person", "group", "reason", "since", "until", "dropped", "message", "before", "after"),
    "/config": ("q", "set"),
    "/config/key": ("path",),
    "/sessions/one": ("channel=zalouser&account=default&agent=main&thread", "account", "channel"),
    "/outbox": ("all",),
    "/people": ("account",),
    "/sign-in": ("link", "to"),
}
BELOW = ("/drafts/", "/login/", "/login/zalouser/", "/login/zalouser/default/code/", "/ritual/zalouser/", "/")


@pytest.mark.long
def test_whatever_an_address_asks_is_answered_by_a_page_or_refused(
    browser: Browser, gateway: Gateway
) -> None:
    odd = [f"{page}?{name}={value}" for page in ASKED for name in ASKED[page] for value in ODD]
    odd += [f"{page}?{name}=a&{name}=b&{name}" for page in ASKED for name in ASKED[page]]
    odd += [f"{above}{value}" for above in BELOW for value in ODD]
    for path in odd:
        answer = browser.get(path)
        assert answer.status in (200, 404, 409), path
        assert "<script>" not in answer.text
        assert "X" not in answer.headers
    printed = "\n".join(gateway.printed())
    assert "Traceback" not in printed
    assert " ERROR " not in printed


def test_half_a_character_in_the_config_is_shown(browser: Browser, gateway: Gateway, state: Path) -> None:
    file = state / "config.json5"
    file.write_text(file.read_text()[:-1] + r", messages: { responsePrefix: '\ud800' } }")
    assert browser.get("/config?q=responsePrefix").status == 200


@pytest.mark.long
@pytest.mark.parametrize("way", ["button", "command", "time"])
def test_a_browser_that_is_signed_in_no_longer_is_told_nothing_more(
    browser: Browser, linked: Operator, zalo: Simulator, state: Path, way: str
) -> None:
    feed = Live(browser, "/now/events")
    say(zalo, person(zalo, "Lan", friend=False), "một")
    feed.until("Lan")
    others = [Live(browser, f"/{one}/zalouser/default/events") for one in ("login", "ritual")]
    for one in others:
        one.until("<")
    if way == "button":
        assert browser.ask("POST", "/sign-out", headers=browser.own).status == 303
    elif way == "command":
        assert linked.run("console", "sign-out").returncode == 0
    else:
        [signed_in_until] = (state / "console" / "browsers").iterdir()
        signed_in_until.write_text("1")
    say(zalo, person(zalo, "Hoa", friend=False), "hai")
    for one in (feed, *others):
        assert "data:" not in one.rest(SILENCE_S / 2), "it ends before it would be seen to be alive"
        one.close()


@pytest.mark.long
def test_what_is_posted_and_does_not_come_is_not_waited_for(browser: Browser) -> None:
    own = "\n".join(f"{name}: {value}" for name, value in browser.own.items())
    with ThreadPoolExecutor() as pool:
        asked = [
            f"POST {path} HTTP/1.1\n{own}\nContent-Length: 9" for path in ("/pause/begin", "/callback/1")
        ]
        for answer in pool.map(partial(raw, browser), asked):
            assert answer.split()[1] == "408"


class Elsewhere(Browser):
    """A browser on another machine, which knows the console by a name."""

    def __init__(self, port: int, name: str, trusts: ssl.SSLContext) -> None:
        super().__init__(f"https://{name}")
        self._port, self._trusts = port, trusts

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("localhost", self._port, context=self._trusts, timeout=PATIENCE)

    def password(self, given: str) -> int:
        body = urlencode({"password": given}).encode()
        return self.ask("POST", "/sign-in", body, {**self.own, "Host": urlsplit(self.base).netloc}).status


def public(state: Path, listen: str, key: Path, cert: Path) -> str:
    hash_file = state / "console-password"
    hash_file.write_text(PasswordHasher(time_cost=1, memory_cost=64).hash("a long password"))
    hash_file.chmod(0o600)
    tls = {"cert": str(cert), "key": str(key)}
    password = {"file": str(hash_file)}
    more = {"hosts": ["Lane.example.org"], "passwordHash": password, "tls": tls}
    rules = {"dmPolicy": "pairing", "groupPolicy": "disabled"}
    console = {"enabled": True, "listen": listen, "public": more}
    return json.dumps({"channels": {"zalouser": rules}, "console": console})


def test_a_browser_elsewhere_comes_by_name_and_password_or_by_a_link(
    linked: Operator, gateway: Gateway, state: Path, tmp_path: Path
) -> None:
    authority, key, cert = trustme.CA(), tmp_path / "key.pem", tmp_path / "cert.pem"
    made = authority.issue_cert("localhost")
    made.private_key_pem.write_to_path(key)
    made.cert_chain_pems[0].write_to_path(cert)
    trusts = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    (state / "config.json5").write_text(public(state, "127.0.0.1:0", key, cert))
    lane_listening(gateway)
    url = gateway.said("the console listens on").partition("listens on ")[2].partition(";")[0]
    name = urlsplit(url).netloc
    port = int(name.partition("lane.example.org:")[2])
    browser = Elsewhere(port, name, trusts)
    silent = ExitStack()
    for _ in range(300):
        silent.enter_context(socket.create_connection(("localhost", port), PATIENCE))
    for host, status in ((name, 200), ("lane.example.org", 200), (f"127.0.0.1:{port}", 421)):
        assert browser.get("/sign-in", Host=host).status == status
    assert browser.password("wrong") == 403
    assert browser.password("a long password") == 303
    assert browser.get("/", Host=name).status == 200
    (state / "console-password").chmod(0o644)
    assert browser.password("a long password") == 403
    gateway.said("the password of the console lets nobody in: other users can read the file")
    (state / "console-password").chmod(0o600)
    for _ in range(5):
        assert browser.password("wrong") == 403
    assert browser.password("a long password") == 403, "too many were wrong"
    silent.close()
    link = linked.run("console")
    assert f"{url}/sign-in?link=" in link.stdout
    assert "Traceback" not in "\n".join(gateway.printed())


def test_a_locked_key_is_a_line_and_nobody_is_asked_at_the_terminal(
    linked: Operator, gateway: Gateway, state: Path, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = trustme.CA().issue_cert("localhost")
    made.cert_chain_pems[0].write_to_path(cert)
    plain = load_pem_private_key(made.private_key_pem.bytes(), None)
    locked = BestAvailableEncryption(b"secret")
    key.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    (state / "config.json5").write_text(public(state, "127.0.0.1:0", key, cert))
    lane_listening(gateway)
    gateway.said("is locked by a password")
