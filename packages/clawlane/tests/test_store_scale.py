"""A store with 300 000 messages: no question and no transition reads them all.

Nothing is timed. Of each, the query plans and the steps of SQLite's virtual machine are looked at.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.large_store import ACCOUNT, NOW, make_large_store
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Receipt, Text, Thread, ThreadKind, Undone
from clawlane.store import (
    beginning,
    catch_up,
    due,
    inbox,
    operator_sends,
    outbox,
    pauses,
    retention,
    send_log,
    sending,
    turns,
    unknown_sends,
)
from clawlane.store.errors import NoDeadLetter
from clawlane.store.models import AdmittedMessage, History, NewMessage, TakeoverTerms
from clawlane.store.outbox_listing import Search
from clawlane.store.reader import Reader, reading
from clawlane.store.transaction import Tx
from clawlane.store.unknown_sends import LookUp
from clawlane.store.why_search import MOST_LOOKED, Wanted

pytestmark = pytest.mark.long

COUNT = 300_000
MOST_STEPS = 60_000
"""Of the virtual machine, for one question: a full scan of the messages takes more than a million."""

_PER_CALL = 1000
_LARGE = ("messages", "turns", "outbox", "decisions", "aliases", "turn_messages", "receipts", "chunk")
_SMALL_INDEX = ("open_turns", "open_chunks", "dead_letters", "unsent_chunks", "texts_by_age")
"""Partial indexes over what is open or was set aside: to scan one is to read what is asked for."""


@dataclass
class Work:
    """What a connection did while it was watched."""

    statements: list[str] = field(default_factory=list)
    steps: int = 0

    def step(self) -> int:
        self.steps += _PER_CALL
        return 0


@contextmanager
def watched(connection: sqlite3.Connection) -> Iterator[Work]:
    work = Work()
    connection.set_trace_callback(work.statements.append)
    connection.set_progress_handler(work.step, _PER_CALL)
    try:
        yield work
    finally:
        connection.set_trace_callback(None)
        connection.set_progress_handler(None, 0)


def scans(connection: sqlite3.Connection, statements: list[str]) -> list[str]:
    """The steps of the plans that read a large table as a whole."""
    found = []
    for statement in statements:
        if not re.match(r"(SELECT|UPDATE|DELETE|INSERT|WITH)\b", statement):
            continue
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall():
            scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row["detail"])
            if scan and scan[1] in _LARGE and scan[2] not in _SMALL_INDEX:
                found.append(f"{row['detail']}: {statement}")
    return found


def assert_bounded(connection: sqlite3.Connection, work: Work) -> None:
    assert work.statements
    assert scans(connection, work.statements) == []
    assert work.steps <= MOST_STEPS


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large") / "store.sqlite"


@pytest.fixture(scope="module")
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    connection = make_large_store(path, COUNT)
    yield connection
    connection.close()


QUESTIONS: dict[str, Callable[[Reader], object]] = {
    "decided": lambda reader: reader.decided("m77"),
    "newest": lambda reader: reader.search(Wanted(), 10).items,
    "newest dropped": lambda reader: reader.search(Wanted(dropped=True), 10).items,
    "depths": lambda reader: reader.depths(ACCOUNT, NOW),
    "noted": lambda reader: reader.noted("m77"),
    "of a person": lambda reader: reader.search(Wanted(person="t7"), 10).items,
    "of nobody": lambda reader: reader.search(Wanted(person="nobody"), 10).items,
    "in a group": lambda reader: reader.search(Wanted(group="g7"), 10).items,
    "by a reason": lambda reader: reader.search(Wanted(reason="dm_open"), 10).items,
    "by a reason that never was": lambda reader: reader.search(Wanted(reason="dm_rejected"), 10).items,
    "by a setting": lambda reader: reader.search(Wanted(reason="dmPolicy"), 10).items,
    "before a time": lambda reader: reader.search(Wanted(until_ms=NOW - 86_400_000), 10).items,
    "since a time": lambda reader: reader.search(Wanted(since_ms=NOW - 60_000), 10).items,
    "activity": lambda reader: reader.activity(ACCOUNT),
    "held": lambda reader: reader.held(ACCOUNT, NOW),
    "waiting turns": lambda reader: reader.waiting_turns(ACCOUNT),
    "expired": lambda reader: reader.expired(ACCOUNT),
    "threads": lambda reader: reader.threads(ACCOUNT, "t1"),
    "threads of nobody": lambda reader: reader.threads(ACCOUNT, "nobody"),
    "outbox": lambda reader: reader.outbox(),
    "settled outbox": lambda reader: reader.outbox(settled=True),
    "sent": lambda reader: reader.sent(Search(NOW - 86_400_000, "zalouser"), 200),
    "sent in a thread": lambda reader: reader.sent(Search(NOW - 3_600_000, "zalouser", None, RECENT), 200),
    "account of chunk": lambda reader: reader.account_of_chunk(77),
    "sent by the operator": lambda reader: reader.sent_by_operator(ACCOUNT, [77, 78]),
    "a message to quote": lambda reader: reader.quotable(ACCOUNT, RECENT, f"m{COUNT}"),
    "dead letters": lambda reader: reader.dead_letters(),
    "count of dead letters": lambda reader: reader.dead_letter_count(ACCOUNT),
    "undecided sends": lambda reader: reader.undecided_sends(ACCOUNT),
    "too old": lambda reader: reader.too_old_in_a_row(ACCOUNT, 3),
    "requests": lambda reader: reader.requests(NOW),
    "approved": lambda reader: reader.approved(ACCOUNT),
    "gaps": lambda reader: reader.gaps(ACCOUNT, 0),
    "known": lambda reader: reader.known(ACCOUNT),
    "reach": lambda reader: reader.reach(ACCOUNT),
    "events": lambda reader: reader.events("", None, 200),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_reads_what_it_is_about(writer: sqlite3.Connection, path: Path, question: str) -> None:
    with reading(path) as reader:
        with watched(reader._connection) as work:
            QUESTIONS[question](reader)
        assert_bounded(writer, work)


def test_a_search_that_finds_nothing_ends_and_says_how_far_it_came(path: Path) -> None:
    with reading(path) as reader:
        found = reader.search(Wanted(reason="dm_open", group="nobody"), 10)
        assert (found.items, found.more) == ([], False)
        assert found.gave_up_at == COUNT - MOST_LOOKED + 1
        further = reader.search(Wanted(reason="dm_open", person="t7", before=found.gave_up_at), 10)
    assert all(one.seq < found.gave_up_at for one in further.items)
    assert len(further.items) == 10


def arrival(message_id: str) -> NewMessage:
    thread = Thread(ThreadKind.DM, "t1")
    decision = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
    inbound = Inbound("default", message_id, thread, thread.id, "Lan", "xin chào", NOW, client_id="c77")
    return NewMessage(inbound, decision, PairingReply.CODE, NOW)


def whole_turn(tx: Tx) -> None:
    """From a message to its sent answer."""
    admitted = inbox.admit(tx, arrival("fresh"))
    assert isinstance(admitted, AdmittedMessage)
    started = turns.start(tx, admitted.seq, History.INCLUDE)
    assert started is not None
    turns.reply(tx, admitted.seq, [Text(admitted.inbound.thread, "chào")], started.run)
    [chunk] = due.waiting(tx).chunks
    sending.begin(tx, [chunk.id])
    assert sending.sent(tx, chunk.id, Receipt(("fresh-receipt",))) == admitted.seq


RECENT = Thread(ThreadKind.DM, f"t{COUNT % 500}")
UNDONE = Undone("default", RECENT, f"r{COUNT}", "1", own=True)


def taken_back_again(tx: Tx) -> None:
    """An own message is taken back, and so is the whole text that it belongs to."""
    operator_sends.queue(tx, [Text(RECENT, "một"), Text(RECENT, "hai")])
    [chunk] = due.waiting(tx).chunks
    sending.begin(tx, [chunk.id])
    sending.sent(tx, chunk.id, Receipt(("fresh-own",)))
    back = operator_sends.take_back(tx, "fresh-own", whole=True)
    assert (len(back.queued), back.cancelled) == (1, 1)
    [undo] = due.waiting(tx).chunks
    sending.begin(tx, [undo.id])
    sending.sent(tx, undo.id, Receipt(()))


def nothing_set_aside(tx: Tx) -> None:
    with pytest.raises(NoDeadLetter):
        turns.resubmit(tx, "m77")


TERMS = TakeoverTerms(0, Rule("takeover", "channel"))
LOOK_UP = LookUp(ThreadKind.DM, NOW, NOW, frozenset({"r77"}), "login")

TRANSITIONS: dict[str, Callable[[Tx], object]] = {
    "retention with nothing to do": retention.prune,
    "the newest message, for catching up": lambda tx: catch_up.cursor(tx, ThreadKind.DM, 900_000, 0),
    "the newest of a kind that never came": lambda tx: catch_up.cursor(tx, ThreadKind.GROUP, 900_000, 0),
    "what to look up": lambda tx: catch_up.to_look_up(tx, 60_000),
    "caught up": lambda tx: catch_up.caught_up(tx, ThreadKind.DM, NOW, missed=True),
    "a run that begins": lambda tx: beginning.begin(tx, TERMS, 60_000, 500, simulated=True),
    "the end of a catch-up": lambda tx: catch_up.finish(tx, LOOK_UP, 60_000, missed=True),
    "open turns": turns.open_turns,
    "recover turns": turns.recover,
    "put back": turns.put_back,
    "stop": lambda tx: turns.stop(tx, COUNT),
    "a whole turn": whole_turn,
    "a repeat": lambda tx: inbox.admit(tx, arrival("m77")),
    "a message that is taken back": taken_back_again,
    "an undo of somebody": lambda tx: unknown_sends.undone(
        tx, Undone("default", RECENT, "r77", "1", own=True)
    ),
    "a receipt": lambda tx: outbox.is_receipt(tx, "r77", ""),
    "sends": send_log.sends,
    "open chunks": send_log.open_chunks,
    "an echo": lambda tx: unknown_sends.echo(tx, "k77", "m"),
    "resume": lambda tx: pauses.resume(tx, None, NOW, flush=True),
    "a letter that is none": nothing_set_aside,
}


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_a_transition_reads_what_it_is_about(writer: sqlite3.Connection, transition: str) -> None:
    writer.execute("BEGIN")
    try:
        with watched(writer) as work:
            TRANSITIONS[transition](Tx(writer, ACCOUNT, NOW))
    finally:
        writer.execute("ROLLBACK")
    assert_bounded(writer, work)


def test_a_scan_would_be_seen(writer: sqlite3.Connection) -> None:
    with watched(writer) as work:
        writer.execute("SELECT count(*) FROM messages WHERE content = 'nobody'").fetchone()
    assert scans(writer, work.statements)
    assert work.steps > MOST_STEPS
