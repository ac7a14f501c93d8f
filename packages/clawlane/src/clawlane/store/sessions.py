"""Transitions of sessions: what an agent remembers of a thread, turn by turn.

What people said is not copied here. It is read from the messages of the turns and of the history that went
with them, so that a message that was taken back is gone from every session, too. Their texts are kept as
long as a turn is remembered. A turn that was summed up is only marked: its messages lead to the summary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from clawlane.messages import Inbound, Thread
from clawlane.store import answers, directory, pending_history
from clawlane.store.codec import inbound_of, thread_of
from clawlane.store.rows import change, exists, insert, of_accounts, put, value_of
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState, DraftState, TurnState
from clawlane.store.transaction import Tx, lazy
from clawlane.texts import joined, later

SHORTEST_QUOTE = 4
"""Characters of a text that is looked for in answers once it was taken back; shorter ones are in anything."""

IsOver = Callable[[int, int], bool]
"""Whether a session that was last used at one time (ms) is over at another."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A turn as it is remembered: its messages, the history that went with it, and the agent's answer.

    `note` says what became of an answer that did not arrive as it was given. `steps` is JSON; where an answer
    was `withheld`, the last of them holds one that nobody got in these words.
    """

    turn: int
    at_ms: int
    messages: tuple[Inbound, ...]
    history: tuple[Inbound, ...]
    answer: str | None
    steps: tuple[str, ...]
    note: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A session as a turn finds it: the number of the conversation, its summary, and its earlier turns.

    `recalls` rises whenever something is taken out of it: what was made of it before is void.
    """

    number: int = 1
    recalls: int = 0
    summary: str = ""
    turns: tuple[Remembered, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """One session in a list. `name` is that of the person or group, as far as it is known."""

    account: str
    agent: str
    thread: Thread
    number: int
    began_ms: int
    last_ms: int
    turns: int
    summarised: int
    name: str = ""


def _key(agent: str, thread: Thread) -> dict[str, object]:
    return {"agent": agent, "thread_kind": thread.kind, "thread_id": thread.id}


@lazy
def begin(tx: Tx, agent: str, thread: Thread, turn: int, run: int, is_over: IsOver) -> Session | None:
    """The session of a turn that begins; it is remembered from now on. None if the run is void.

    A session that is over begins anew. A turn that was taken out of it does not come back.
    """
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND run = ? AND settled_ms IS NULL"
    if not exists(tx.db, query, tx.account, turn, run):
        return None
    number = enter(tx, agent, thread, is_over)
    query = "SELECT 1 FROM session_turns WHERE account = ? AND turn = ? AND agent <> ?"
    if exists(tx.db, query, tx.account, turn, agent):  # another one had begun to answer
        answers.forget_steps(tx, turn)
    if not _has_left(tx, turn):
        place = _key(agent, thread)
        put(tx, "session_turns", {"turn": turn}, **place, at_ms=tx.now_ms, answer=None, summarised=0)
    found = read(tx.db, tx.account, agent, thread, but=turn)
    assert found.number == number
    return found


def _has_left(tx: Tx, turn: int) -> bool:
    """Whether a turn that goes on was taken out of its session: its steps may tell what is forgotten."""
    begun = "SELECT 1 FROM steps WHERE account = ? AND turn = ?"
    remembered = "SELECT 1 FROM session_turns WHERE account = ? AND turn = ?"
    return exists(tx.db, begun, tx.account, turn) and not exists(tx.db, remembered, tx.account, turn)


@lazy
def enter(tx: Tx, agent: str, thread: Thread, is_over: IsOver) -> int:
    """Use a session now: the number of its conversation. One that is over begins anew."""
    row = _row(tx.db, tx.account, agent, thread)
    if row is None:
        insert(tx, "sessions", **_key(agent, thread), began_ms=tx.now_ms, last_ms=tx.now_ms)
        return 1
    number = row["number"]
    if row["last_ms"] and is_over(row["last_ms"], tx.now_ms):
        number = begin_anew(tx, agent, thread)
    change(tx, "sessions", _key(agent, thread), last_ms=tx.now_ms)
    return int(number)


def look(tx: Tx, agent: str, thread: Thread) -> Session:
    """A session as it is now. Nothing begins."""
    return read(tx.db, tx.account, agent, thread)


@lazy
def answered(tx: Tx, turn: int, run: int, answer: str) -> bool:
    """Keep the answer of a turn, unless it was started over since this run, or has left its session."""
    row = tx.db.execute(
        "UPDATE session_turns SET answer = ? WHERE account = ? AND turn = ? AND EXISTS (SELECT 1 FROM turns"
        " WHERE turns.account = session_turns.account AND turns.turn = session_turns.turn"
        "  AND run = ? AND settled_ms IS NULL) RETURNING agent, thread_kind, thread_id",
        (answer, tx.account, turn, run),
    ).fetchone()
    if row is None:
        return False
    change(tx, "sessions", _key(row["agent"], thread_of(row)), last_ms=tx.now_ms)
    return True


def cut(
    tx: Tx, agent: str, thread: Thread, seen: Session, turns: Sequence[int], summary: str | None = None
) -> bool:
    """Forget the oldest turns of a session, or put a summary in their place.

    A summary is refused (False) if the session has begun anew or something was taken out of it since it was
    `seen`.
    """
    row = _row(tx.db, tx.account, agent, thread)
    if row is None or row["number"] != seen.number:
        return False
    if summary is None:
        _forget(tx, turns)
        return True
    if row["recalls"] != seen.recalls:
        return False
    change(tx, "sessions", _key(agent, thread), summary=summary)
    for turn in turns:
        change(tx, "session_turns", {"turn": turn}, summarised=1, answer=None)
        if exists(tx.db, _OVER, tx.account, turn):
            answers.forget_steps(tx, turn)
        pending_history.forget_given(tx, turn)
    return True


def reset(tx: Tx, agent: str, thread: Thread) -> int:
    """Begin a session anew. Gives how many turns are forgotten, those that were summed up included."""
    row = _row(tx.db, tx.account, agent, thread)
    if row is None:
        # An agent that remembers by itself is told by the number that a new conversation begins.
        insert(tx, "sessions", **_key(agent, thread), began_ms=tx.now_ms, last_ms=0, number=2)
        return 0
    forgotten = len(_turns(tx, agent, thread))
    begin_anew(tx, agent, thread)
    tx.scrub()
    tx.note(agent=agent, thread=str(thread), turns=forgotten)
    return forgotten


def expire(tx: Tx, is_over: IsOver) -> bool:
    """Forget a batch of sessions that are over, as the next turn would. True if there are more."""
    query = "SELECT * FROM sessions WHERE account = ? AND last_ms > 0"
    rows = [
        row
        for row in tx.db.execute(query, (tx.account,)).fetchall()
        if is_over(row["last_ms"], tx.now_ms)
        and not exists(tx.db, _OPEN, tx.account, row["agent"], row["thread_kind"], row["thread_id"])
    ]
    for row in rows[:_BATCH]:
        begin_anew(tx, row["agent"], thread_of(row))
    if rows:
        tx.scrub()
    return len(rows) > _BATCH


_BATCH = 50


def expire_turns(tx: Tx, before_ms: int, limit: int) -> int:
    """Take turns out of their sessions that are older, at most so many. Gives how many there were.

    A summary goes with the first turn that it sums up.
    """
    rows = tx.db.execute(
        "SELECT session_turns.* FROM session_turns JOIN turns USING (account, turn)"
        " WHERE account = ? AND at_ms < ? AND (settled_ms IS NOT NULL OR summarised = 1)"
        " ORDER BY at_ms LIMIT ?",
        (tx.account, before_ms, limit),
    ).fetchall()
    for row in rows:
        place = (tx.account, row["agent"], row["thread_kind"], row["thread_id"])
        tx.db.execute(f"UPDATE sessions SET recalls = recalls + 1 WHERE {_OF_SESSION}", place)  # noqa: S608
        if row["summarised"]:
            drop_summary(tx, row["agent"], thread_of(row))
    _forget(tx, [row["turn"] for row in rows])
    return len(rows)


def drop_summary(tx: Tx, agent: str, thread: Thread) -> None:
    """Forget what a session sums up, and which turns that were."""
    change(tx, "sessions", _key(agent, thread), summary="")
    values = (tx.account, agent, thread.kind, thread.id)
    _forget(tx, [row["turn"] for row in tx.db.execute(_SUMMARISED, values).fetchall()])


def begin_anew(tx: Tx, agent: str, thread: Thread) -> int:
    """Forget a session, and begin the next one: its number."""
    _forget(tx, _turns(tx, agent, thread))
    row = tx.db.execute(
        "UPDATE sessions SET number = number + 1, summary = '', began_ms = ?, last_ms = 0"
        " WHERE account = ? AND agent = ? AND thread_kind = ? AND thread_id = ? RETURNING number",
        (tx.now_ms, tx.account, agent, thread.kind, thread.id),
    ).fetchone()
    return int(row["number"])


def _turns(tx: Tx, agent: str, thread: Thread) -> list[int]:
    query = f"SELECT turn FROM session_turns WHERE {_OF_SESSION} ORDER BY turn"  # noqa: S608 — our own text
    rows = tx.db.execute(query, (tx.account, agent, thread.kind, thread.id))
    return [row["turn"] for row in rows.fetchall()]


def forget_turn(tx: Tx, turn: int) -> None:
    """Take one turn out of its session."""
    _forget(tx, [turn])


def _forget(tx: Tx, turns: Iterable[int]) -> None:
    """Take turns out of their session. The history that went with them goes, too.

    One that may go on still has its steps, and its history until it settles.
    """
    for turn in turns:
        tx.db.execute("DELETE FROM session_turns WHERE account = ? AND turn = ?", (tx.account, turn))
        if exists(tx.db, _OVER, tx.account, turn):
            answers.forget_steps(tx, turn)
            pending_history.give_back(tx, turn)


_OVER = (
    "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND settled_ms IS NOT NULL"
    " AND state NOT IN ('dead', 'expired', 'drafted')"  # an operator may have these go on
)


def recalled(tx: Tx, thread: Thread, messages: Sequence[int], words: Sequence[str]) -> list[int]:
    """Take messages of a thread out of its sessions: what saw them goes, and what repeats them.

    `words` are what the messages said. Call it before they are taken out of their turns. Gives open turns
    that remember them from earlier ones: they have to be started over.
    """
    saw: dict[str, list[Row]] = {}
    for message in messages:
        rows = tx.db.execute(
            "SELECT * FROM session_turns WHERE account = ? AND turn IN"
            " (SELECT turn FROM turn_messages WHERE account = ? AND message = ?"
            "  UNION SELECT turn FROM given WHERE account = ? AND message = ?)",
            (tx.account, tx.account, message, tx.account, message),
        ).fetchall()
        for row in rows:
            saw.setdefault(row["agent"], []).append(row)
    return [
        turn for row in of_thread(tx, thread) for turn in _take_out(tx, row, saw.get(row["agent"], ()), words)
    ]


def taken_back(tx: Tx, thread: Thread, turn: int | None, words: str) -> None:
    """Forget what the account said in a turn and took back since, and what repeats its words.

    An open turn that remembers it goes on: what the account itself wrote is nobody's secret.
    """
    query = "SELECT * FROM session_turns WHERE account = ? AND turn = ?"
    said = tx.db.execute(query, (tx.account, turn)).fetchall()
    for session in of_thread(tx, thread):
        seen = [row for row in said if row["agent"] == session["agent"]]
        _take_out(tx, session, seen, [words])


def of_thread(tx: Tx, thread: Thread) -> list[Row]:
    """The rows of the sessions of a thread."""
    query = "SELECT * FROM sessions WHERE account = ? AND thread_kind = ? AND thread_id = ? ORDER BY agent"
    return tx.db.execute(query, (tx.account, thread.kind, thread.id)).fetchall()


def _take_out(tx: Tx, session: Row, seen: Sequence[Row], words: Sequence[str]) -> list[int]:
    """Take messages out of one session, of which these turns saw one of them themselves.

    What saw them may have been cut off, while other answers still repeat them. The order of numbers says
    nothing: a turn that was set aside may run after later ones.
    """
    agent, thread = session["agent"], thread_of(session)
    saw = {row["turn"] for row in seen}
    query = (
        "SELECT session_turns.turn, at_ms, answer, settled_ms, asked_once FROM session_turns"  # noqa: S608
        f" JOIN turns USING (account, turn) WHERE {_OF_SESSION} ORDER BY 1"
    )
    values = (tx.account, agent, thread.kind, thread.id)
    turns = tx.db.execute(query, values).fetchall()
    told = [row for row in turns if row["turn"] in saw or _tells(tx, row, words)]
    for row in told:
        change(tx, "session_turns", {"turn": row["turn"]}, answer=None)
        if row["settled_ms"] is not None:
            answers.forget_steps(tx, row["turn"])
    summed_up = any(row["summarised"] for row in seen) or repeats(words, [session["summary"]])
    if summed_up:
        drop_summary(tx, agent, thread)
    if not told and not summed_up:
        return []
    change(tx, "sessions", _key(agent, thread), recalls=session["recalls"] + 1)
    since_ms = 0 if summed_up else min(row["at_ms"] for row in told)
    others = [
        row
        for row in turns
        if row["settled_ms"] is None and row["turn"] not in saw and row["at_ms"] >= since_ms
    ]
    # An agent that must not be asked twice has read it by now: what it answers is not remembered.
    _forget(tx, [row["turn"] for row in others if row["asked_once"]])
    return [row["turn"] for row in others if not row["asked_once"]]


def _tells(tx: Tx, turn: Row, words: Sequence[str]) -> bool:
    return repeats(words, (turn["answer"] or "", *_steps(tx, turn["turn"])))


def forget_repeated(tx: Tx, thread: Thread, repeats: Callable[[str], bool]) -> None:
    """Forget answers, steps and summaries of a thread's sessions that repeat something."""
    for session in of_thread(tx, thread):
        agent = session["agent"]
        if session["summary"] and repeats(session["summary"]):
            drop_summary(tx, agent, thread)
        query = f"SELECT turn, answer FROM session_turns WHERE {_OF_SESSION}"  # noqa: S608 — our own text only
        for row in tx.db.execute(query, (tx.account, agent, thread.kind, thread.id)).fetchall():
            if row["answer"] and repeats(row["answer"]):
                change(tx, "session_turns", {"turn": row["turn"]}, answer=None)
            if any(map(repeats, _steps(tx, row["turn"]))) and exists(tx.db, _OVER, tx.account, row["turn"]):
                answers.forget_steps(tx, row["turn"])


def leave(tx: Tx, turn: int) -> None:
    """What an open turn makes of what was taken back is not remembered, though it goes on.

    It leaves its session while it is with its agent. Once it has replied, it needs no steps any more.
    """
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND state IN ('waiting', 'running')"
    if exists(tx.db, query, tx.account, turn):
        _forget(tx, [turn])
    else:
        answers.forget_steps(tx, turn)


def repeats(words: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether one of the texts, or of the JSON texts, holds something that was taken back."""
    wanted = [one for one in (word.strip().casefold() for word in words) if len(one) >= SHORTEST_QUOTE]
    written = [json.dumps(one, ensure_ascii=False)[1:-1] for one in wanted]
    return any(one in text for text in map(str.casefold, texts) for one in (*wanted, *written))


def _steps(tx: Tx, turn: int) -> list[str]:
    rows = tx.db.execute("SELECT body FROM steps WHERE account = ? AND turn = ?", (tx.account, turn))
    return [row["body"] for row in rows]


_OF_SESSION = "account = ? AND agent = ? AND thread_kind = ? AND thread_id = ?"


_SUMMARISED = f"SELECT turn FROM session_turns WHERE {_OF_SESSION} AND summarised = 1"  # noqa: S608
_OPEN = (
    "SELECT 1 FROM session_turns JOIN turns USING (account, turn)"  # noqa: S608 — our own text only
    f" WHERE {_OF_SESSION} AND settled_ms IS NULL"
)


def _row(db: Database, account: str, agent: str, thread: Thread) -> Row | None:
    query = f"SELECT * FROM sessions WHERE {_OF_SESSION}"  # noqa: S608 — our own text only
    row: Row | None = db.execute(query, (account, agent, thread.kind, thread.id)).fetchone()
    return row


_MINE = (
    " FROM session_turns AS mine JOIN {0} AS part ON part.account = mine.account AND part.turn = mine.turn{1}"
    " WHERE mine.account = ? AND mine.agent = ? AND mine.thread_kind = ? AND mine.thread_id = ?"
    " AND mine.summarised = 0 AND mine.turn <> ?"
)
_MESSAGES = (
    " JOIN messages ON messages.account = part.account AND messages.seq = part.message"
    "  AND messages.body IS NOT NULL AND messages.recalled = ''"
)


def read(db: Database, account: str, agent: str, thread: Thread, but: int = 0) -> Session:
    """A session as it is now, without the turn `but`.

    A turn none of whose messages have their text any more is left out.
    """
    row = _row(db, account, agent, thread)
    if row is None:
        return Session()
    values = (account, agent, thread.kind, thread.id, but)

    def parts(what: str, table: str, more: str = "", order: str = "") -> dict[int, list[Row]]:
        query = f"SELECT mine.turn AS of_turn, {what}{_MINE.format(table, more)} ORDER BY mine.turn{order}"
        rows = db.execute(query, values).fetchall()
        return {turn: list(group) for turn, group in groupby(rows, lambda one: int(one["of_turn"]))}

    said = parts("messages.*", "turn_messages", _MESSAGES, ", messages.seq")
    given = parts("messages.*", "given", _MESSAGES, ", messages.seq")
    steps = parts("part.body", "steps", order=", part.number")
    chunks = parts("part.state", "outbox", order=", part.id")
    drafts = parts("part.state, part.step, part.edited", "drafts", order=", part.number")
    turns = parts("mine.at_ms, mine.answer, part.state", "turns")
    return Session(
        row["number"],
        row["recalls"],
        row["summary"],
        tuple(
            Remembered(
                turn,
                found[0]["at_ms"],
                tuple(map(inbound_of, said[turn])),
                tuple(map(inbound_of, given.get(turn, ()))),
                found[0]["answer"],
                tuple(one["body"] for one in steps.get(turn, ())),
                joined(
                    filter(
                        None,
                        (
                            _note(found[0], [one["state"] for one in chunks.get(turn, ())]),
                            _drafts_note(found[0]["state"], drafts.get(turn, ())),
                        ),
                    ),
                    "\n",
                ),
                _is_withheld(found[0]["state"], drafts.get(turn, ())),
            )
            for turn, found in turns.items()
            if turn in said
        ),
    )


WHY_NOT = {
    TurnState.STOPPED: later("stopped"),
    TurnState.TAKEN_OVER: later("the owner wrote instead"),
    TurnState.RECALLED: later("a message was taken back"),
    TurnState.EXPIRED: later("it was too late"),
    TurnState.FAILED: later("it could not be delivered"),
    TurnState.DEAD: later("something went wrong"),
    TurnState.REVOKED: later("its sender is no longer admitted"),
}
"""Why the answer of a turn in this state was not sent."""


def _note(turn: Row, chunks: Collection[str]) -> str:
    """What became of an answer, in brackets; empty for one that arrived, or was silence."""
    state, why = turn["state"], WHY_NOT.get(turn["state"], "")
    if state in _WITHHELD:
        arrived = sum(one == ChunkState.SENT for one in chunks)
        return later("(only the first {n} parts of an answer arrived)", n=arrived) if arrived else ""
    if turn["answer"] is None:
        if why:
            return later("(no answer: {why})", why=why)
        if chunks:
            return later("(the answer is not remembered)")
        return later("(no answer)") if state == TurnState.DONE else later("(no answer yet)")
    arrived = sum(one == ChunkState.SENT for one in chunks)
    if arrived == len(chunks):
        return later("(not sent: {why})", why=why) if why and not chunks else ""
    if arrived:
        return later("(only {n} of {all} parts arrived)", n=arrived, all=len(chunks))
    if ChunkState.UNKNOWN in chunks:
        return later("(nobody knows whether this arrived)")
    return later("(not sent: {why})", why=why) if why else later("(not sent yet)")


_WITHHELD = (TurnState.DRAFTED, TurnState.DROPPED)
_NOT_APPROVED = {
    DraftState.WAITING: (
        later("(no answer: it waits for the approval of the account's owner)"),
        later(
            "({n} of the messages that a tool wrote did not leave: each waits for the approval of the"
            " account's owner)"
        ),
    ),
    DraftState.EXPIRED: (
        later("(no answer: it was not approved in time by the account's owner)"),
        later(
            "({n} of the messages that a tool wrote did not leave: each was not approved in time by the"
            " account's owner)"
        ),
    ),
    DraftState.DROPPED: (
        later("(no answer: it was not approved by the account's owner)"),
        later(
            "({n} of the messages that a tool wrote did not leave: each was not approved by the account's"
            " owner)"
        ),
    ),
}

"""What became of an answer, and of messages that a tool wrote, by the state of their drafts."""

_NOT_LEFT = later("(no answer: it did not leave)")


def _drafts_note(state: str, drafts: Sequence[Row]) -> str:
    """What became of what had to be approved, in brackets; empty if all of it was."""
    told = []
    replies = [one for one in drafts if one["step"] is None]
    if state in _WITHHELD and replies:
        (of_answer, _) = _NOT_APPROVED.get(replies[-1]["state"], (_NOT_LEFT, ""))
        told.append(of_answer)
    for draft, (_, others) in _NOT_APPROVED.items():
        if count := sum(one["step"] is not None and one["state"] == draft for one in drafts):
            told.append(later(others, n=count))
    return joined(told, "\n")


def _is_withheld(state: str, drafts: Sequence[Row]) -> bool:
    """Whether nobody got the answer as the agent wrote it."""
    return state in _WITHHELD or any(one["step"] is None and one["edited"] for one in drafts)


def _listed(connection: Database, row: Row) -> Listed:
    thread = thread_of(row)
    return value_of(
        Listed, row, thread=thread, name=directory.thread_name(connection, row["account"], thread)
    )


def listed(connection: Database) -> list[Listed]:
    """All sessions that are used, over all accounts, the latest first."""
    rows = of_accounts(
        connection,
        "SELECT account, agent, thread_kind, thread_id, number, began_ms, last_ms, count(turn) AS turns,"
        " coalesce(sum(summarised), 0) AS summarised"
        " FROM sessions LEFT JOIN session_turns USING (account, agent, thread_kind, thread_id)"
        " WHERE account = ? AND last_ms > 0"
        " GROUP BY account, agent, thread_kind, thread_id, number, began_ms, last_ms",
    )
    found = [_listed(connection, row) for row in rows]
    return sorted(found, key=lambda one: one.last_ms, reverse=True)
