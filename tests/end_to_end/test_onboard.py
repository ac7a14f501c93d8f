"""A newcomer at a terminal sets a lane up against the simulator, stops at any question, and goes on there."""

from __future__ import annotations

import json
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clawlane.config.source import read_source
from clawlane.zone import machine_zone
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import answers, person, say
from end_to_end.terminal import BACKSPACE, CTRL_C, DOWN, ENTER, TAB, Terminal, terminal

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),  # a terminal needs a fork
]
WELL_UNDER_15_MINUTES = 300.0
SIZES = pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])


@pytest.fixture
def newcomer(zalo: Simulator, state: Path) -> Operator:
    """Somebody without a state directory, without a config, without a plugin."""
    return Operator.at(state, zalo.network)


@contextmanager
def onboarding(newcomer: Operator, *words: str, columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    command = newcomer.command(*(words or ("onboard",)))
    with terminal(command, newcomer.env, columns, rows) as screen:
        yield screen


def accept_and_log_in(screen: Terminal, zalo: Simulator) -> None:
    """From the plugin to the login, as a newcomer answers."""
    screen.answer("Install @openclaw/zalouser?", ENTER)
    screen.answer("Do you accept this risk?", "yes", ENTER)
    screen.answer("Is this account expendable", "y", ENTER)
    screen.answer("Log in now?", ENTER)
    scan(screen, zalo)


def scan(screen: Terminal, zalo: Simulator) -> None:
    screen.shows("Waiting for the scan")
    assert_whole_code(screen.lines)
    zalo.do("/scan")
    zalo.do("/confirm")
    screen.shows("Linked as Nguyễn Minh Anh")


def assert_whole_code(lines: list[str]) -> None:
    """The code has its three corners where they belong; a fourth may be there by chance."""
    rows = [[found.start() for found in re.finditer("█▀▀▀▀▀█| ▄▄▄▄▄ ", line)] for line in lines]
    number, top = next((number, row) for number, row in enumerate(rows) if row)
    assert len(top) >= 2, "a corner of the code is missing above"
    assert any(top[0] in row for row in rows[number + 1 :]), "a corner of the code is missing below"


def config(state: Path) -> dict[str, Any]:
    return dict(read_source(state / "config.json5").data)


def far_from_now() -> str:
    """Quiet hours that do not fall into this test: what is answered there would wait."""
    hour = time.localtime().tm_hour
    return f"{(hour + 8) % 24:02}:00-{(hour + 10) % 24:02}:00"


@SIZES
def test_the_whole_walk_ends_in_a_lane_that_answers(
    newcomer: Operator, zalo: Simulator, state: Path, columns: int, rows: int
) -> None:
    friends = {one["name"]: one["uid"] for one in zalo.world()["people"]}
    lan, hung = friends["Trần Thị Lan"], friends["Lê Văn Hùng"]
    other_lan = person(zalo, "Trần Thị Lan")
    group = zalo.world()["groups"][0]["gid"]
    quiet = far_from_now()
    with onboarding(newcomer, columns=columns, rows=rows) as screen:
        accept_and_log_in(screen, zalo)
        screen.answer("Who may write to the account directly?", ENTER)
        screen.shows("Friends to admit", "Lê Văn Hùng", f"id {lan}", f"id {other_lan}")
        screen.press("tran thi lan")
        screen.shows("2 of 3, 0 marked")
        marked = screen.lines[row_of(screen, "> [ ]")]
        screen.press(TAB, ENTER)
        screen.answer("Who is sent the pairing code", ENTER)
        screen.answer("In which groups does the lane listen?", DOWN, ENTER)
        screen.answer("0 marked", "lam viec", TAB, ENTER)
        screen.answer("Who may speak in Nhóm Làm Việc", ENTER)
        screen.answer("Members of Nhóm Làm Việc", "hung", TAB, ENTER)
        screen.answer("What leaves of what the agent writes?", DOWN, ENTER)
        screen.answer("Quiet hours", BACKSPACE * 3 + quiet, ENTER)
        screen.answer("Time zone", ENTER)
        screen.answer("Who answers?", ENTER)
        screen.answer("How are people told that a program answers them?", ENTER)
        screen.answer("How do you want to be told of them?", ENTER)
        screen.answer("Take such commands from you?", ENTER)
        screen.answer("When does an edit of the config take effect?", ENTER)
        screen.shows("reload: 'ask'")
        screen.answer("Write", ENTER)
        screen.shows("Only you can read it")
        assert not (state / "setup").exists() or list((state / "setup").iterdir()) == []
        with Gateway(newcomer) as gateway:
            gateway.start()
            gateway.said("is ready")
            chosen = lan if str(lan) in marked else other_lan
            say(zalo, chosen, "chào em")
            [answer] = answers(zalo, 1)
            said = say_in(zalo, group, lan, hung)
            gateway.stop()
        press_to_the_end(screen)
    assert answer.endswith("\n\nchào em"), "the first answer tells that a program answers"
    assert [one.rpartition("\n\n")[2] for one in said] == ["@Nguyễn Minh Anh mấy giờ?"]
    told = config(state)
    assert told["channels"]["zalouser"] == {
        "enabled": True,
        "dmPolicy": "pairing",
        "allowFrom": [chosen],
        "pairing": {"reply": "friends-silent"},
        "groupPolicy": "allowlist",
        "groups": {group: {"requireMention": True, "allowFrom": [hung]}},
        "outbound": "auto",
        "acks": "on-reply",
        "ownerTakeover": "30m",
        "quietHours": {"from": quiet[:5], "to": quiet[-5:], "do": "hold"},
        "disclosure": "first",
        "pacing": {"warmUp": True},
        "ownerCommands": False,
    }
    assert told["timezone"] == machine_zone()
    assert modes(state) == {"state": 0o700, "config.json5": 0o600}


POLICIES = (
    *("--dm-policy", "pairing", "--pairing-reply", "code", "--group-policy", "disabled"),
    *("--outbound", "auto", "--quiet-hours", "off", "--timezone", "UTC", "--agent", "echo"),
    *("--disclosure", "off", "--reload", "ask", "--alerts", "off", "--owner-commands", "no"),
)


@pytest.mark.timeout(2 * WELL_UNDER_15_MINUTES)
def test_a_newcomer_ends_with_a_lane_that_is_proven(newcomer: Operator, zalo: Simulator) -> None:
    began = time.monotonic()
    someone = Operator({**newcomer.env, "ZALOWEB_CONTROL": f"127.0.0.1:{zalo.control}"})
    with onboarding(someone, "onboard", "--accept-risk", "--expendable", "yes", *POLICIES) as screen:
        screen.answer("Install @openclaw/zalouser?", ENTER)
        screen.answer("Log in now?", ENTER)
        zalo.wait("qrshown")
        zalo.do("/scan")
        zalo.do("/decline")
        screen.answer("Try again?", ENTER)
        zalo.wait("qrshown")
        scan(screen, zalo)
        screen.answer("Friends to admit", ENTER)
        screen.answer("Write", ENTER)
        screen.shows("-- Next --")
        if shutil.which("systemctl"):
            screen.answer("How do you want to run the gateway?", ENTER)
        screen.answer("Verify the lane now?", ENTER)
        screen.shows("Waiting until the gateway runs")
        with Gateway(someone) as gateway:
            gateway.start()
            screen.shows("Every step has passed in the rehearsal", within=180)
            assert screen.ended() == 0
            gateway.stop()
    assert time.monotonic() - began < WELL_UNDER_15_MINUTES


def row_of(screen: Terminal, text: str) -> int:
    return next(number for number, line in enumerate(screen.lines) if text in line)


def say_in(zalo: Simulator, group: str, lan: str, hung: str) -> list[str]:
    """Somebody who may not speak and somebody who may mention the account; the answers in the group."""
    say(zalo, lan, "@Nguyễn Minh Anh sao rồi?", group=group, mentions=["Nguyễn Minh Anh"])
    say(zalo, hung, "@Nguyễn Minh Anh mấy giờ?", group=group, mentions=["Nguyễn Minh Anh"])
    return answers(zalo, 1)


def press_to_the_end(screen: Terminal) -> None:
    """Leave the last questions, which are about a gateway and a check."""
    screen.press(CTRL_C)
    assert screen.ended() in (0, 130)


def modes(state: Path) -> dict[str, int]:
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in (state, state / "config.json5")}


