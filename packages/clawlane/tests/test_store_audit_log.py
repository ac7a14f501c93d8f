"""The record of an account: what is in it, that it is only added to, and what a check finds."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from packages.clawlane.tests.opened_store import (
    LANE,
    NOW,
    POSTGRES,
    SQLITE,
    Clock,
    current_engine,
    opened_store,
    raw,
    reading_in,
)

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.channel import Phase
from clawlane.config.choices import PairingReply
from clawlane.config.source import parse_source
from clawlane.messages import Inbound, Photos, Receipt, Text, Thread, ThreadKind
from clawlane.store import audit_heads, audit_log, events, inbox, outbox, pauses, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.audit_heads import Head, Heads
from clawlane.store.audit_log import Entry, Wanted, digest_of
from clawlane.store.audit_told import Checked, Kind, Note
from clawlane.store.errors import StoreUnusable
from clawlane.store.models import LostSend, NewMessage, Purpose
from clawlane.store.sql import Database
from clawlane.store.sqlite.replaced import explain
from clawlane.store.sqlite.reset import forget
from clawlane.store.told import Pause, PauseLevel

LAN = Thread(ThreadKind.DM, "11")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
SECRET = "mật khẩu là 1234"


async def send(account_store: AccountStore, text: str = SECRET, purpose: Purpose = Purpose.OPERATOR) -> int:
    """Queue a text and give it to the channel."""
    [chunk] = await account_store.run(outbox.queue, None, [Text(LAN, text)], purpose)
    await account_store.run(sending.begin, [chunk])
    return chunk


async def sent(account_store: AccountStore, text: str = SECRET) -> int:
    chunk = await send(account_store, text)
    await account_store.run(sending.sent, chunk, Receipt((f"m{chunk}",)))
    return chunk


def entries(folder: Path, account: str = LANE) -> list[Entry]:
    with reading_in(folder) as reader:
        return reader.recorded_after(account, 0, 10_000)


def check(folder: Path, account: str = LANE, expected: Head | None = None) -> Checked:
    with reading_in(folder) as reader:
        shared = current_engine() == POSTGRES
        return reader.record_checked(account, folder / "audit", expected, shared=shared)


def faults(folder: Path) -> list[tuple[str, int]]:
    return [(one.code, one.number) for one in check(folder).faults]


async def made(folder: Path) -> None:
    """A record of five sends."""
    async with opened_store(folder) as (_, account_store):
        for _ in range(5):
            await sent(account_store)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file, made once."""
    folder = tmp_path_factory.mktemp("five")
    asyncio.run(made(folder))
    return folder


@pytest.fixture
def five(engine: str, copied: Path, tmp_path: Path) -> Path:
    """A folder with a record of five sends, for one test."""
    if engine == SQLITE:
        return Path(shutil.copytree(copied, tmp_path, dirs_exist_ok=True))
    asyncio.run(made(tmp_path))
    return tmp_path


