"""Login by QR code in the console, over the wire: each step, its ends, and who may see the code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from clawlane.cli.terminal_qr import read_modules
from demo.stage import PATIENCE, Gateway, Operator, Simulator, running
from end_to_end.browsing import Browser, Live, signed_in
from end_to_end.steps import LOGIN, account
from end_to_end.steps import asked as asked_of

PAGE = "/login/zalouser/default"
DEFAULT = "zalouser/default"
ACCEPT = "I accept this risk"
CODE = "/code/"


@pytest.fixture
def config_text() -> str:
    return (
        "{ channels: { zalouser: { dmPolicy: 'pairing', groupPolicy: 'disabled' } },"
        " console: { enabled: true, listen: '127.0.0.1:0' } }"
    )


@pytest.fixture
def browser(installed: Operator, gateway: Gateway) -> Browser:
    """At the console of a gateway on whose account nobody has logged in yet."""
    gateway.start()
    gateway.said("the console listens on")
    return signed_in(installed)


@pytest.fixture
def live(browser: Browser) -> Iterator[Live]:
    """The live part of that browser's page."""
    watching = Live(browser, f"{PAGE}/events")
    yield watching
    watching.close()


def code(html: str) -> str:
    """The address of the picture."""
    found = re.search(r'src="(/login/[^"]+/code/[^"]+)"', html)
    assert found, html
    return found[1]


def fetched(browser: Browser, path: str) -> tuple[int, str, bytes]:
    """The status of an answer, whether it may be kept, and its bytes."""
    where = urlsplit(browser.base)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
    connection.request("GET", path, headers={"Cookie": browser.cookie})
    came = connection.getresponse()
    told = came.status, came.headers.get("Cache-Control", ""), came.read()
    connection.close()
    return told


def shown_a_code(browser: Browser, live: Live, *, risk: bool = False, force: str = "") -> str:
    """Begin a login, accept the risk where it is asked about, and wait for the code; gives its address."""
    browser.post("/login/begin", account=DEFAULT, force=force)
    if risk:
        live.until(ACCEPT)
        browser.post("/login/accept", account=DEFAULT, expendable="yes")
    return code(live.until(CODE))