QUESTIONS = (
    ("Install @openclaw/zalouser?", (ENTER,)),
    ("Do you accept this risk?", ("yes", ENTER)),
    ("Is this account expendable", ("n", ENTER)),
    ("Log in now?", ("n",)),
    ("Who may write to the account directly?", (DOWN, ENTER)),
    ("Who is answered?", ("820000000000000009", TAB, ENTER)),
    ("In which groups does the lane listen?", (ENTER,)),
    ("What leaves of what the agent writes?", (ENTER,)),
    ("Quiet hours", (ENTER,)),
    ("Time zone", (ENTER,)),
    ("Who answers?", (ENTER,)),
    ("How are people told that a program answers them?", (ENTER,)),
    ("How do you want to be told of them?", (ENTER,)),
    ("Take such commands from you?", (ENTER,)),
    ("When does an edit of the config take effect?", (ENTER,)),
    ("Write", (ENTER,)),
)
"""A walk without a login: each question, and the keys that answer it."""


def test_ctrl_c_at_each_question_keeps_what_was_done_and_goes_on_there(
    newcomer: Operator, state: Path
) -> None:
    answered: list[str] = []
    upcoming = [question for question, _ in QUESTIONS[1:]]
    for (question, keys), following in zip(QUESTIONS, upcoming, strict=False):
        with onboarding(newcomer) as screen:
            catch_up(screen, question, answered)
            screen.press(*keys)
            screen.answer(following, CTRL_C)
            assert screen.ended() == 130
            assert "Continue with: openclaw onboard" in screen.raw.decode()
        assert not (state / "config.json5").exists()
        answered.append(question)
    with onboarding(newcomer) as screen:
        catch_up(screen, "Write", answered)
        screen.press(ENTER)
        screen.shows("Only you can read it")
        assert screen.ended() == 0  # without a login there is nothing to verify
    block = config(state)["channels"]["zalouser"]
    assert (block["dmPolicy"], block["allowFrom"]) == ("allowlist", ["820000000000000009"])
    assert list((state / "setup").iterdir()) == []