async def test_a_send_leaves_ids_and_a_digest_and_no_text(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (store, account_store):
        store.work_by("c0ffee")
        chunk = await sent(account_store)
    [entry] = entries(tmp_path)
    assert (entry.number, entry.at_ms, entry.kind, entry.what) == (1, NOW, "send", "sent")
    assert (entry.who, entry.config) == ("operator", "c0ffee")
    details = json.loads(entry.details)
    assert details == {
        "chunk": chunk,
        "thread": "dm:11",
        "purpose": "operator",
        "turn": None,
        "tries": 1,
        "messages": [f"m{chunk}"],
    }
    key = (tmp_path / "audit" / "key").read_bytes()
    assert entry.content == digest_of(key, LANE, 1, SECRET)
    assert entry.content != digest_of(b"", LANE, 1, SECRET)
    assert check(tmp_path).faults == ()


async def test_the_same_text_twice_has_two_digests_and_is_found_by_its_words(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_, account_store):
        await sent(account_store, "ok")
        await sent(account_store, "ok")
        await sent(account_store, "không")
    first, second, _ = entries(tmp_path)
    assert first.content != second.content
    with reading_in(tmp_path) as reader:
        key = audit_heads.read_key(tmp_path / "audit")
        found = reader.recorded(LANE, Wanted(content="ok"), 10, key)
        assert [one.number for one in found] == [1, 2]


async def test_every_outcome_of_a_send_is_an_entry(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_, account_store):
        await account_store.run(sending.refused, await send(account_store), "you are blocked")
        lost = await send(account_store)
        await account_store.run(sending.unknown, lost, LostSend("no answer"))
        await account_store.run(sending.unknown, lost, LostSend("no answer"))
    told = [(one.what, json.loads(one.details)["chunk"]) for one in entries(tmp_path)]
    assert told[0][0] == "refused"
    assert ("unknown", lost) in told
    assert "blocked" not in "".join(one.details for one in entries(tmp_path))


async def test_who_wanted_it_to_leave(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_, account_store):
        inbound = Inbound("default", "m1", LAN, LAN.id, "Lan", "chào", NOW)
        await account_store.run(inbox.admit_all, [NewMessage(inbound, ADMIT, PairingReply.CODE, NOW)])
        await account_store.run(turns.reply, 1, [Photos(LAN, ("/a/x-1.png", "/a/y-2.png"))])
        await account_store.run(sending.begin, [1])
        await account_store.run(sending.sent, 1, Receipt(("p1", "p2")))
        for purpose in (Purpose.CHALLENGE, Purpose.NOTICE, Purpose.COMMAND, Purpose.TOOL, Purpose.OPERATOR):
            chunk = await send(account_store, purpose=purpose)
            await account_store.run(sending.sent, chunk, Receipt(("m",)))
    found = entries(tmp_path)
    assert [one.who for one in found] == ["agent", "gateway", "gateway", "gateway", "agent", "operator"]
    assert json.loads(found[0].details)["messages"] == ["p1", "p2"]


async def test_changes_states_and_configs_are_in_it_with_who_asked(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (store, account_store):
        by_owner = account_store.by("owner", "pause.pause")
        await by_owner.run(pauses.pause, Pause(LANE, None, PauseLevel.MUTE, NOW, None))
        await account_store.run(events.note_state, NOW - 5, Phase.NEEDS_LOGIN, "session_expired")
        await account_store.run(events.note_state, NOW - 5, Phase.NEEDS_LOGIN, "session_expired")
        store.work_by("b2")
        applied = account_store.by("cli", "config.apply")
        await applied.run(events.note_config, "b2", events.Edit.IN_FORCE, {"dm_open": 3}, {})
    pause, state, config = entries(tmp_path)
    assert (pause.kind, pause.what, pause.who) == ("pause", "pauses.pause", "owner")
    assert json.loads(pause.details)["operation"] == "pause.pause"
    assert (state.kind, state.what, state.who) == ("state", "needs_login", "gateway")
    assert json.loads(state.details) == {"code": "session_expired", "since_ms": NOW - 5}
    assert (config.kind, config.what, config.who) == ("policy", "in_force", "cli")
    assert json.loads(config.details) == {"revision": "b2", "widens_dm_open": 3}


async def test_a_login_and_a_config_are_recorded_once(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (store, account_store):
        store.work_by("a1")
        for _ in range(2):
            await account_store.run(audit_log.note_config)
            await account_store.run(audit_log.note_login, "f" * 32, "900")
        await account_store.run(audit_log.note_logout)
        await account_store.run(audit_log.note_logout)
    assert [(one.kind, one.what) for one in entries(tmp_path)] == [
        ("policy", "in_force"),
        ("login", "logged_in"),
        ("login", "logged_out"),
    ]


async def test_a_config_that_says_the_same_on_another_machine_is_no_news(tmp_path: Path) -> None:
    pairing = b"channels: { zalouser: { dmPolicy: 'pairing' } }"
    one = parse_source(tmp_path / "a", b"{ node: { name: 'a' },\n  " + pairing + b" }")
    same = parse_source(tmp_path / "b", b"{ " + pairing + b", node: { name: 'b' } }")
    other = parse_source(tmp_path / "b", b"{ channels: { zalouser: { dmPolicy: 'open' } } }")
    async with opened_store(tmp_path) as (store, account_store):
        for source in (one, same, one, other, same):
            store.work_by(source.revision, source.substance)
            await account_store.run(audit_log.note_config)
    told = [(one.what, json.loads(one.details)["revision"]) for one in entries(tmp_path)]
    assert told == [("in_force", at.revision) for at in (one, other, same)]


async def test_what_fails_leaves_no_entry(tmp_path: Path) -> None:
    def fails(tx: audit_log.Tx) -> None:
        audit_log.add(tx, Kind.CHANGE, "x.y")
        raise ValueError("no")

    async with opened_store(tmp_path) as (_, account_store):
        first = account_store.run(sending.begin, [])
        with pytest.raises(ValueError, match="no"):
            await account_store.run(fails)
        await first
        await sent(account_store)
    assert [one.number for one in entries(tmp_path)] == [1]
    assert check(tmp_path).faults == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET who = 'x' WHERE number = 2",
        "DELETE FROM audit_log WHERE number = 2",
        "DELETE FROM audit_log WHERE number = 5",
        "INSERT INTO audit_log SELECT account, 9, at_ms, kind, what, who, details, config, content,"
        " previous, hash FROM audit_log WHERE number = 5",
        "INSERT INTO audit_log SELECT account, number, at_ms, 'x', what, who, details, config,"
        " content, previous, hash FROM audit_log WHERE number = 3",
    ],
)
def test_the_database_refuses_to_change_it(five: Path, statement: str) -> None:
    refused = pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match="record")
    with raw(five) as db, refused:
        db.execute(statement)


