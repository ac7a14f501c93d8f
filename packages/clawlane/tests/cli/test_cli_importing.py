"""`import`: config and senders of OpenClaw, beside what is here, and what is refused."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from clawlane.clock import now_ms
from clawlane.store.sqlite.marker import IMPORTING
from openclaw_home import OpenClawHome, tree

CONFIG = """\
// OpenClaw
{
  meta: { lastTouchedVersion: '2026.9.6' },
  gateway: { port: 1, mode: 'local' },
  channels: {
    telegram: { botToken: '123:abc' },
    parrot: {
      dmPolicy: 'pairing', // strangers ask
      allowFrom: ['parrot:100000000000001'],
      groups: { '900': { requireMention: false } },
    },
  },
}
"""
LAN, BINH, HOA = "100000000000001", "100000000000002", "100000000000003"
SOON = 60_000


@pytest.fixture
def home(perch, tmp_path: Path) -> OpenClawHome:
    perch.paths.config_file.unlink()
    made = OpenClawHome.at(tmp_path / "openclaw", CONFIG)
    made.allow("parrot", ["parrot:" + BINH, BINH])
    made.pend("parrot", made.request(HOA, "ABCDEFGH", now_ms() - SOON, "Hoa"))
    return made


def people(perch) -> tuple[list[str], dict[str, str]]:
    """Who is approved, and who waits with which code."""
    approved = [one["sender_id"] for one in perch("pairing approved --json").json[0]["approved"]]
    requests = perch("pairing list parrot --json").json[0]["requests"]
    return approved, {one["sender_id"]: one["code"] for one in requests}


def test_config_and_senders_come_over(perch, home: OpenClawHome) -> None:
    before = tree(home.root)
    told = perch(f"import {home.root} --yes")
    assert told.code == 0, told.err
    for line in (
        "left out: channels.telegram (line 6): OpenClaw has this channel, clawlane does not",
        "left out: gateway.port (line 4): OpenClaw has this key, clawlane does not",
        f"parrot/default: 1 person is approved: {BINH}",
        f"Still waiting, with the code they have: Hoa ({HOA})",
        "note: parrot/default: groupPolicy is not set.",
        "Imported: 1 approved, 1 waiting.",
    ):
        assert line in told.out
    assert "123:abc" not in told.out + told.err
    assert "ABCDEFGH" not in told.out
    assert "// strangers ask" in perch.paths.config_file.read_text()
    assert people(perch) == ([BINH], {HOA: "ABCDEFGH"})
    assert tree(home.root) == before
    assert perch("config validate").code == 0
    record = perch("audit show --json").json[0]["entries"]
    changes = [(one["what"], one["details"].get("sender_id")) for one in record if one["kind"] == "approval"]
    assert changes == [("imports.approve", BINH), ("imports.request", HOA)]
    assert perch("audit verify").code == 0
    again = perch(f"import {home.root} --yes")
    assert (again.code, "There is nothing to import" in again.out) == (0, True)


def test_a_dry_run_changes_nothing(perch, home: OpenClawHome) -> None:
    before = tree(home.root, perch.paths.state)
    told = perch(f"import {home.root} --dry-run --json")
    assert tree(home.root, perch.paths.state) == before
    assert told.json[0]["written"] is False
    assert [one["id"] for one in told.json[0]["approved"]] == [BINH]
    assert [one["id"] for one in told.json[0]["waiting"]] == [HOA]
    assert perch(f"import {home.root} --dry-run").code == 0
    assert tree(home.root, perch.paths.state) == before


def test_senders_come_from_its_sqlite_file_and_its_log(perch, tmp_path: Path) -> None:
    perch.configure("{}")
    home = OpenClawHome.at(tmp_path / "openclaw", CONFIG)
    request = home.request(HOA, "ABCDEFGH", now_ms() - SOON, "Hoa")
    with home.store() as db:  # open, so that nothing leaves the log
        home.store_people("parrot", [LAN], [request], "default")
        before = tree(home.root)
        told = perch(f"import {home.root} --yes")
        assert told.code == 0, told.err
        assert tree(home.root) == before
        db.execute("SELECT 1")
    assert people(perch) == ([LAN], {HOA: "ABCDEFGH"})


def test_what_is_here_stays(perch, home: OpenClawHome) -> None:
    here = "{ dmPolicy: 'allowlist', allowFrom: ['7'], groups: { '900': { requireMention: true } } }"
    perch.configure(here)
    assert perch(f"pairing reject parrot {BINH} --account default --block").code == 0
    told = perch(f"import {home.root} --yes")
    assert told.code == 0, told.err
    for line in (
        "kept: channels.parrot.dmPolicy: says something else here, and stays",
        "kept: channels.parrot.allowFrom: says something else here, and stays",
        "kept: channels.parrot.groups['900'].requireMention: says something else here, and stays",
        f"kept: parrot/default: {BINH}: was turned away here, and stays so",
    ):
        assert line in told.out
    assert perch.paths.config_file.read_text().startswith(f"{{ channels: {{ parrot: {here} }}")
    assert people(perch) == ([], {HOA: "ABCDEFGH"})


def test_what_is_missing_here_is_added_and_what_it_opens_is_said(perch, home: OpenClawHome) -> None:
    perch.configure("{ dmPolicy: 'pairing' }")
    told = perch(f"import {home.root} --yes")
    assert told.code == 0, told.err
    assert "DMs: 1 person is answered without a pairing code" in told.out
    assert perch("config get channels.parrot.allowFrom --json").json[0]["value"] == [f"parrot:{LAN}"]


def test_nobody_is_let_in_without_a_yes(perch, home: OpenClawHome) -> None:
    before = tree(home.root, perch.paths.state)
    told = perch(f"import {home.root}")
    assert (told.code, "say so with --yes" in told.err) == (1, True)
    assert tree(home.root, perch.paths.state) == before


def test_an_open_policy_that_lets_in_a_few_there_lets_in_no_more_here(perch, home: OpenClawHome) -> None:
    home.configure(CONFIG.replace("'pairing'", "'open'"))
    told = perch(f"import {home.root} --yes")
    assert "changed: channels.parrot.dmPolicy (line 8): 'open' without '*' lets in only allowFrom" in told.out
    assert perch("config get channels.parrot.dmPolicy").out == "allowlist\n"


def test_accounts_that_are_new_bring_their_settings_along(perch, home: OpenClawHome) -> None:
    perch.configure("{ allowFrom: ['7'], accounts: { home: {} } }")
    home.configure(
        "{ gateway: { port: 1 }, channels: { parrot: { dmPolicy: 'disabled', allowFrom: ['8'],"
        " accounts: { work: { historyLimit: 5 }, Home: { historyLimit: 6 } } } } }"
    )
    home.allow("parrot", [LAN], "work")
    told = perch(f"import {home.root} --yes")
    assert told.code == 0, told.err
    assert perch("config get channels.parrot.accounts --json").json[0]["value"] == {
        "home": {"dmPolicy": "disabled", "historyLimit": 6},
        "work": {"dmPolicy": "disabled", "allowFrom": ["8"], "historyLimit": 5},
    }
    assert perch("config get channels.parrot.allowFrom --json").json[0]["value"] == ["7"]
    assert "kept: channels.parrot.accounts.home.allowFrom: says something else here" in told.out
    assert "left out: senders of parrot: they name no account, and there are several" in told.out
    approved = perch("pairing approved --json").json[0]["approved"]
    assert [(one["account"], one["sender_id"]) for one in approved] == [("parrot/work", LAN)]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("*", "'*' would let anybody in"),
        ("Lan", "is no id"),
        ("", "is no id"),
        (None, "is no id"),
        (True, "is no id"),
        (-5, "is no id"),
        (1.5, "is no id"),
        ({"id": LAN}, "is no id"),
        ("1" * 33, "is no id"),
        ("١٢٣", "is no id"),
        (1471383327500481391, "a number of this length has lost its last digits"),
    ],
)
def test_an_entry_that_is_no_id_lets_nobody_in(perch, home: OpenClawHome, entry: object, why: str) -> None:
    home.allow("parrot", [entry])
    home.pend("parrot")
    told = perch(f"import {home.root} --yes")
    assert f"left out: credentials/parrot-allowFrom.json[0]: {why}" in told.out
    assert people(perch) == ([], {})


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({}, "is no id"),
        ({"id": HOA}, "has no pairing code"),
        ({"id": HOA, "code": "lower!"}, "has no pairing code"),
        ({"id": HOA, "code": "ABCDEFGH"}, "does not say since when it waits"),
        ({"id": HOA, "code": "ABCDEFGH", "createdAt": "yesterday"}, "does not say since when it waits"),
        ({"id": HOA, "code": "ABCDEFGH", "createdAt": 1}, "its code has expired"),
        ({"id": HOA, "code": "ABCDEFGH", "createdAt": 1e16}, "does not say since"),
        (
            {"id": HOA, "code": "ABCDEFGH", "createdAt": 8e15, "meta": {"accountId": "../x"}},
            "is for an account whose name is none",
        ),
    ],
)
def test_a_request_that_is_none_waits_nowhere(
    perch, home: OpenClawHome, request_: dict[str, object], why: str
) -> None:
    home.pend("parrot", request_)
    told = perch(f"import {home.root} --yes")
    assert "left out: credentials/parrot-pairing.json[0]: " in told.out
    assert why in told.out
    assert people(perch) == ([BINH], {})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "line 1 is broken"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"allowFrom": [NaN]}', "NaN is no number"),
        ('{"allowFrom": [], "allowFrom": ["1"]}', "a key stands in it twice"),
        ('{"allowFrom": [' + "9" * 5000 + "]}", "digits"),
        ('{"allow": []}', "has no list `allowFrom`, so its form is not known here"),
        ("7", "has no list `allowFrom`"),
        (json.dumps({"allowFrom": ["1"] * 10_001}), "has more than 10000 entries"),
        (" " * (5 << 20), "is larger than 4 MB"),
    ],
)
def test_a_file_that_cannot_be_read_ends_it_in_one_line(
    perch, home: OpenClawHome, text: str, why: str
) -> None:
    home.write("parrot-allowFrom.json", text)
    before = tree(perch.paths.state)
    told = perch(f"import {home.root} --yes")
    assert told.code == 1
    assert (len(told.err.splitlines()), why in told.err) == (1, True), told.err[:300]
    assert tree(perch.paths.state) == before


def test_links_and_folders_in_the_place_of_files_end_it_in_one_line(
    perch, home: OpenClawHome, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text('{"allowFrom": ["1"]}')
    file = home.root / "credentials" / "parrot-allowFrom.json"
    for make, why in (
        (lambda: file.symlink_to(outside), "leads out of that folder"),
        (lambda: file.symlink_to(file), "is a link that leads nowhere"),
        (file.mkdir, "is not a regular file"),
        (lambda: os.mkfifo(file), "is not a regular file"),
    ):
        file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
        make()
        told = perch(f"import {home.root} --yes")
        assert (told.code, len(told.err.splitlines()), why in told.err) == (1, 1, True), told.err


def test_a_damaged_or_foreign_sqlite_file_ends_it_in_one_line(perch, home: OpenClawHome) -> None:
    file = home.root / "state" / "openclaw.sqlite"
    file.parent.mkdir()
    file.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    told = perch(f"import {home.root} --yes")
    assert (told.code, len(told.err.splitlines())) == (1, 1)
    assert "cannot be read as an SQLite file" in told.err
    file.unlink()
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE channel_pairing_allow_entries (who TEXT)")
    told = perch(f"import {home.root} --yes")
    assert (told.code, len(told.err.splitlines())) == (1, 1)
    assert "its form is not known here" in told.err


@pytest.mark.parametrize("place", ["nothing", "file", "empty", "state"])
def test_what_is_no_folder_of_openclaw_is_refused(perch, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    told = perch(f"import {tmp_path / place} --yes")
    assert (told.code, len(told.err.splitlines())) == (1, 1)


def test_a_login_is_refused_while_openclaw_runs_and_senders_are_not(perch, home: OpenClawHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        home.configure(CONFIG.replace("port: 1,", f"port: {port},"))
        told = perch(f"import {home.root} --yes --with-session --accept-risk")
        assert (told.code, f"something listens on port {port}" in told.err) == (1, True)
        assert not perch.paths.config_file.exists()
    file = home.root / "state" / "openclaw.sqlite"
    with home.store():
        script = "import sys; held = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
        with subprocess.Popen(
            [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holding:
            assert holding.stdout is not None
            assert holding.stdin is not None
            assert holding.stdout.readline() == b"open\n"
            told = perch(f"import {home.root} --yes --with-session --accept-risk")
            assert (told.code, f"process {holding.pid} has files of" in told.err) == (1, True)
            assert perch(f"import {home.root} --yes").code == 0
            holding.stdin.close()


def test_an_import_that_was_cut_off_keeps_the_gateway_from_starting(perch, home: OpenClawHome) -> None:
    (perch.paths.state / IMPORTING).write_text("{")
    perch.configure("{}")
    assert "cannot be used" in perch(f"import {home.root} --yes").err
    told = perch("gateway run")
    assert (told.code, "an import was cut off" in told.err) == (1, True)
    assert "an import was cut off" in perch("doctor").out