def catch_up(screen: Terminal, question: str, answered: list[str]) -> None:
    """Go on with a setup that was stopped, as far as a question."""
    if answered[-1:] == ["Do you accept this risk?"]:  # both halves of the consent are kept together
        screen.answer("Do you accept this risk?", "yes", ENTER)
    if len(answered) > 4:
        screen.answer("Continue where you stopped?", ENTER)
    if "Log in now?" in answered:  # not an answer that is kept: the account is still not linked
        screen.answer("Log in now?", "n")
    screen.shows(question)


def test_starting_over_forgets_the_answers(newcomer: Operator, state: Path) -> None:
    with onboarding(newcomer, "onboard", "--accept-risk", "--expendable", "no", "--no-login") as screen:
        screen.answer("Install", ENTER)
        screen.answer("Who may write to the account directly?", DOWN, DOWN, ENTER)
        screen.answer("In which groups", CTRL_C)
        assert screen.ended() == 130
    (draft,) = (state / "setup").iterdir()
    assert stat.S_IMODE(draft.stat().st_mode) == 0o600
    with onboarding(newcomer, "onboard", "--no-login") as screen:
        screen.answer("dm policy: disabled", "n")
        screen.answer("Who may write to the account directly?", CTRL_C)
        assert screen.ended() == 130
    assert list((state / "setup").iterdir()) == []


def test_two_of_one_name_are_asked_about_with_their_ids(
    newcomer: Operator, zalo: Simulator, state: Path
) -> None:
    other = person(zalo, "Trần Thị Lan")
    with onboarding(newcomer, "onboard", "--allow-from", "trần thị lan", "--yes", "--no-verify") as screen:
        screen.answer("Do you accept this risk?", "yes", ENTER)
        screen.answer("Is this account expendable", "y", ENTER)
        scan(screen, zalo)
        screen.shows("Several are called trần thị lan. Which one?")
        screen.press(DOWN)
        screen.answer(f"id {other}", ENTER)
        screen.shows("Only you can read it")
        assert screen.ended() == 0
    assert config(state)["channels"]["zalouser"]["allowFrom"] == [other]


def test_an_unknown_name_is_told_with_those_that_are_near(linked: Operator, state: Path) -> None:
    (state / "config.json5").unlink()
    flags = ("--expendable", "yes", "--accept-risk", "--yes", "--allow-from")
    told = linked.run("onboard", *flags, "Lê Hùng").stdout
    assert "nobody the account knows is called 'Lê Hùng'; near: Lê Văn Hùng (" in told
    told = linked.run("onboard", *flags, "Trần Thị Lan").stdout
    assert not (state / "config.json5").read_text().count("Lê Văn Hùng")
    assert "// Trần Thị Lan" in (state / "config.json5").read_text()


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {}])
def test_colours_are_left_out_where_they_are_not_wanted(
    newcomer: Operator, zalo: Simulator, env: dict[str, str]
) -> None:
    someone = Operator({**newcomer.env, **env})
    with onboarding(someone) as screen:
        accept_and_log_in(screen, zalo)
        screen.answer("Who may write to the account directly?", ENTER)
        screen.answer("Friends to admit", "hung", TAB, CTRL_C)
        assert screen.ended() == 130
    assert bool(colours(screen.raw)) is not bool(env)


def colours(raw: bytes) -> set[str]:
    """The codes of colours among those that change how text looks."""
    codes = {code for found in re.findall(rb"\x1b\[([\d;]*)m", raw) for code in found.decode().split(";")}
    return {code for code in codes if re.fullmatch("[349][0-8]|10[0-7]", code)}