COLUMNS = ("at_ms", "kind", "what", "who", "details", "config", "content", "previous", "hash")


@pytest.mark.parametrize("column", COLUMNS)
def test_one_changed_byte_is_found_in_every_column(five: Path, column: str) -> None:
    with raw(five, guarded=False) as db:
        (value,) = db.execute(f"SELECT {column} FROM audit_log WHERE number = 3").fetchone()
        if isinstance(value, int):
            value ^= 1
        elif isinstance(value, bytes):
            value = bytes((value[0] ^ 1,)) + value[1:]
        else:
            value = value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
        db.execute(f"UPDATE audit_log SET {column} = ? WHERE number = 3", (value,))
    assert faults(five)[0] == ("changed", 3)


@pytest.mark.of_file
def test_a_byte_that_is_no_text_any_more_is_found(five: Path) -> None:
    with raw(five, guarded=False) as db:
        db.execute("UPDATE audit_log SET what = CAST(x'73ff' AS TEXT) WHERE number = 2")
        db.execute("UPDATE audit_log SET at_ms = 'soon' WHERE number = 4")
    assert faults(five)[0] == ("changed", 2)


@pytest.mark.of_file
def test_one_changed_byte_of_the_file_is_found(five: Path) -> None:
    file = five / "store.sqlite"
    content = file.read_bytes()
    at = content.rindex(b'"thread":"dm:11"')
    file.write_bytes(content[:at] + b'"thread":"dm:12"' + content[at + 16 :])
    assert len(faults(five)) == 1


def swap(db: Database) -> None:
    db.execute("UPDATE audit_log SET number = 99 WHERE number = 2")
    db.execute("UPDATE audit_log SET number = 2 WHERE number = 3")
    db.execute("UPDATE audit_log SET number = 3 WHERE number = 99")


def rewrite(db: Database) -> None:
    """Change the fourth entry, and give it a hash that fits."""
    row = db.execute(f"{audit_log.COLUMNS} WHERE number = 4").fetchone()
    forged = audit_log.entry_of((*row[:5], b"somebody", *row[6:]))
    db.execute("UPDATE audit_log SET who = 'somebody', hash = ? WHERE number = 4", (forged.own_hash(),))