@pytest.mark.long
def test_a_login_is_begun_watched_by_two_and_connects(
    browser: Browser, live: Live, installed: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    assert f'href="{PAGE}"' in browser.get("/").text, "where an account needs a login"
    page = browser.get(PAGE).text
    assert "Nobody is linked now" in page
    assert "experimental, unofficial" in page
    assert re.search(r"<dt>Host</dt><dd>\S+</dd>", page)
    assert "<dt>Profile</dt><dd>default</dd>" in page

    browser.post("/login/begin", account=DEFAULT)
    asked = live.until(ACCEPT)
    assert "Is this account expendable" in asked
    assert not [one for one in zalo.since(0) if one["kind"] == "qrshown"], (
        "no code before the risk is accepted"
    )
    browser.post("/login/accept", account=DEFAULT, expendable="no")
    first = code(live.until(CODE))
    status, kept, png = fetched(browser, first)
    assert (status, kept) == (200, "no-store")
    assert read_modules(png) is not None, "it is a code"

    other = signed_in(installed)
    assert code(other.get(PAGE).text) == first, "one login for two browsers"
    other.post("/login/begin", account=DEFAULT)
    assert code(other.get(PAGE).text) == first
    told = installed.run(*LOGIN, "--accept-risk")
    assert (told.returncode, "runs already, in the console" in told.stdout) == (1, True), told.stdout
    assert fetched(Browser(browser.base), first)[0] == 303, "not for others"
    assert fetched(browser, first[:-4] + "AAAA")[0] == 404

    zalo.do("/scan")
    live.until("Scanned by Nguyễn Minh Anh. Confirm the login on the phone.")
    assert "Scanned by Nguyễn Minh Anh" in other.get(PAGE).text
    assert fetched(browser, first)[0] == 404, "it is of no use any more"
    zalo.do("/confirm")
    live.until("Linked as Nguyễn Minh Anh")
    live.until("The account: ready")
    assert live.html.count('class="reached"') == 5
    assert account(installed)["phase"] == "ready"
    assert "Linked now as Nguyễn Minh Anh" in live.html
    assert PAGE not in browser.get("/").text

    risk = account(installed)["risk"]
    assert risk["expendable"] == "no"
    (consent,) = (state / "consent").iterdir()
    assert json.loads(consent.read_text())["how"] == "console"
    said = "\n".join(gateway.printed())
    assert first.rpartition("/")[2] not in said
    entries = asked_of(installed, "audit", "show", "--last", "100")["entries"]
    assert [one["who"] for one in entries if one["kind"] == "login"] == ["console"]


def test_an_expired_code_is_followed_by_another_until_the_login_is_declined_or_cancelled(
    browser: Browser, live: Live, zalo: Simulator, installed: Operator, gateway: Gateway, state: Path
) -> None:
    first = shown_a_code(browser, live, risk=True)
    zalo.do("/expire")
    for path in ("/login/cancel", "/login/begin", "/login/logout"):
        assert browser.get(f"{path}?account={DEFAULT}").status in (404, 405), "a GET changes nothing"
    second = code(live.until("code 2 of 5"))
    assert second != first
    assert fetched(browser, first)[0] == 404
    zalo.do("/scan")
    live.until("Scanned by")
    zalo.do("/expire")
    live.until("code 3 of 5")
    zalo.do("/scan")
    live.until("Scanned by")
    zalo.do("/decline")
    live.until("declined on the phone")
    assert re.search(r"try again: .*openclaw channels login", live.html)

    shown_a_code(browser, live)
    assert "declined" not in live.html
    browser.post("/login/cancel", account=DEFAULT)
    live.until("The login was cancelled")
    shown_a_code(browser, live)
    for number in range(2, 6):
        zalo.do("/expire")
        live.until(f"code {number} of 5")
    zalo.do("/expire")
    live.until("expired before it was scanned and confirmed")
    assert not account(installed)["linked"]
    assert not list((state / "vault").glob("*.session"))
    assert browser.post("/login/accept", account=DEFAULT).status == 409, "nothing was asked"
    shown_a_code(browser, live)
    gateway.stop()  # which ends the login


@pytest.mark.long
def test_somebody_else_who_scans_is_asked_about_and_a_logout_asks_first(
    browser: Browser, live: Live, zalo: Simulator, installed: Operator, state: Path
) -> None:
    shown_a_code(browser, live, risk=True)
    zalo.do("/scan")
    zalo.do("/confirm")
    live.until("The account: ready")
    browser.post("/login/begin", account=DEFAULT)
    assert "A code is shown" not in live.until("is already linked as Nguyễn Minh Anh")

    other = zalo.do("/account", name="Trần Lan <script>alert(1)</script>")["uid"]
    shown_a_code(browser, live, force="yes")
    zalo.do("/scan", account=other)
    zalo.do("/confirm", account=other)
    live.until("accepted for another user")
    assert "<script" not in live.html
    assert account(installed)["user"]["name"] == "Nguyễn Minh Anh", "nothing is replaced before the answer"
    browser.post("/login/accept", account=DEFAULT, expendable="yes")
    live.until("Linked as Trần Lan")
    live.until("The account: ready")

    for session in (state / "vault").glob("*.session"):
        session.write_bytes(b"damaged")
    assert "is damaged" in browser.get("/login").text
    listed = installed.run("channels", "list")
    assert (listed.returncode, "is damaged" in listed.stdout) == (0, True), listed.stdout
    page = browser.get(PAGE).text
    assert "Ask whether the session still works" not in page, page
    assert "Show a new code" in page
    assert "experimental, unofficial" in page
    shown_a_code(browser, live, force="yes")
    zalo.do("/scan", account=other)
    zalo.do("/confirm", account=other)
    live.until("The account: ready")

    asked = browser.get(f"{PAGE}/logout").text
    assert "is linked as Trần Lan" in asked
    assert account(installed)["linked"]
    assert "Logged out zalouser/default" in browser.post("/login/logout", account=DEFAULT).said[0]
    assert not account(installed)["linked"]


@pytest.mark.long
def test_a_login_at_a_terminal_is_the_only_one_while_it_runs(
    browser: Browser, live: Live, zalo: Simulator, installed: Operator
) -> None:
    with running(installed.command(*LOGIN, "--accept-risk"), installed.env) as login:
        zalo.wait("qrshown")
        browser.post("/login/begin", account=DEFAULT)
        live.until("a login of zalouser/default runs already, at a terminal")
        login.kill()
    shown_a_code(browser, live)


@pytest.mark.long
def test_a_console_without_a_gateway_logs_in_too(installed: Operator, zalo: Simulator) -> None:
    command = installed.command("console", "--listen", "127.0.0.1:0")
    with running(command, installed.env) as process:
        assert process.stdout is not None
        link = urlsplit(next(line for line in process.stdout if "link=" in line).split()[-1])
        browser = Browser(f"{link.scheme}://{link.netloc}")
        browser.post("/sign-in", link=link.query.removeprefix("link="))
        live = Live(browser, f"{PAGE}/events")
        shown_a_code(browser, live, risk=True)
        zalo.do("/scan")
        zalo.do("/confirm")
        live.until("Linked as Nguyễn Minh Anh")
        assert "Start the gateway: openclaw gateway run" in live.html
        assert live.html.count('class="reached"') == 4, "it does not connect"
        live.close()
    assert account(installed)["linked"]
