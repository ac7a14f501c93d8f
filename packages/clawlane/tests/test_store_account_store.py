"""The store: named transitions on a real SQLite file, one owner, and files that are not ours."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import (
    LANE,
    NOW,
    Clock,
    opened_store,
    raw,
    reading_in,
    store_in,
)

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.pairing import CODE_LIFE_MS, MAX_TEXTS
from clawlane.config.choices import PairingReply
from clawlane.config.paths import Paths
from clawlane.messages import (
    Group,
    Inbound,
    Mention,
    Own,
    Person,
    Quote,
    Receipt,
    Style,
    Text,
    Thread,
    ThreadKind,
    Undone,
)
from clawlane.ops.why import Item
from clawlane.store import directory, due, inbox, outbox, pairing, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store, open_store
from clawlane.store.errors import PairingUnknown, StoreLost, StoreOwned, StoreUnusable
from clawlane.store.models import AdmittedMessage, Chunk, History, LostSend, NewMessage, NoteResult
from clawlane.store.states import TurnState
from clawlane.store.transaction import Tx
from clawlane.store.turns import TRIES
from clawlane.store.why_search import Wanted
from clawlane.words.stories import lines

ALICE = Thread(ThreadKind.DM, "11")
RULE = Rule("channels.zalouser.dmPolicy", "channel")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, RULE)
DROP = Decision(Outcome.DROP, Reason.DM_DISABLED, RULE)
ASK = Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, RULE)


def paths_in(folder: Path) -> Paths:
    return Paths(folder / "state", folder / "config.json5")


@asynccontextmanager
async def account_store_in(
    folder: Path, clock: Clock | None = None
) -> AsyncIterator[tuple[Store, AccountStore]]:
    async with opened_store(paths_in(folder).state, clock) as (store, account_store):
        yield store, account_store


def inbound(message_id: str, sender: str = "11", text: str = "xin chào") -> Inbound:
    return Inbound(
        "default", message_id, Thread(ThreadKind.DM, sender), sender, f"name of {sender}", text, NOW
    )


def arrival(
    message: Inbound, decision: Decision = ADMIT, at_ms: int = NOW, reply: PairingReply = PairingReply.CODE
) -> NewMessage:
    return NewMessage(message, decision, reply, at_ms)


async def admit(account_store: AccountStore, *arrivals: NewMessage) -> list[AdmittedMessage]:
    results = await account_store.run(inbox.admit_all, arrivals)
    assert all(isinstance(result, AdmittedMessage) for result in results)
    return [result for result in results if isinstance(result, AdmittedMessage)]


async def take(account_store: AccountStore) -> Chunk | None:
    """The next chunk that may go, as the outbox takes it."""
    waiting = (await account_store.run(due.waiting)).chunks
    if not waiting:
        return None
    assert waiting[0].id in await account_store.run(sending.begin, [waiting[0].id])
    return waiting[0]


async def test_a_message_is_admitted_once(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        [first] = await admit(account_store, arrival(inbound("m1")))
        assert await account_store.run(inbox.admit_all, [arrival(inbound("m1", text="changed"))]) == [
            NoteResult()
        ]
        assert [turn.seq for turn in await account_store.run(turns.open_turns)] == [first.seq]
        assert [turn.inbound.text for turn in await account_store.run(turns.open_turns)] == ["xin chào"]


async def test_an_admitted_message_comes_back_whole(tmp_path: Path) -> None:
    message = replace(
        inbound("m1", text="👋 @Bot \ud800"),
        mentions=(Mention("5", 2, 4), Mention("-1", 0, 1, everyone=True)),
        quote=Quote("m0", "5", "trước"),
        sender_is_friend=True,
        live=False,
        token="opaque",
    )
    async with account_store_in(tmp_path) as (_, account_store):
        await admit(account_store, arrival(message))
        [turn] = await account_store.run(turns.open_turns)
        assert turn.inbound == message
        assert turn.state is TurnState.WAITING


async def test_a_dropped_message_leaves_ids_and_decision_but_no_text(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        await admit(account_store, arrival(inbound("m1", text="secret words"), DROP))
        assert await account_store.run(turns.open_turns) == []
        with store.read() as reader:
            assert reader.activity(LANE).counters == {"dm_disabled": 1}
    files = [file for file in paths_in(tmp_path).state.rglob("*") if file.is_file()]
    assert not any(b"secret words" in file.read_bytes() for file in files)
    with raw(paths_in(tmp_path).state) as db:
        rows = [tuple(row) for row in db.execute("SELECT message_id, body FROM messages")]
    assert rows == [("m1", None)]


async def test_a_message_that_cannot_be_stored_costs_the_others_nothing(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        broken = inbound("\ud800")
        first, bad, last = await account_store.run(
            inbox.admit_all, [arrival(inbound("m1")), arrival(broken), arrival(inbound("m2"))]
        )
        assert isinstance(first, AdmittedMessage)
        assert isinstance(bad, UnicodeEncodeError)
        assert isinstance(last, AdmittedMessage)


async def test_a_transition_that_fails_costs_those_of_its_group_nothing(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        results = await asyncio.gather(
            admit(account_store, arrival(inbound("m1"))),
            account_store.run(pairing.approve, "WRONG234"),
            admit(account_store, arrival(inbound("m2"))),
            return_exceptions=True,
        )
        assert isinstance(results[1], PairingUnknown)
        assert [turn.inbound.message_id for turn in await account_store.run(turns.open_turns)] == ["m1", "m2"]


async def test_client_ids_rise_strictly_even_when_the_clock_does_not(tmp_path: Path) -> None:
    clock = Clock()
    async with account_store_in(tmp_path, clock) as (_, account_store):
        [one, two] = await admit(account_store, arrival(inbound("m1")), arrival(inbound("m2")))
        await account_store.run(turns.reply, one.seq, [Text(ALICE, "a"), Text(ALICE, "b")])
        clock.ms -= 5_000
        await account_store.run(turns.reply, two.seq, [Text(ALICE, "c")])
        ids = []
        for _ in range(3):
            clock.ms = NOW
            chunk = await take(account_store)
            assert chunk
            ids.append(int(chunk.out.client_id))
            await account_store.run(sending.sent, chunk.id, Receipt(("r",)))
        assert ids == [NOW, NOW + 1, NOW + 2]


async def test_a_reply_settles_its_turn_with_the_last_receipt(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        [one] = await admit(account_store, arrival(inbound("m1")))
        started = await account_store.run(turns.start, one.seq, History.INCLUDE)
        assert started is not None
        assert await account_store.run(
            turns.reply, one.seq, [Text(ALICE, "a", (Style(0, 1, "bold"),)), Text(ALICE, "b")]
        )
        assert await account_store.run(turns.start, one.seq, History.INCLUDE) is None, (
            "a turn that has chunks never runs again"
        )
        first = await take(account_store)
        assert first
        assert first.out.styles == (Style(0, 1, "bold"),)
        assert await take(account_store) is None, "the second part waits for the first"
        assert await account_store.run(sending.sent, first.id, Receipt(("r1",))) is None
        second = await take(account_store)
        assert second
        assert await account_store.run(turns.pending, one.seq)
        assert await account_store.run(sending.sent, second.id, Receipt(("r2",))) == one.seq
        assert await account_store.run(turns.open_turns) == []
        with store.read() as reader:
            assert reader.activity(LANE).last_outbound_ms == NOW


async def test_silence_is_an_answer(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        [one] = await admit(account_store, arrival(inbound("m1")))
        assert not await account_store.run(turns.reply, one.seq, [])
        assert await account_store.run(turns.open_turns) == []


async def test_threads_do_not_wait_for_each_other(tmp_path: Path) -> None:
    bob = Thread(ThreadKind.DM, "22")
    async with account_store_in(tmp_path) as (_, account_store):
        [one, two] = await admit(account_store, arrival(inbound("m1")), arrival(inbound("m2", "22")))
        await account_store.run(turns.reply, one.seq, [Text(ALICE, "a")])
        await account_store.run(turns.reply, two.seq, [Text(bob, "b")])
        stuck = await take(account_store)
        assert stuck
        await account_store.run(sending.retry, stuck.id, "later", NOW + 60_000)
        other = await take(account_store)
        assert other
        assert other.out.thread == bob
        await account_store.run(sending.sent, other.id, Receipt(("r",)))
        assert (await account_store.run(due.waiting)).due_ms == NOW + 60_000


async def test_what_was_refused_ends_the_reply(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        [one] = await admit(account_store, arrival(inbound("m1")))
        await account_store.run(turns.reply, one.seq, [Text(ALICE, "a"), Text(ALICE, "b")])
        chunk = await take(account_store)
        assert chunk
        assert (await account_store.run(sending.refused, chunk.id, "blocked")).turn == one.seq
        assert await take(account_store) is None


async def replied(account_store: AccountStore, *texts: str) -> tuple[int, int, str]:
    """A turn whose first chunk is being sent: the turn, the chunk and its client id."""
    [one] = await admit(account_store, arrival(inbound("m1")))
    await account_store.run(turns.reply, one.seq, [Text(ALICE, text) for text in texts])
    chunk = await take(account_store)
    assert chunk
    return one.seq, chunk.id, chunk.out.client_id


def own(client_id: str) -> Own:
    return Own("default", "z9", client_id, ALICE, "a", NOW)


async def test_an_unknown_chunk_is_held_until_its_echo_is_seen(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        turn, chunk, client_id = await replied(account_store, "a", "b")
        assert (await account_store.run(sending.unknown, chunk, LostSend("no answer"))).turn == turn
        assert await take(account_store) is None
        with store.read() as reader:
            assert reader.activity(LANE).outbox == {"unknown": 1, "held": 1}
        assert await account_store.run(inbox.admit_all, [own(client_id)]) == [NoteResult()]
        rest = await take(account_store)
        assert rest
        assert isinstance(rest.out, Text)
        assert rest.out.text == "b"
        assert await account_store.run(sending.sent, rest.id, Receipt(("r",))) == turn


async def test_an_echo_that_came_before_the_answer_was_lost_settles_it(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        turn, chunk, client_id = await replied(account_store, "a")
        assert await account_store.run(inbox.admit_all, [own(client_id)]) == [NoteResult()]
        assert (await account_store.run(sending.unknown, chunk, LostSend("no answer"))).turn == turn
        assert await account_store.run(turns.open_turns) == []


async def test_what_the_owner_writes_on_the_phone_settles_nothing(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        turn, chunk, _ = await replied(account_store, "a")
        assert await account_store.run(inbox.admit_all, [own("1")]) == [NoteResult()]
        assert await account_store.run(sending.sent, chunk, Receipt(("r",))) == turn


async def test_an_author_can_recall_a_message_that_has_not_been_answered(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        [one] = await admit(account_store, arrival(inbound("m1")))
        await account_store.run(inbox.admit_all, [Undone("default", ALICE, "m1", "somebody else")])
        assert len(await account_store.run(turns.open_turns)) == 1
        await account_store.run(inbox.admit_all, [Undone("default", ALICE, "m1", "11")])
        assert await account_store.run(turns.open_turns) == []
        assert await account_store.run(turns.start, one.seq, History.INCLUDE) is None


async def ask(
    account_store: AccountStore, message_id: str, sender: str, at_ms: int = NOW, **more: object
) -> Reason:
    message = replace(inbound(message_id, sender), sent_ms=at_ms, **more)  # type: ignore[arg-type]
    [admitted] = await admit(account_store, arrival(message, ASK, at_ms))
    return admitted.decision.reason


async def test_a_stranger_gets_one_code_which_works_once(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        assert await ask(account_store, "m1", "11") is Reason.DM_PAIRING_REQUIRED
        assert await ask(account_store, "m2", "11") is Reason.DM_PAIRING_PENDING
        with store.read() as reader:
            [request] = reader.requests(NOW)
        text = await take(account_store)
        assert text
        assert request.code in text.out.text
        assert text.turn is None
        approved = await account_store.run(pairing.approve, request.code)
        assert (approved.account, approved.sender_id) == (LANE, "11")
        with pytest.raises(PairingUnknown):
            await account_store.run(pairing.approve, request.code)
        assert await ask(account_store, "m3", "11") is Reason.DM_PAIRED


async def test_approving_before_the_text_left_keeps_it_from_leaving(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        await ask(account_store, "m1", "11")
        with store.read() as reader:
            [request] = reader.requests(NOW)
        await account_store.run(pairing.approve, request.code)
        assert await take(account_store) is None


async def test_three_wait_and_the_fourth_is_dropped_until_one_expires(tmp_path: Path) -> None:
    clock = Clock()
    async with account_store_in(tmp_path, clock) as (store, account_store):
        for number in range(3):
            assert await ask(account_store, f"m{number}", f"{number}1") is Reason.DM_PAIRING_REQUIRED
        assert await ask(account_store, "m3", "99") is Reason.DM_PAIRING_FULL
        clock.ms += CODE_LIFE_MS
        with store.read() as reader:
            assert reader.requests(clock.ms) == []
        assert await ask(account_store, "m4", "99", clock.ms) is Reason.DM_PAIRING_REQUIRED


async def test_a_held_request_gets_its_text_with_the_next_live_message(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        assert await ask(account_store, "m1", "11", live=False) is Reason.DM_PAIRING_HELD
        assert await take(account_store) is None
        assert await ask(account_store, "m2", "11") is Reason.DM_PAIRING_REQUIRED
        assert await take(account_store) is not None


async def test_a_code_that_expired_before_it_left_is_not_sent(tmp_path: Path) -> None:
    clock = Clock()
    async with account_store_in(tmp_path, clock) as (_, account_store):
        await ask(account_store, "m1", "11")
        clock.ms += CODE_LIFE_MS
        assert await take(account_store) is None


async def test_a_newer_owner_shuts_the_older_one_out(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        with pytest.raises(StoreOwned):
            async with store.own(LANE):
                pass
        with raw(paths_in(tmp_path).state) as usurper:
            usurper.execute("UPDATE owners SET epoch = epoch + 1")
        with pytest.raises(StoreLost):
            await take(account_store)


async def test_an_older_owner_cannot_write_in_the_group_in_which_a_newer_one_comes(tmp_path: Path) -> None:
    async with store_in(tmp_path, Clock()) as store:
        async with store.own(LANE) as older:
            assert await older.run(turns.open_turns) == []
        busy, over = threading.Event(), threading.Event()

        def hold_up(_: Tx) -> None:
            busy.set()
            over.wait()

        holding = asyncio.create_task(older.attempt(hold_up))
        await asyncio.to_thread(busy.wait)
        before = asyncio.create_task(older.attempt(turns.open_turns))
        await asyncio.sleep(0)
        owning = store.own(LANE)
        entering = asyncio.create_task(owning.__aenter__())
        await asyncio.sleep(0)
        after = asyncio.create_task(older.attempt(turns.open_turns))
        await asyncio.sleep(0)
        over.set()
        await holding
        assert await before == []
        newer = await entering
        with pytest.raises(StoreLost):
            await after
        assert await newer.run(turns.open_turns) == []
        await owning.__aexit__(None, None, None)


@pytest.mark.of_file
async def test_another_process_is_refused_with_the_owners_pid(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    script = (
        "import asyncio, sys; from pathlib import Path; from clawlane.store.database import open_store\n"
        "async def main():\n"
        "    async with open_store(Path(sys.argv[1]), Path(sys.argv[2]), lambda: 1):\n"
        "        print('open', flush=True); sys.stdin.read()\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", script, str(paths.store), str(paths.lock_file)]
    owner = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert owner.stdout
    assert await owner.stdout.readline() == b"open\n"
    with pytest.raises(StoreOwned) as refused:
        async with open_store(paths.store, paths.lock_file, Clock()):
            pass
    assert refused.value.pid == owner.pid
    owner.kill()
    await owner.wait()
    async with open_store(paths.store, paths.lock_file, Clock()):
        pass


@pytest.mark.of_file
async def test_files_are_private_and_readers_cannot_write(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        await admit(account_store, arrival(inbound("m1")))
        state = paths_in(tmp_path).state
        assert state.stat().st_mode & 0o777 == 0o700
        modes = {file.stat().st_mode & 0o777 for file in state.rglob("*") if file.is_file()}
        assert modes == {0o600}
        with store.read() as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._connection.execute("DELETE FROM messages")


async def test_the_store_is_read_while_nobody_writes(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        await admit(account_store, arrival(inbound("m1"), DROP))
    with reading_in(paths_in(tmp_path).state) as reader:
        assert reader.activity(LANE).last_inbound_ms == NOW


async def refused(path: Path) -> str:
    with pytest.raises(StoreUnusable) as error:
        async with open_store(path, path.with_name("lock"), Clock()):
            pass
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.of_file
async def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    told = await refused(path)
    assert "is damaged (file is not a database)" in told
    copy = path.with_name(f"store.sqlite.damaged-{NOW}")
    assert f"a copy is kept as {copy.name}" in told
    assert copy.read_bytes() == path.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600


@pytest.mark.of_file
async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    assert "another program" in await refused(path)


@pytest.mark.of_file
async def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    async with account_store_in(tmp_path):
        pass
    path = paths_in(tmp_path).store
    newer = sqlite3.connect(path)
    newer.execute("INSERT INTO migrations VALUES (999, 0)")
    newer.commit()
    newer.close()
    assert "newer clawlane (schema 999" in await refused(path)


@pytest.mark.of_file
async def test_a_damaged_page_is_found_at_the_start(tmp_path: Path) -> None:
    async with account_store_in(tmp_path):
        pass
    path = paths_in(tmp_path).store
    raw = bytearray(path.read_bytes())
    raw[4096 * 3 : 4096 * 6] = bytes(range(256)) * 48
    path.write_bytes(raw)
    damaged = path.read_bytes()
    assert "which messages were answered" in await refused(path)
    assert path.with_name(f"store.sqlite.damaged-{NOW}").read_bytes() == damaged


async def test_what_was_decided_can_be_asked_afterwards_without_the_text(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        await admit(account_store, arrival(inbound("m1")), arrival(inbound("m2", text="secret words"), DROP))
        [one] = [turn.seq for turn in await account_store.run(turns.open_turns)]
        await account_store.run(turns.revoke, one, replace(DROP, reason=Reason.REVOKED_BEFORE_RUN))
        await account_store.run(inbox.admit_all, [NewMessage(inbound("m3"), None, PairingReply.CODE, NOW)])
        with store.read() as reader:
            newest = reader.search(Wanted(), 10).messages
            dropped = reader.search(Wanted(dropped=True), 10).messages
            [first] = reader.decided("m1")
    assert [told.message_id for told in newest] == ["m3", "m2", "m1"]
    assert newest[0].waiting
    assert newest[1].made[0].decision == DROP
    assert [told.message_id for told in dropped] == ["m2", "m1"]
    assert [made.decision.reason for made in first.made] == [Reason.DM_OPEN, Reason.REVOKED_BEFORE_RUN]
    assert first.standing.state == TurnState.REVOKED


async def test_undecided_messages_are_decided_later_in_their_order(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        await account_store.run(
            inbox.admit_all, [NewMessage(inbound(f"m{n}"), None, PairingReply.CODE, NOW) for n in range(3)]
        )
        await account_store.run(inbox.admit_all, [Undone("default", ALICE, "m1", "11")])
        waiting = await account_store.run(inbox.undecided, 10)
        assert [one.inbound.message_id for one in waiting] == ["m0", "m2"]
        decisions = [(waiting[0].seq, arrival(waiting[0].inbound, DROP))]
        decisions += [(one.seq, arrival(one.inbound)) for one in waiting[1:]]
        assert [one.decision for one in await account_store.run(inbox.decide, decisions)] == [DROP, ADMIT]
        assert [turn.inbound.message_id for turn in await account_store.run(turns.open_turns)] == ["m2"]
        assert await account_store.run(inbox.undecided, 10) == []
        with store.read() as reader:
            assert not reader.decided("m1")[0].waiting


async def test_texts_that_are_not_kept_do_not_stay_in_the_file(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        await account_store.run(
            inbox.admit_all, [NewMessage(inbound("m1", text="secret words"), None, PairingReply.CODE, NOW)]
        )
        await account_store.run(inbox.admit_all, [Undone("default", ALICE, "m1", "11")])
    files = [file for file in paths_in(tmp_path).state.rglob("*") if file.is_file()]
    assert not any(b"secret words" in file.read_bytes() for file in files)


async def test_an_approval_can_be_taken_back(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        await ask(account_store, "m1", "11")
        with store.read() as reader:
            [request] = reader.requests(NOW)
        await account_store.run(pairing.approve, request.code, notice="welcome")
        told = await take(account_store)
        assert told
        assert (told.out.thread, told.out.text) == (ALICE, "welcome")
        await account_store.run(pairing.revoke, "11")
        assert await ask(account_store, "m2", "11") is Reason.DM_PAIRING_REQUIRED
        with pytest.raises(PairingUnknown, match="is not approved"):
            await account_store.run(pairing.revoke, "22")


async def test_a_notice_is_no_challenge_and_does_not_count_as_one(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        for number in range(MAX_TEXTS - 1):
            await ask(account_store, f"m{number}", f"{number + 10}")
            with store.read() as reader:
                [request] = reader.requests(NOW)
            await account_store.run(pairing.approve, request.code, notice="welcome")
        assert await ask(account_store, "last", "99") is Reason.DM_PAIRING_REQUIRED
        assert await ask(account_store, "over", "98") is Reason.DM_PAIRING_HELD


async def test_a_receipt_is_known_by_the_id_that_others_see(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        _, chunk, _ = await replied(account_store, "a")
        await account_store.run(sending.sent, chunk, Receipt(("z1",)))
        assert await account_store.run(outbox.is_receipt, "z1")
        assert not await account_store.run(outbox.is_receipt, "z2")


async def test_what_an_orderly_stop_interrupts_is_no_try(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (_, account_store):
        [admitted] = await admit(account_store, arrival(inbound("1")))
        for _ in range(2 * TRIES):
            assert await account_store.run(turns.start, admitted.seq, History.INCLUDE) is not None
            await account_store.run(turns.put_back)
        for attempt in range(1, TRIES + 1):
            await account_store.run(turns.start, admitted.seq, History.INCLUDE)
            assert await account_store.run(turns.fail, admitted.seq, "no") is (attempt == TRIES)


async def test_messages_that_are_all_too_old_are_counted_if_one_came_live(tmp_path: Path) -> None:
    live = Decision(Outcome.DROP, Reason.TOO_OLD, RULE, ("not_empty", "live"))
    fetched = replace(live, trail=("not_empty", "fetched"))
    async with account_store_in(tmp_path) as (store, account_store):
        numbers = count()

        async def after(*decisions: Decision) -> int:
            for decision in decisions:
                await admit(account_store, arrival(inbound(f"m{next(numbers)}"), decision))
            with store.read() as reader:
                return reader.too_old_in_a_row(LANE, 3)

        assert await after() == 0
        assert await after(fetched) == 0, "what was fetched after a break is old by nature"
        assert await after(live) == 2
        assert await after(ADMIT) == 0
        assert await after(live, live) == 0
        assert await after(fetched) == 3


async def test_a_list_of_friends_that_is_the_same_writes_no_friend_again(tmp_path: Path) -> None:
    def changes(tx: Tx, people: list[Person]) -> int:
        before = tx.db.total_changes
        directory.keep_peers(tx, people)
        return tx.db.total_changes - before

    friends = [Person(str(number), f"Bạn {number}", ("Lan",), True) for number in range(50)]
    async with account_store_in(tmp_path) as (store, account_store):
        await account_store.run(changes, friends)
        assert await account_store.run(changes, friends) == 1, "when the list was looked up"
        renamed = [*friends[:-2], friends[-1], replace(friends[-2], name="Mẹ")]
        assert await account_store.run(changes, [*renamed, friends[0]]) > 50
        with store.read() as reader:
            assert reader.known(LANE).peers == tuple(renamed), "somebody who is told twice counts once"


async def test_why_knows_names_texts_repeats_and_notices(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        await admit(account_store, arrival(inbound("kept")))
        await admit(account_store, arrival(inbound("dropped", sender="22"), DROP))
        await account_store.run(directory.keep_peers, [Person("22", "Hà", (), True)])
        await account_store.run(directory.keep_groups, [Group("33", "Nhóm", 2)])
        group = replace(inbound("in group"), thread=Thread(ThreadKind.GROUP, "33"))
        ruled = replace(ADMIT, rule=replace(RULE, line=3, text="dmPolicy: 'open'"), revision="abc")
        await admit(account_store, arrival(group, ruled))
        with store.read() as reader:
            in_group, dropped, kept = reader.search(Wanted(), 10).messages
            [only] = reader.search(Wanted(dropped=True), 10).messages
    assert (kept.sender_name, kept.text, kept.group_name) == ("name of 11", "xin chào", "")
    assert (dropped.sender_name, dropped.text) == ("Hà", None)
    assert in_group.group_name == "Nhóm"
    assert only == dropped
    made = in_group.made[0].decision
    assert (made.revision, made.rule.text, made.rule.line) == ("abc", "dmPolicy: 'open'", 3)


async def test_notices_are_read_beside_the_messages(tmp_path: Path) -> None:
    async with account_store_in(tmp_path) as (store, account_store):
        await admit(account_store, arrival(inbound("m1")))
        with raw(paths_in(tmp_path).state) as connection:
            insert = "INSERT INTO notices VALUES (?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?)"
            notice = (LANE, 100, "dm", "11", "n1", "11", "call", "missed call", 0, NOW, NOW, 2)
            unreadable = (LANE, 101, "", "", "n2", "", "", "no number", 1, 0, NOW + 1, 0)
            connection.executemany(insert, [notice, unreadable])
        with store.read() as reader:
            newest, [found] = reader.search(Wanted(), 10).notices, reader.noted("n1")
    assert [(one.message_id, one.unreadable, one.thread) for one in newest] == [
        ("n2", True, None),
        ("n1", False, ALICE),
    ]
    told = list(lines(Item(notice=found)))
    assert told[0].endswith("zalouser/default notice n1: call from 11 in dm:11")
    assert told[1:] == [
        "says: missed call",
        "The platform wrote this itself: nobody was answered, challenged or shown anything for it.",
        "It came 3 times.",
    ]
    assert list(lines(Item(notice=newest[0])))[1:] == ["It could not be read: no number."]
