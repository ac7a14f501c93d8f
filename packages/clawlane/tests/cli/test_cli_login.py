"""`channels login` as a person types it: the risk, the code, and what is kept."""

from __future__ import annotations

import asyncio
import os
import signal
import stat

import pytest
from packages.clawlane.tests.cli.signals import send_until_ended
from packages.clawlane.tests.cli.terminal import OPENCLAW, Terminal

from end_to_end.forks import warm

_LINKED = ["qr", "scanned", "confirmed", "42"]
_NO_TERMINAL = (
    "the risk has to be accepted first, and there is no terminal to ask; in scripts add --accept-risk"
)


def test_a_login_tells_risk_host_account_and_every_step(perch) -> None:
    perch.script(*_LINKED)
    told = perch("channels login --channel parrot --accept-risk")
    assert told.code == 0
    wanted = [
        "A parrot is loud",
        "Neighbours may ban it.",
        "The official way is a goldfish.",
        f"Linking parrot on {os.uname().nodename}: account 'default', profile 'default'.",
        f"As a picture: {perch.paths.qr_dir}",
        "█████",
        "Waiting for the scan; the code is valid for",
        "Scanned by Nguyễn Văn [31mAn. Confirm the login on the phone.",
        "Linked as Nguyễn Văn An (42).",
        "Start the gateway: openclaw gateway run",
    ]
    places = [told.out.index(text) for text in wanted]
    assert places == sorted(places)


def test_a_login_keeps_the_session_sealed_and_the_risk_recorded(perch) -> None:
    perch.link()
    assert asyncio.run(perch.vault().read()) == b"feathers"
    assert perch.vault().identity() == ("42", "Nguyễn Văn An")
    assert perch.consent() == {"user": "42", "expendable": "not asked", "how": "--accept-risk"}


def test_the_picture_of_the_code_is_private_and_gone_at_the_end(perch) -> None:
    perch.link()
    assert stat.S_IMODE(perch.paths.qr_dir.stat().st_mode) == 0o700
    assert list(perch.paths.qr_dir.iterdir()) == []


def test_an_account_that_is_linked_says_as_whom_and_shows_no_code(perch) -> None:
    perch.link()
    perch.script("expired")
    told = perch("channels login --channel parrot")
    assert told.code == 0
    assert "is already linked as Nguyễn Văn An (42), profile 'default'." in told.out
    assert "--force" in told.out


def test_force_shows_a_new_code_and_replaces_the_session(perch) -> None:
    perch.link()
    perch.script(*_LINKED)
    assert "Linked as" in perch("channels login --channel parrot --force").out


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("expired", "the QR code expired before it was scanned and confirmed"),
        ("declined", "the login was declined on the phone"),
        ("failed", "the login failed (getLoginInfo): the server said 600"),
    ],
)
def test_a_login_that_comes_to_nothing_is_one_line_with_the_command(perch, step: str, told: str) -> None:
    perch.script("qr", step)
    found = perch("channels login --channel parrot --accept-risk")
    assert (found.code, found.err) == (
        1,
        f"error: {told}; try again: openclaw channels login --channel parrot\n",
    )
    assert perch.vault().identity() is None


def test_without_a_terminal_the_risk_needs_the_flag(perch) -> None:
    perch.script(*_LINKED)
    command = [OPENCLAW, "channels", "login", "--channel", "parrot"]
    done = warm.run(command, new_modules=True, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        f"error: {_NO_TERMINAL}\n",
    )
    assert "Neighbours may ban it." in done.stdout


def test_another_id_has_the_risk_accepted_again_before_anything_is_stored(perch) -> None:
    perch.link()
    perch.script("qr", "43")
    told = perch("channels login --channel parrot --force --accept-risk")
    assert "The risk was accepted for another user (42), so you are asked again" in told.out
    assert perch.consent()["user"] == "43"
    assert perch.vault().identity() == ("43", "Nguyễn Văn An")


def test_another_id_is_not_stored_while_nobody_accepts_its_risk(perch) -> None:
    perch.link()
    perch.script("qr", "43")
    command = [OPENCLAW, "channels", "login", "--channel", "parrot", "--force"]
    done = warm.run(command, new_modules=True)
    assert done.returncode == 1
    assert perch.vault().identity() == ("42", "Nguyễn Văn An")
    assert perch.consent()["user"] == "42"


def test_a_login_in_json_is_one_object_a_step_and_carries_the_risk(perch) -> None:
    perch.script(*_LINKED)
    told = perch("channels login --channel parrot --accept-risk --json")
    assert [row["step"] for row in told.json] == [
        "risk", "begin", "qr", "scanned", "confirmed", "linked", "note",
    ]  # fmt: skip
    assert "secret-token" not in told.out


def test_on_a_terminal_the_risk_is_asked_and_the_answers_recorded(perch) -> None:
    perch.script(*_LINKED)
    terminal = Terminal("channels", "login", "--channel", "parrot")
    terminal.until("Type yes to go on")
    terminal.type("yes\n")
    terminal.until("Is this account expendable")
    terminal.type("n\n")
    assert terminal.finish() == 0, terminal.seen
    assert "\x1b[38;5;16;48;5;231m" in terminal.seen
    assert perch.consent() == {"user": "42", "expendable": "no", "how": "terminal"}


def test_anything_but_yes_does_nothing(perch) -> None:
    perch.script(*_LINKED)
    terminal = Terminal("channels", "login", "--channel", "parrot")
    terminal.until("Type yes to go on")
    terminal.type("y\n")
    assert terminal.finish() == 1
    assert "the risk was not accepted, so nothing was done" in " ".join(terminal.seen.split())
    assert not perch.paths.consent_dir.exists()


def test_ctrl_c_ends_quietly(perch) -> None:
    terminal = Terminal("channels", "login", "--channel", "parrot")
    terminal.until("Type yes to go on")
    send_until_ended(terminal.process, signal.SIGINT)
    assert terminal.finish() == 130
    assert "Traceback" not in terminal.seen


def test_a_login_without_a_block_says_that_the_channel_is_off(perch) -> None:
    perch.paths.config_file.unlink()
    perch.script(*_LINKED)
    told = perch("channels login --channel parrot --accept-risk")
    assert told.code == 0
    assert "{ channels: { parrot: { enabled: true } } }" in told.out


def test_a_session_that_the_platform_ended_gets_a_new_code_without_force(perch) -> None:
    perch.link()
    perch.setenv("PARROT_PROBE", "expired")
    perch.script(*_LINKED)
    told = perch("channels login --channel parrot")
    assert (told.code, "The stored session has expired, so here is a new code" in told.out) == (0, True)
    assert "Linked as" in told.out


def test_a_platform_that_does_not_answer_is_no_reason_for_a_new_code(perch) -> None:
    perch.link()
    perch.setenv("PARROT_PROBE", "down")
    assert "is already linked" in perch("channels login --channel parrot").out