def test_a_dumb_terminal_is_asked_by_numbers(newcomer: Operator, zalo: Simulator, state: Path) -> None:
    person(zalo, "Trần Thị Lan")
    someone = Operator({**newcomer.env, "TERM": "dumb"})
    with onboarding(
        someone, "onboard", "--agent", "echo", "--disclosure", "off", "--reload", "ask"
    ) as screen:
        accept_and_log_in_typed(screen, zalo)
        screen.answer("Who may write to the account directly?", "2", ENTER)
        screen.answer("Name, numbers, or nothing", "lan", ENTER)
        screen.answer("Trần Thị Lan id", "1 2", ENTER)
        screen.answer("Chosen: Trần Thị Lan (", ENTER)
        screen.answer("In which groups does the lane listen?", ENTER)
        screen.answer("What leaves of what the agent writes?", ENTER)
        screen.answer("Quiet hours", ENTER)
        screen.answer("Time zone", ENTER)
        screen.answer("How do you want to be told of them?", ENTER)
        screen.answer("Take such commands from you?", ENTER)
        screen.answer("Write", ENTER)
        screen.shows("Only you can read it")
        screen.press(CTRL_C)
        assert screen.ended() in (0, 130)
    assert b"\x1b" not in screen.raw
    assert len(config(state)["channels"]["zalouser"]["allowFrom"]) == 2


def accept_and_log_in_typed(screen: Terminal, zalo: Simulator) -> None:
    screen.answer("Install @openclaw/zalouser?", ENTER)
    screen.answer("Do you accept this risk?", "yes", ENTER)
    screen.answer("Is this account expendable", "y", ENTER)
    screen.answer("Log in now?", ENTER)
    screen.shows("Waiting for the scan")
    zalo.do("/scan")
    zalo.do("/confirm")
    screen.shows("Linked as Nguyễn Minh Anh")


CONFIG = """\
// by hand
{
  channels: {
    zalouser: { enabled: true, dmPolicy: 'pairing', groupPolicy: 'disabled', name: 'Home' },
  },
  gateway: { reload: 'ask' },
}
"""


def test_one_more_account_beside_a_running_gateway_waits_for_a_word(
    linked: Operator, zalo: Simulator, state: Path
) -> None:
    (state / "config.json5").write_text(CONFIG)
    shop = zalo.do("/account", name="Cửa Hàng Mai")
    with Gateway(linked) as gateway:
        gateway.start()
        gateway.said("is ready")
        with onboarding(linked, "channels", "add", "--channel", "zalouser", "--no-verify") as screen:
            screen.answer("Name of the new account:", "default", ENTER)
            screen.answer("'default' is there already", *("\x7f" * len("default")), "shop", ENTER)
            screen.answer("Do you accept this risk?", "yes", ENTER)
            screen.answer("Is this account expendable", "y", ENTER)
            screen.answer("Log in now?", ENTER)
            screen.shows("Waiting for the scan")
            zalo.do("/scan", account=shop["uid"])
            zalo.do("/confirm", account=shop["uid"])
            screen.shows("Linked as Cửa Hàng Mai")
            screen.answer("Who may write to the account directly?", ENTER)
            screen.answer("Friends to admit", ENTER)
            screen.answer("Who is sent the pairing code", ENTER)
            screen.answer("In which groups does the lane listen?", ENTER)
            screen.answer("What leaves of what the agent writes?", ENTER)
            screen.answer("Quiet hours", ENTER)
            screen.answer("Time zone", ENTER)
            screen.answer("Who answers?", ENTER)
            screen.answer("How are people told that a program answers them?", ENTER)
            screen.answer("How do you want to be told of them?", ENTER)
            screen.answer("Take such commands from you?", ENTER)
            screen.answer("Change", ENTER)
            screen.answer("Apply it now?", ENTER)
            screen.shows("Applied")
            assert screen.ended() == 0
        gateway.said("zalouser/shop is ready")
        gateway.stop()
    text = (state / "config.json5").read_text()
    assert text.startswith("// by hand\n")
    accounts = config(state)["channels"]["zalouser"]["accounts"]
    assert accounts["default"] == {"name": "Home"}
    assert accounts["shop"]["dmPolicy"] == "pairing"


@pytest.mark.parametrize("typed", ["no", "yes"])
def test_a_login_asks_about_the_words_of_others_too_and_no_stops_it(
    installed: Operator, zalo: Simulator, state: Path, typed: str
) -> None:
    with onboarding(installed, "channels", "login", "--channel", "zalouser", rows=60) as screen:
        screen.shows("Words of people who never agreed", "(this machine)", "Do you accept this risk?")
        screen.press(typed, ENTER)
        if typed == "yes":
            screen.answer("Is this account expendable", "y", ENTER)
            scan(screen, zalo)
        else:
            screen.shows("the risk was not accepted, so nothing was done")
        assert screen.ended() == (0 if typed == "yes" else 1)
    kept = [json.loads(path.read_bytes()) for path in state.rglob("*.json") if "consent" in str(path)]
    assert [one["others"] for one in kept] == (["accepted"] if typed == "yes" else [])