TAMPERED: dict[str, tuple[Callable[[Database], object], tuple[str, int]]] = {
    "removed": (lambda db: db.execute("DELETE FROM audit_log WHERE number = 3"), ("missing", 3)),
    "first": (lambda db: db.execute("DELETE FROM audit_log WHERE number = 1"), ("missing", 1)),
    "tail": (lambda db: db.execute("DELETE FROM audit_log WHERE number >= 4"), ("tail", 4)),
    "all": (lambda db: db.execute("DELETE FROM audit_log"), ("tail", 1)),
    "reordered": (swap, ("changed", 2)),
    "rewritten": (rewrite, ("link", 4)),
    "of another account": (
        lambda db: db.execute("UPDATE audit_log SET account = 'zalouser/x' WHERE number = 5"),
        ("tail", 5),
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_somebody_did_to_the_chain_is_found_where_it_begins(five: Path, how: str) -> None:
    assert faults(five) == []
    tamper, found = TAMPERED[how]
    with raw(five, guarded=False) as db:
        tamper(db)
    assert faults(five)[0] == found


def test_a_chain_that_was_written_anew_does_not_fit_its_head(five: Path) -> None:
    first = entries(five)[0]
    noted = Head(first.number, first.hash)
    with raw(five, guarded=False) as db:
        old = [audit_log.entry_of(row) for row in db.execute(f"{audit_log.COLUMNS} ORDER BY number")]
        db.execute("DELETE FROM audit_log")
        previous = bytes(32)
        for one in old:
            forged = Entry(LANE, one.number, NOW, "send", "sent", "nobody", "{}", "", b"", previous)
            previous = forged.own_hash()
            db.execute(
                "INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (LANE, one.number, NOW, "send", "sent", "nobody", "{}", "", b"", forged.previous, previous),
            )
    assert faults(five) == [("head", 5)]
    # Who can write the head as well leaves only what was noted elsewhere.
    head = {"number": 5, "hash": previous.hex(), "why": ""}
    (five / "audit" / "zalouser%2Fdefault.head").write_text(json.dumps(head))
    assert faults(five) == []
    assert [one.code for one in check(five, expected=noted).faults] == ["expected"]


def test_without_its_triggers_it_is_not_believed(engine: str, five: Path) -> None:
    off = {SQLITE: "DROP TRIGGER audit_log_kept", POSTGRES: "ALTER TABLE audit_log DISABLE TRIGGER ALL"}
    with raw(five) as db:
        db.execute(off[engine])
    assert faults(five) == [("triggers", 5)]


@pytest.mark.parametrize("text", [None, "", "{}", '{"number": 3, "hash": "ab", "why": ""}', "\x00" * 200])
async def test_a_head_that_is_gone_or_damaged_is_told_and_stays_told(five: Path, text: str | None) -> None:
    head = five / "audit" / "zalouser%2Fdefault.head"
    head.unlink()
    if text is not None:
        head.write_text(text)
    what = "head_missing" if text is None else "head_damaged"
    elsewhere = text is None and current_engine() == POSTGRES  # it may be on a machine that ran the account
    assert faults(five) == ([] if elsewhere else [(what, 5)])
    async with opened_store(five):
        pass
    assert faults(five) == ([] if elsewhere else [(what, 6)])


async def test_each_machine_notes_the_end_of_the_records_that_it_ran(five: Path, engine: str) -> None:
    if engine != POSTGRES:
        pytest.skip("a file is on one machine")
    first, second = five / "of the first machine", five / "of the second machine"
    (five / "audit").rename(first)
    async with opened_store(five) as (_, account_store):
        await sent(account_store)
    assert faults(five) == []
    (five / "audit").rename(second)
    shutil.copytree(first, five / "audit")
    assert faults(five) == [], "it knows less"
    async with opened_store(five):
        pass
    assert faults(five) == []
    assert [one.what for one in entries(five)] == ["sent"] * 6

    # What the first machine knew is missed by it, and what the second knew by that.
    with raw(five) as db:
        db.execute("ALTER TABLE audit_log DISABLE TRIGGER ALL")
        db.execute("DELETE FROM audit_log WHERE number >= 5")
    for folder in (first, second):
        shutil.rmtree(five / "audit")
        shutil.copytree(folder, five / "audit")
        assert ("tail", 5) in faults(five)


async def test_a_tail_that_was_cut_off_is_told_after_the_next_start_too(five: Path) -> None:
    with raw(five, guarded=False) as db:
        db.execute("DELETE FROM audit_log WHERE number >= 4")
    async with opened_store(five) as (_, account_store):
        await sent(account_store)
    found = check(five)
    assert [(one.code, one.number, one.last) for one in found.faults] == [("gap", 4, 5)]
    assert [one.what for one in entries(five)] == ["sent"] * 3 + ["gap", "sent"]


async def test_a_tail_that_is_cut_off_beside_a_running_gateway_is_told(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_, account_store):
        for _ in range(3):
            await sent(account_store)
        with raw(tmp_path, guarded=False) as db:
            db.execute("DELETE FROM audit_log WHERE number = 3")
        await sent(account_store)
    assert faults(tmp_path) == [("gap", 3)]


@pytest.mark.of_file
async def test_another_store_in_its_place_is_told_and_one_that_was_put_back_on_purpose_is_a_note(
    five: Path,
) -> None:
    shutil.copy(five / "store.sqlite", five / "old.sqlite")
    async with opened_store(five) as (_, account_store):
        await sent(account_store)
    shutil.copy(five / "old.sqlite", five / "store.sqlite")
    assert faults(five) == [("tail", 6)]
    explain(five / "store.sqlite", "restored")
    assert faults(five) == []
    async with opened_store(five) as (_, account_store):
        await sent(account_store)
    found = check(five)
    assert found.faults == ()
    assert found.notes == (Note(6, NOW, "restored", 6),)


@pytest.mark.of_file
async def test_a_store_that_is_restored_where_there_was_none_has_no_fault(five: Path) -> None:
    other = five / "other"
    other.mkdir()
    shutil.copy(five / "store.sqlite", other / "store.sqlite")
    explain(other / "store.sqlite", "restored")
    async with opened_store(other) as (_, account_store):
        await sent(account_store)
    assert check(other).faults == ()


@pytest.mark.of_file
async def test_a_store_that_is_begun_anew_says_so(five: Path) -> None:
    forget(five / "store.sqlite", five / "lock", NOW)
    async with opened_store(five) as (_, account_store):
        await sent(account_store)
    found = check(five)
    assert found.faults == ()
    assert found.notes == (Note(1, NOW, "reset", 5),)


async def test_the_end_that_was_not_yet_safe_is_known_once_the_store_is_closed(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_, account_store):
        await sent(account_store)
    head = audit_heads.read_head(tmp_path / "audit", LANE)
    assert head == Head(1, entries(tmp_path)[0].hash)


async def test_old_entries_are_pruned_and_an_anchor_keeps_the_chain_checkable(tmp_path: Path) -> None:
    clock = Clock()
    async with opened_store(tmp_path, clock) as (_, account_store):
        for _ in range(5):
            await sent(account_store)
            clock.ms += 86_400_000
        clock.ms = NOW + audit_log.KEPT_MS + 3 * 86_400_000 + 1
        assert not await account_store.run(audit_log.prune)
        assert not await account_store.run(audit_log.prune)
        assert [one.number for one in entries(tmp_path)] == [5, 6]
        await sent(account_store)
    found = check(tmp_path)
    assert (found.faults, found.first, found.entries) == ((), 5, 3)
    assert found.notes == (Note(6, clock.ms, "pruned", 4),)
    with raw(tmp_path, guarded=False) as db:
        [(hash_,)] = db.execute("SELECT hash FROM audit_log WHERE number = 5").fetchall()
        db.execute("DELETE FROM audit_log WHERE number = 5")
        db.execute("UPDATE audit_anchors SET number = 5, hash = ?", (hash_,))
    assert faults(tmp_path) == [("anchor", 5)]


async def test_a_clock_that_is_set_back_neither_breaks_nor_prunes_it(tmp_path: Path) -> None:
    clock = Clock()
    async with opened_store(tmp_path, clock) as (_, account_store):
        await sent(account_store)
        clock.ms -= 3 * audit_log.KEPT_MS
        await sent(account_store)
        clock.ms = NOW + 1
        assert not await account_store.run(audit_log.prune)
        await sent(account_store)
    assert check(tmp_path).faults == ()
    assert len(entries(tmp_path)) == 3


async def test_accounts_have_chains_of_their_own(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (store, account_store), store.own("zalouser/work") as other:
        await sent(account_store)
        await sent(other)
        await sent(account_store)
    assert [one.number for one in entries(tmp_path)] == [1, 2]
    assert [one.number for one in entries(tmp_path, "zalouser/work")] == [1]
    with reading_in(tmp_path) as reader:
        assert reader.recorded_accounts() == [LANE, "zalouser/work"]


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33])
def test_a_key_of_another_length_is_named(tmp_path: Path, key: bytes) -> None:
    (tmp_path / "key").write_bytes(key)
    with pytest.raises(StoreUnusable, match="32 bytes"):
        Heads(tmp_path)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("")
    with pytest.raises(StoreUnusable, match="the key of the record, cannot be used"):
        Heads(tmp_path / "audit")


@pytest.mark.parametrize("text", ["", "5", "5:", ":ab", "0:" + "a" * 64, "5:zz", "5:" + "a" * 62])
def test_a_noted_head_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"hash|NUMBER"):
        audit_heads.noted(text)
