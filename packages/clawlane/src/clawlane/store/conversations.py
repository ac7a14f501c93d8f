"""Conversations as somebody reads them: what others said that was let in, and what the account said itself.

What others wrote is there if it was admitted, or went to an agent as context. Requests of strangers, what
waits for a mention and what was taken back are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from clawlane.messages import Attachment, Inbound, Thread
from clawlane.store import directory
from clawlane.store.codec import inbound_of, kind_of, message_ids, said_in, thread_of
from clawlane.store.errors import CursorUnknown
from clawlane.store.models import Purpose
from clawlane.store.rows import exists
from clawlane.store.sql import Database
from clawlane.store.states import ChunkState
from clawlane.store.taken_back import TAKEN_BACK
from clawlane.store.transaction import Tx
from clawlane.texts import later

_NEWEST = 50_000
"""How many messages, and how many sends, of an account are looked at for its conversations."""


class Author(StrEnum):
    """Who wrote a message: another person, or in the name of the account somebody on this side."""

    PERSON = "person"
    OWNER = "owner"
    AGENT = "agent"
    MCP = "mcp"
    OPERATOR = "operator"
    GATEWAY = "gateway"


_AUTHORS = {
    Purpose.REPLY: Author.AGENT,
    Purpose.TOOL: Author.AGENT,
    Purpose.CLIENT: Author.MCP,
    Purpose.OPERATOR: Author.OPERATOR,
}
"""Who wrote what was sent; everything else is a text of the gateway itself."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation. `cursor` is its place: what is before it is older.

    `number` is that of the store, of a message or else in the outbox. Of other people there are an id, a name
    and `attachments`; `state` says where a message of the account stands, and is None for one that came in.
    `context` says that it was not for the account: an agent was only shown it.
    """

    cursor: str
    number: int
    message_ids: tuple[str, ...]
    at_ms: int
    author: Author
    text: str
    kind: str
    sender_id: str = ""
    sender_name: str = ""
    quoted: str = ""
    attachments: tuple[Attachment, ...] = ()
    state: ChunkState | None = None
    context: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation of an account (`channel/id`): its thread, that one's name, and what was said last."""

    account: str
    thread: Thread
    name: str
    last_ms: int
    last: Said | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of a conversation: time (ms), 0 for what came and 1 for what was sent, number."""

    at_ms: int
    sent: int
    number: int

    @classmethod
    def of(cls, cursor: str) -> Place:
        """The place of a cursor; empty: behind everything. Raises `CursorUnknown`."""
        if not cursor:
            return cls(2**62, 1, 2**62)
        found = _CURSOR.match(cursor)
        if found is None:
            raise CursorUnknown(later("that is no cursor of this list; read it from the start"))
        return cls(int(found[1]), int(found[2]), int(found[3]))

    def __str__(self) -> str:
        return f"{self.at_ms}.{self.sent}.{self.number}"

    def before(self, sent: int) -> tuple[int, int, int]:
        """The values of `_BEFORE`: which numbers of the same moment are older depends on the kind."""
        return self.at_ms, self.at_ms, self.number if sent == self.sent else 2**62 * (self.sent > sent)


_CURSOR = re.compile(r"(\d{1,18})\.([01])\.(\d{1,18})\Z", re.ASCII)
_BEFORE = "({at} < ? OR ({at} = ? AND {number} < ?))"
_SHOWN = (
    "body IS NOT NULL AND recalled = ''"
    " AND (EXISTS (SELECT 1 FROM turn_messages WHERE account = said.account AND message = seq)"
    "  OR EXISTS (SELECT 1 FROM given WHERE account = said.account AND message = seq)"
    "  OR EXISTS (SELECT 1 FROM decisions WHERE account = said.account AND message = seq"
    "   AND stage = 'admission' AND reason = 'self'))"
    " AND NOT EXISTS (SELECT 1 FROM decisions WHERE account = said.account AND message = seq"
    "  AND stage = 'run' AND outcome = 'drop')"
)
"""Of messages (`said`): somebody is meant to read them."""

_LEFT = (
    "body <> '' AND state <> 'cancelled' AND reason <> ? AND purpose NOT IN ('challenge', 'alert', 'owner')"
    """ AND body NOT LIKE '{"kind": "reaction"%' AND body NOT LIKE '{"kind": "undo"%'"""
)
"""Of the outbox: messages to a conversation. What strangers and owners are told is none."""

_THREAD = "account = ? AND thread_kind = ? AND thread_id = ?"
_THREADS = (
    "SELECT thread_kind, thread_id, max(admitted_ms) AS last_ms FROM"  # noqa: S608 — our own text only
    "  (SELECT thread_kind, thread_id, admitted_ms FROM messages AS said"
    f"  WHERE account = ? AND {_SHOWN} ORDER BY seq DESC LIMIT {_NEWEST}) GROUP BY thread_kind, thread_id",
    "SELECT thread_kind, thread_id, max(created_ms) AS last_ms FROM"  # noqa: S608
    "  (SELECT thread_kind, thread_id, created_ms FROM outbox"
    f"  WHERE account = ? AND {_LEFT} ORDER BY id DESC LIMIT {_NEWEST}) GROUP BY thread_kind, thread_id",
)


def listed(db: Database, account: str) -> list[Conversation]:
    """The conversations of an account, the one with the newest message first."""
    found: dict[Thread, int] = {}
    for query, values in zip(_THREADS, ((account,), (account, TAKEN_BACK)), strict=True):
        for row in db.execute(query, values):
            thread = thread_of(row)
            found[thread] = max(found.get(thread, 0), row["last_ms"])
    newest = sorted(found.items(), key=lambda one: (-one[1], str(one[0])))
    return [
        Conversation(account, thread, directory.thread_name(db, account, thread), at_ms)
        for thread, at_ms in newest
    ]


def read(db: Database, account: str, thread: Thread, limit: int, before: str = "") -> tuple[list[Said], bool]:
    """What was said in a conversation, newest last, and whether there is more before that.

    `before` is the cursor of a message. Raises `CursorUnknown`.
    """
    place = Place.of(before)
    came = _came(db, account, thread, place, limit + 1)
    left = _left(db, account, thread, place, limit + 1)
    newest = sorted((*came, *left), key=lambda one: one[0], reverse=True)
    found = [said for _, said in newest[:limit]]
    return found[::-1], len(newest) > limit


def exists_in(db: Database, account: str, thread: Thread) -> bool:
    """Whether there is such a conversation."""
    place = (account, thread.kind, thread.id)
    came = f"SELECT 1 FROM messages AS said WHERE {_THREAD} AND {_SHOWN} LIMIT 1"  # noqa: S608 — our own text
    left = f"SELECT 1 FROM outbox WHERE {_THREAD} AND {_LEFT} LIMIT 1"  # noqa: S608
    return exists(db, came, *place) or exists(db, left, *place, TAKEN_BACK)


def attachment(
    db: Database, account: str, thread: Thread, message_id: str, number: int
) -> tuple[int, Attachment] | None:
    """An attachment of a message of a conversation, counted from 0, with the number of that message."""
    row = db.execute(
        f"SELECT * FROM messages AS said WHERE {_THREAD} AND message_id = ? AND {_SHOWN} LIMIT 1",  # noqa: S608
        (account, thread.kind, thread.id, message_id),
    ).fetchone()
    found = inbound_of(row).attachments if row else ()
    return (row["seq"], found[number]) if 0 <= number < len(found) else None


def last_admitted(tx: Tx, thread: Thread) -> Inbound | None:
    """The newest message of a conversation that somebody else was admitted with."""
    row = tx.db.execute(
        f"SELECT * FROM messages AS said WHERE {_THREAD} AND {_SHOWN}"  # noqa: S608 — our own text only
        " AND EXISTS (SELECT 1 FROM decisions"
        "  WHERE account = said.account AND message = seq AND stage = 'admission' AND outcome = 'admit')"
        " ORDER BY seq DESC LIMIT 1",
        (tx.account, thread.kind, thread.id),
    ).fetchone()
    return inbound_of(row) if row else None


def _came(
    db: Database, account: str, thread: Thread, place: Place, limit: int
) -> Iterator[tuple[tuple[int, int, int], Said]]:
    before = _BEFORE.format(at="admitted_ms", number="seq")
    rows = db.execute(
        "SELECT *, NOT EXISTS (SELECT 1 FROM turn_messages"  # noqa: S608 — our own text only
        "  WHERE account = said.account AND message = seq) AS context FROM messages AS said"
        f" WHERE {_THREAD} AND {_SHOWN} AND {before} ORDER BY admitted_ms DESC, seq DESC LIMIT ?",
        (account, thread.kind, thread.id, *place.before(0), limit),
    )
    for row in rows:
        inbound, key = inbound_of(row), (row["admitted_ms"], 0, row["seq"])
        said = Said(
            cursor=str(Place(*key)),
            number=row["seq"],
            message_ids=(inbound.message_id,) if inbound.message_id else (),
            at_ms=inbound.sent_ms,
            author=Author.OWNER if inbound.by_owner else Author.PERSON,
            text=inbound.text,
            kind=inbound.kind,
            sender_id=inbound.sender_id,
            sender_name=inbound.sender_name,
            quoted=inbound.quote.text if inbound.quote else "",
            attachments=inbound.attachments,
            context=bool(row["context"]) and not inbound.by_owner,
        )
        yield key, said


def _left(
    db: Database, account: str, thread: Thread, place: Place, limit: int
) -> Iterator[tuple[tuple[int, int, int], Said]]:
    before = _BEFORE.format(at="created_ms", number="id")
    rows = db.execute(
        f"SELECT * FROM outbox WHERE {_THREAD} AND {_LEFT} AND {before}"  # noqa: S608 — our own text only
        " ORDER BY created_ms DESC, id DESC LIMIT ?",
        (account, thread.kind, thread.id, TAKEN_BACK, *place.before(1), limit),
    )
    for row in rows:
        key = (row["created_ms"], 1, row["id"])
        said = Said(
            cursor=str(Place(*key)),
            number=row["id"],
            message_ids=message_ids(row["receipt"]),
            at_ms=row["sent_ms"] or row["created_ms"],
            author=_AUTHORS.get(Purpose(row["purpose"]), Author.GATEWAY),
            text=said_in(row["body"]),
            kind=kind_of(row["body"]),
            state=ChunkState(row["state"]),
        )
        yield key, said
