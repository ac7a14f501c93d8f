"""`openclaw audit`: what left and what was changed, shown, checked and exported."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from packages.clawlane.tests.cli.conftest import Perch

from clawlane.clock import now_ms
from clawlane.messages import Person, Receipt, Text, Thread, ThreadKind
from clawlane.store import directory, outbox, sending
from clawlane.store.database import open_store
from clawlane.store.models import Purpose

LANE = "parrot/default"
LAN = Thread(ThreadKind.DM, "11")
WORK = Thread(ThreadKind.GROUP, "77")


async def _sent(perch: Perch, *texts: str, thread: Thread = LAN) -> None:
    async with (
        open_store(perch.paths.store, perch.paths.lock_file, now_ms) as store,
        store.own(LANE) as account_store,
    ):
        await account_store.run(directory.keep_peers, [Person(LAN.id, "Lan Nguyễn")])
        for text in texts:
            [chunk] = await account_store.run(outbox.queue, None, [Text(thread, text)], Purpose.OPERATOR)
            await account_store.run(sending.begin, [chunk])
            await account_store.run(sending.sent, chunk, Receipt((f"m{chunk}",)))


def sent(perch: Perch, *texts: str, thread: Thread = LAN) -> None:
    asyncio.run(_sent(perch, *texts, thread=thread))


def cut(perch: Perch, number: int) -> None:
    """Remove an entry as somebody who knows how."""
    with closing(sqlite3.connect(perch.paths.store, isolation_level=None)) as db:
        (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_log_kept'").fetchone()
        db.execute("DROP TRIGGER audit_log_kept")
        db.execute("DELETE FROM audit_log WHERE number = ?", (number,))
        db.execute(sql)


def test_without_a_record_there_is_nothing_to_show_and_nothing_wrong(perch: Perch) -> None:
    assert perch("audit show").out == "Nothing of that is in the record.\n"
    assert perch("audit verify").out == "Nothing is recorded yet.\n"
    assert perch("audit export").out == ""
    told = perch("audit verify --account work")
    assert (told.code, told.err) == (
        1,
        "error: nothing is recorded of an account 'work'; see: openclaw audit show\n",
    )


def test_a_login_and_a_logout_are_recorded(perch: Perch) -> None:
    perch.link()
    perch("channels logout --channel parrot")
    entries = perch("audit show --kind login --json").json[0]["entries"]
    assert [(one["what"], one["who"]) for one in entries] == [("logged_in", "cli"), ("logged_out", "cli")]
    assert entries[0]["details"]["id"] == "42"
    assert entries[0]["config"] == entries[1]["config"] != ""


def test_sends_are_shown_with_names_beside_ids_and_without_texts(perch: Perch) -> None:
    sent(perch, "mật khẩu là 1234")
    told = perch("audit show")
    assert "dm:11 (Lan Nguyễn)" in told.out
    assert "mật" not in told.out
    assert "1234" not in told.out


def test_it_fits_into_80_columns(perch: Perch, monkeypatch: pytest.MonkeyPatch) -> None:
    perch.link()
    sent(perch, "một", "hai")
    monkeypatch.setenv("COLUMNS", "80")
    for line in ("audit show", "audit verify", "audit --help", "audit show --help", "audit verify --help"):
        told = perch(line)
        assert max(map(len, told.out.splitlines())) <= 80, told.out


NARROWED = {
    "": [1, 2, 3],
    "--last 1": [3],
    "--thread dm:11": [1, 2],
    "--thread 77": [3],
    "--thread group:11": [],
    "--kind send": [1, 2, 3],
    "--kind approval": [],
    "--since 1h": [1, 2, 3],
    "--since 2999-01-01": [],
    "--account default": [1, 2, 3],
}


def test_what_is_shown_is_narrowed_down(perch: Perch) -> None:
    sent(perch, "một", "hai")
    sent(perch, "ba", thread=WORK)
    for options, numbers in NARROWED.items():
        [told] = perch(f"audit show --json {options}").json
        assert [one["number"] for one in told["entries"]] == numbers, options


def test_a_text_that_one_has_finds_its_send(perch: Perch, tmp_path: Path) -> None:
    sent(perch, "không", "đồng ý", "không")
    text = tmp_path / "text"
    text.write_text("đồng ý\n")
    [told] = perch(f"audit show --said {text} --json").json
    assert [one["number"] for one in told["entries"]] == [2]
    text.write_bytes(b"")
    assert perch(f"audit show --said {text}").err == "error: --said: there is no text\n"


def test_a_time_that_is_none_is_refused(perch: Perch) -> None:
    told = perch("audit show --since gestern")
    assert (told.code, told.err.startswith("error: --since 'gestern' is no time; write 30m")) == (1, True)


def test_a_whole_record_ends_with_0_and_a_cut_one_with_1_and_the_first_bad_entry(perch: Perch) -> None:
    sent(perch, "một", "hai", "ba")
    whole = perch("audit verify")
    assert whole.code == 0
    assert whole.out.startswith(f"{LANE}: 3 entries (1 to 3), whole\n  head 3:")
    cut(perch, 2)
    told = perch("audit verify")
    assert told.code == 1
    assert told.out.splitlines()[:2] == [
        f"{LANE}: 2 entries (1 to 3), NOT WHOLE",
        "  entry 2 is missing",
    ]
    [found] = perch("audit verify --json").json
    assert (found["ok"], found["exit_code"]) == (False, 1)
    assert found["accounts"][LANE]["faults"][0]["number"] == 2


def test_doctor_and_the_audit_of_safety_tell_of_an_end_that_is_missing(perch: Perch) -> None:
    sent(perch, "một", "hai", "ba")
    assert "record_cut" not in perch("doctor --json").out
    cut(perch, 3)
    for command in ("doctor", "security audit"):
        told = perch(command)
        assert told.code == 1
        assert "the end of its record, at entry 3, does not fit" in told.out
        assert "openclaw audit verify" in told.out


def test_a_head_that_was_noted_has_to_be_there(perch: Perch) -> None:
    sent(perch, "một", "hai")
    head = perch("audit verify").out.split()[-1]
    sent(perch, "ba")
    assert perch(f"audit verify --expect {head}").code == 0
    forged = f"{head[:-1]}{'0' if head[-1] != '0' else '1'}"
    told = perch(f"audit verify --expect {forged}")
    assert (told.code, "entry 2: it is not the one that you noted" in told.out) == (1, True)
    assert perch("audit verify --expect 2").err == (
        "error: '2' is no head: a head is NUMBER:HASH, as `openclaw audit verify` prints it\n"
    )


def test_an_export_is_private_and_can_be_checked_by_itself(perch: Perch, tmp_path: Path) -> None:
    sent(perch, "một", "hai", "ba")
    file = tmp_path / "record.jsonl"
    assert perch(f"audit export --out {file}").out == f"3 entries are in {file}.\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert perch(f"audit verify --file {file}").code == 0
    lines = file.read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3]
    file.write_text("\n".join((lines[0], lines[2])) + "\n")
    told = perch(f"audit verify --file {file}")
    assert (told.code, "entry 2 is missing" in told.out) == (1, True)
    file.write_text("\n".join((lines[0], lines[1].replace('"sent"', '"held"'), lines[2])) + "\n")
    assert "entry 2: it was changed" in perch(f"audit verify --file {file}").out
    file.write_text("\n".join((lines[1], lines[0], lines[2])) + "\n")
    assert "entry 1: it is not in its place" in perch(f"audit verify --file {file}").out


def test_a_file_that_is_no_export_is_named_with_the_line(perch: Perch, tmp_path: Path) -> None:
    sent(perch, "một")
    file = tmp_path / "record.jsonl"
    perch(f"audit export --out {file}")
    whole = file.read_text()
    for line in ("", "{", "[]", '{"account": 1}', "9" * 70_000, "[" * 60_000):
        file.write_text(f"{whole}{line}\n")
        told = perch(f"audit verify --file {file}")
        assert told.code == 1
        assert told.err.startswith("error: line 2 of record.jsonl is ")
        assert len(told.err.splitlines()) == 1


def test_an_export_that_cannot_be_written_leaves_nothing(perch: Perch, tmp_path: Path) -> None:
    sent(perch, "một")
    told = perch(f"audit export --out {tmp_path}/gone/record.jsonl")
    assert (told.code, told.out) == (1, "")
    assert not list(tmp_path.glob("**/*record.jsonl*"))
