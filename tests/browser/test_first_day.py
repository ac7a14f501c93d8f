"""The first day of a lane by clicks: login, a stranger, approve, an answer, pause, why, a draft."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.conftest import Watched, faults
from demo.stage import PATIENCE, Simulator
from end_to_end.steps import answers, person, say

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

LOGIN, RITUAL = "/login/zalouser/default", "/ritual/zalouser/default"
PAGES = (
    "/",
    "/people",
    "/why",
    "/drafts",
    "/outbox",
    "/dead-letters",
    "/sessions",
    "/pacing",
    "/webhooks",
    "/config",
    "/config/key?path=channels.zalouser.dmPolicy",
    "/login",
    LOGIN,
    f"{LOGIN}/logout",
    "/ritual",
    RITUAL,
    "/pause",
)
SCREENS = [(1280, 800, "light"), (1280, 800, "dark"), (390, 844, "light"), (390, 844, "dark")]


def opened(chromium: Browser, link: str, width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
    """A page that was signed in by a click."""
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Open the console").click()
    page.get_by_role("heading", name="Now", exact=True).wait_for()
    return page


def go(page: Page, name: str) -> None:
    """To another page by the menu, which a phone has to open first."""
    menu = page.locator(".menu-phone summary")
    if menu.is_visible():
        menu.click()
    page.get_by_role("link", name=name, exact=True).first.click()


def logged_in(page: Page, zalo: Simulator) -> None:
    """Link the account by clicks, and by the phone that scans the code."""
    page.get_by_role("link", name="Log in …").click()
    page.get_by_role("button", name="Log in by QR code").click()
    page.get_by_role("radio", name="Yes").check()
    page.get_by_role("button", name="I accept this risk").click()
    page.get_by_role("img", name="The QR code to scan").wait_for()
    zalo.do("/expire")
    page.get_by_text("code 2 of 5").wait_for()  # without a reload, as all that follows
    code = page.get_by_role("img", name="The QR code to scan")
    page.wait_for_function("document.querySelector('.code img').naturalWidth > 100")
    left = page.get_by_role("timer").inner_text()
    page.wait_for_function("left => document.querySelector('[role=timer]').innerText !== left", arg=left)
    assert code.is_visible()
    zalo.do("/scan")
    page.get_by_text("Scanned by Nguyễn Minh Anh. Confirm the login on the phone.").wait_for()
    zalo.do("/confirm")
    page.get_by_text("Linked as Nguyễn Minh Anh").wait_for()
    page.get_by_text("The account: ready").wait_for()


@pytest.mark.parametrize(("width", "height", "scheme"), SCREENS)
def test_a_first_day_by_clicks(
    chromium: Browser,
    new_console: str,
    zalo: Simulator,
    state: Path,
    width: int,
    height: int,
    scheme: str,
) -> None:
    page = opened(chromium, new_console, width, height, scheme)
    watched = Watched(page)
    page.reload()
    logged_in(page, zalo)
    go(page, "Now")
    stranger = person(zalo, "Lan", friend=False)
    feed = page.locator("ul.feed")
    feed.get_by_text("Nobody has written yet").wait_for()
    say(zalo, stranger, "xin chào")
    zalo.wait("sent")
    feed.get_by_text("dm_pairing_required").wait_for()  # without a reload

    go(page, "People")
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("may now write to zalouser/default").wait_for()
    go(page, "Now")
    say(zalo, stranger, "em hỏi chút")
    assert answers(zalo, 1) == ["em hỏi chút"]
    feed.get_by_text("turn: sent at").wait_for()

    page.get_by_role("link", name="Pause or resume", exact=True).first.click()
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Resume").wait_for()
    say(zalo, stranger, "còn đó không")
    go(page, "Why")
    page.get_by_text("waiting for the agent, held").wait_for()
    page.get_by_role("link", name="Pause or resume", exact=True).first.click()
    page.get_by_role("button", name="Resume").click()
    assert answers(zalo, 1) == ["còn đó không"]

    channel = {"dmPolicy": "pairing", "groupPolicy": "disabled", "outbound": "approve"}
    listen = json.loads(json.dumps({"enabled": True, "listen": "127.0.0.1:0"}))
    (state / "config.json5").write_text(json.dumps({"channels": {"zalouser": channel}, "console": listen}))
    go(page, "Now")
    page.get_by_text("approve (from channels.zalouser.outbound").first.wait_for()
    say(zalo, stranger, "một câu nữa")
    go(page, "Drafts")
    while not page.get_by_role("link", name="Edit").count():
        page.reload()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Text, in markdown").fill("chủ tài khoản viết lại")
    page.get_by_role("button", name="Keep this text").click()
    page.get_by_role("button", name="Send it").click()
    assert answers(zalo, 1) == ["chủ tài khoản viết lại"]
    assert watched.told == []
    assert len(watched.hosts) == 1


@pytest.mark.parametrize(("width", "height", "scheme"), SCREENS)
def test_every_page_fits_its_screen_and_keeps_nobody_out(
    chromium: Browser, console: str, zalo: Simulator, axe: str, width: int, height: int, scheme: str
) -> None:
    page = opened(chromium, console, width, height, scheme)
    watched = Watched(page)
    stranger = person(zalo, "Người có một cái tên rất dài để xem nó có vừa màn hình không", friend=False)
    say(zalo, stranger, "xin chào " * 20)
    zalo.wait("sent")
    base = page.url.rstrip("/")
    shots = os.environ.get("SCREENSHOTS")
    for path in PAGES:
        page.goto(base + path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        if shots:
            name = path.partition("?")[0].strip("/").replace("/", "-") or "now"
            page.screenshot(path=f"{shots}/{name}-{width}-{scheme}.png", full_page=True)
    for path in PAGES:
        page.goto(base + path)
        assert faults(page, axe) == [], path
    page.get_by_role("button", name="Tiếng Việt").click()  # its words are longer
    for narrow in (width, min(width, 320)):
        page.set_viewport_size({"width": narrow, "height": height})
        for path in PAGES:
            page.goto(base + path)
            assert page.locator("html").get_attribute("lang") == "vi"
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, narrow)
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_role("button", name="English").click()
    page.goto(base + LOGIN)
    page.get_by_role("button", name="Show a new code").click()
    page.get_by_role("img", name="The QR code to scan").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert faults(page, axe) == []
    if shots:
        page.screenshot(path=f"{shots}/login-code-{width}-{scheme}.png", full_page=True)
    page.goto(base + RITUAL)
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("write any text to").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert faults(page, axe) == []
    if shots:
        page.screenshot(path=f"{shots}/ritual-step-{width}-{scheme}.png", full_page=True)
    assert watched.told == []
    assert len(watched.hosts) == 1


def test_a_login_and_a_ritual_by_pages_that_come_again_without_javascript(
    chromium: Browser, new_console: str, zalo: Simulator
) -> None:
    page = chromium.new_context(java_script_enabled=False, locale="vi-VN").new_page()
    page.goto(new_console)
    page.locator("main form button").click()
    base = page.url.rstrip("/")
    page.goto(base + LOGIN)
    page.locator("form[action='/login/begin'] button").click()
    page.locator("input[name=expendable][value=yes]").check(timeout=PATIENCE * 1000)
    page.locator("form[action='/login/accept'] button").click()
    page.locator(".code img").wait_for()
    zalo.do("/scan")
    page.get_by_text("Nguyễn Minh Anh").wait_for()
    zalo.do("/confirm")
    page.locator("li.reached").nth(4).wait_for()
    page.goto(base + RITUAL)
    page.locator("input[value=probe]").check()
    page.locator("form[action='/ritual/begin'] button").click()
    page.locator("li.passed").wait_for()
    page.locator("p.said strong").wait_for()


def test_everything_can_be_read_and_done_without_javascript(
    chromium: Browser, console: str, zalo: Simulator
) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="vi-VN")
    page = context.new_page()
    page.goto(console)
    page.locator("main form button").click()
    stranger = person(zalo, "Lan", friend=False)
    say(zalo, stranger, "xin chào")
    zalo.wait("sent")
    page.goto(page.url)
    assert "Lan" in page.locator("ul.feed").inner_text()
    assert page.locator("html").get_attribute("lang") == "vi"
    page.goto(page.url.rstrip("/") + "/people")
    page.locator("form[action='/people/approve'] button").click()
    page.locator(".said").wait_for()
    say(zalo, stranger, "em đây")
    assert answers(zalo, 1) == ["em đây"]
