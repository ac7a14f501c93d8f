"""What stands on a screen of a given size: the login with its QR code, tables, colours, and pipes."""

from __future__ import annotations

import re

import pytest

from checklist.desk import Desk
from end_to_end.terminal import ENTER, terminal

SIZES = [(80, 24), (120, 40)]
TABLES = (
    "channels list --all",
    "channels status",
    "pairing list",
    "outbox list --all",
    "sessions list",
    "plugins list",
    "directory peers list",
    "directory groups list",
    "why --last 5",
    "doctor",
    "agent list",
)
pytestmark = pytest.mark.long


@pytest.mark.row("S14", "S19", "S21", "S10", "S12")
@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_a_login_at_a_terminal_asks_shows_the_code_and_says_whose(
    bare: Desk, columns: int, rows: int
) -> None:
    bare.write("{ channels: { zalouser: { enabled: true } } }")
    bare.install()
    seen = bare.zalo.since(0)
    bare.zalo.seen = seen[-1]["seq"] if seen else 0
    words = ["channels", "login", "--channel", "zalouser", "--force"]
    with terminal(bare.operator.command(*words), bare.operator.env, columns, rows) as login:
        if not (bare.state / "consent").exists():
            login.shows("suspend or ban", "Bot API")
            login.press("yes", ENTER)
            login.shows("do without it")
            login.press("yes", ENTER)
        bare.zalo.wait("qrshown")
        login.shows("profile", "default")
        bare.zalo.do("/scan")
        bare.zalo.do("/confirm")
        assert login.ended() == 0
        paths = [line for line in login.printed if str(bare.state) in line]
        assert [line for line in login.printed if len(line) > columns and line not in paths] == []
        assert any(re.search("[█▀▄]{10}", line) for line in login.printed)
    assert bare.account()["risk"]["expendable"] == "yes"


@pytest.mark.parametrize(("columns", "rows"), SIZES)
@pytest.mark.parametrize("words", TABLES)
def test_what_is_listed_fits_the_screen_and_breaks_no_word(
    desk: Desk, words: str, columns: int, rows: int
) -> None:
    command = desk.operator.command(*words.split())
    with terminal(command, desk.operator.env, columns, rows) as shown:
        shown.ended()
        lines = shown.printed
    assert any(lines)
    assert [line for line in lines if len(line) > columns] == []


@pytest.mark.parametrize("words", TABLES)
def test_colours_are_for_terminals_that_want_them(desk: Desk, words: str) -> None:
    assert "\x1b" not in desk.run(*words.split()).stdout
    desk.operator.env["NO_COLOR"] = "1"
    try:
        with terminal(desk.operator.command(*words.split()), desk.operator.env) as shown:
            shown.ended()
            assert not re.search(rb"\x1b\[(3|4|9)\d", shown.raw)
    finally:
        del desk.operator.env["NO_COLOR"]
