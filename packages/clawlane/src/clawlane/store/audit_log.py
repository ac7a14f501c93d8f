"""The record of an account: what left in its name and what was changed, each entry bound to the one before.

An entry's hash covers everything in it and the hash before it, so that a changed, removed or reordered entry
shows. Texts are not in it: a digest stands for what was said, keyed with the state directory's own key and
salted with the entry's number, so that nobody can guess a short text from it, or see that two are the same.

Entries are added in the transaction of the thing itself. Triggers refuse every other change but the removal
of what was pruned; its last hash stays as an anchor, and an entry of the chain says so.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clawlane.store.audit_heads import Head, HeadDamaged, head_of, read_head, tip
from clawlane.store.audit_told import Kind
from clawlane.store.codec import compared, message_ids, thread_of, undone_by
from clawlane.store.models import Purpose
from clawlane.store.rows import insert, put
from clawlane.store.sql import Database, Row, Rows
from clawlane.store.transaction import Noted, Tx, lazy, plain

KEPT_MS = 2 * 365 * 86_400_000
"""How long entries are kept."""

_PRUNED_DAYS_MS = 86_400_000
"""Old entries are removed a day's worth at a time, so that the chain says so once a day at most."""

_BATCH = 1000


_OF_CHANGES = {
    "imports": Kind.APPROVAL,
    "pairing": Kind.APPROVAL,
    "drafts": Kind.APPROVAL,
    "directory": Kind.POLICY,
    "pauses": Kind.PAUSE,
    "takeovers": Kind.PAUSE,
}
"""The kinds of operators' changes, by the file of the transition."""

_OWN = ("events.note_config", f"{__name__.rpartition('.')[2]}.")
"""Changes that have an entry of their own."""

GATEWAY, AGENT, OPERATOR, CLIENT = "gateway", "agent", "operator", "mcp"
_SENDERS = {
    Purpose.REPLY: AGENT,
    Purpose.TOOL: AGENT,
    Purpose.OPERATOR: OPERATOR,
    Purpose.CLIENT: CLIENT,
}
"""Who wants what leaves; everything else is a text of the gateway itself."""

canonical = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
"""The one way in which values are written where a hash depends on it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is stored. `details` is JSON; `content` is empty where nothing was said.

    `who` is the caller of an operation, or `agent`, `operator`, `mcp` or `gateway` for what left. `config` is
    the revision of the config in force.
    """

    account: str
    number: int
    at_ms: int
    kind: str
    what: str
    who: str
    details: str
    config: str
    content: bytes
    previous: bytes
    hash: bytes = b""

    def is_whole(self) -> bool:
        """Whether the hash is that of the rest."""
        try:
            return self.own_hash() == self.hash
        except TypeError:  # a number that is none any more
            return False

    def own_hash(self) -> bytes:
        """What the hash has to be."""
        told = [
            self.account,
            self.number,
            self.at_ms,
            self.kind,
            self.what,
            self.who,
            self.details,
            self.config,
            self.content.hex(),
            self.previous.hex(),
        ]
        return hashlib.sha256(canonical(told).encode()).digest()


COLUMNS = (
    "SELECT CAST(account AS BLOB), number, at_ms, CAST(kind AS BLOB), CAST(what AS BLOB), CAST(who AS BLOB),"
    " CAST(details AS BLOB), CAST(config AS BLOB), content, previous, hash FROM audit_log"
)
"""The beginning of a question about entries. From a file texts come as bytes: a changed one may be none."""


def entry_of(row: Sequence[Any]) -> Entry:
    """A row of such a question, whatever somebody made of it."""
    account, number, at_ms, kind, what, who, details, config, content, previous, own_hash = row
    return Entry(
        _text(account),
        number,
        at_ms,
        _text(kind),
        _text(what),
        _text(who),
        _text(details),
        _text(config),
        _bytes(content),
        _bytes(previous),
        _bytes(own_hash),
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else ""


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for: everything that is not empty has to fit.

    `thread` is `dm:ID`, `group:ID` or an id; `content` what was said, word for word.
    """

    since_ms: int | None = None
    kind: str = ""
    thread: str = ""
    content: str = ""

    def fits(self, entry: Entry, key: bytes) -> bool:
        if self.since_ms is not None and entry.at_ms < self.since_ms:
            return False
        if self.kind and entry.kind != self.kind:
            return False
        if self.thread and not _about_thread(entry, self.thread):
            return False
        if not self.content:
            return True
        return entry.content == digest_of(key, entry.account, entry.number, self.content)


def newest(db: Database, account: str, wanted: Wanted, limit: int, key: bytes) -> list[Entry]:
    """The newest entries of an account that are wanted, oldest first."""
    found: list[Entry] = []
    before = 2**62
    while len(found) < limit:
        query = f"{COLUMNS} WHERE account = ? AND number < ? ORDER BY number DESC LIMIT ?"
        page = [entry_of(row) for row in db.execute(query, (account, before, _BATCH))]
        found += [one for one in page if wanted.fits(one, key)][: limit - len(found)]
        if len(page) < _BATCH or _all_older(page, wanted.since_ms):
            break
        before = page[-1].number
    return found[::-1]


def page(db: Database, account: str, after: int, limit: int) -> list[Entry]:
    """The entries after one, in order."""
    query = f"{COLUMNS} WHERE account = ? AND number > ? ORDER BY number LIMIT ?"
    return [entry_of(row) for row in db.execute(query, (account, after, limit))]


def accounts(db: Database) -> list[str]:
    """The accounts that have a record."""
    found: list[str] = []
    query = "SELECT min(account) FROM audit_log WHERE account > ?"
    while (name := db.execute(query, (found[-1] if found else "",)).fetchone()[0]) is not None:
        found.append(str(name))
    return found


def _all_older(page: Sequence[Entry], since_ms: int | None) -> bool:
    """Whether nothing more is to be found. A clock that was set back makes single entries look older."""
    return since_ms is not None and all(one.at_ms < since_ms for one in page)


def _about_thread(entry: Entry, thread: str) -> bool:
    try:
        told = json.loads(entry.details)
    except ValueError:
        return False
    found = str(told.get("thread", "")) if isinstance(told, dict) else ""
    return found == thread or (":" not in thread and found.partition(":")[2] == thread)


def digest_of(key: bytes, account: str, number: int, content: str) -> bytes:
    """What stands for a content in the entry of this number."""
    told = canonical([account, number, content])
    return hmac.digest(key, told.encode(), "sha256")


def add(
    tx: Tx,
    kind: Kind,
    what: str,
    content: str = "",
    *,
    who: str = "",
    after: Rows | None = None,
    **details: Noted | Sequence[str],
) -> None:
    """Add an entry, in the transaction of what it is about.

    `who` is the caller of the operation where none is given. As with `Tx.note`, texts that are no ids or enum
    words are left out of the details. `after` is the last entry, where that was asked for before.
    """
    _add(tx, kind, what, content, who or tx.caller, details, after)


def _add(
    tx: Tx,
    kind: Kind,
    what: str,
    content: str,
    who: str,
    details: Mapping[str, Noted | Sequence[str]],
    after: Rows | None = None,
) -> None:
    """What somebody cut off while this process was writing is noted first."""
    last = head_of(after) if after is not None else tip(tx.db, tx.account)
    known = tx.heads.expected(tx.account)
    if last.number < known.number or (last.number == known.number and last.hash != known.hash):
        last = _append(tx, last, Kind.RECORD, "gap", "", GATEWAY, _lost(last, known))
    _append(tx, last, kind, what, content, who, details)


def _append(
    tx: Tx,
    last: Head,
    kind: Kind,
    what: str,
    content: str,
    who: str,
    details: Mapping[str, Noted | Sequence[str]],
) -> Head:
    number = last.number + 1
    told = {name: plain(value) for name, value in details.items()}
    said = digest_of(tx.heads.key, tx.account, number, content) if content else b""
    written = canonical(told)
    entry = Entry(tx.account, number, tx.now_ms, kind, what, who, written, tx.config, said, last.hash)
    own_hash = entry.own_hash()
    insert(
        tx,
        "audit_log",
        number=number,
        at_ms=tx.now_ms,
        kind=kind,
        what=what,
        who=who,
        details=written,
        config=tx.config,
        content=said,
        previous=last.hash,
        hash=own_hash,
    )
    tx.heads.grew(tx.account)
    return Head(number, own_hash)


def note_send(tx: Tx, chunk: Row, state: str, after: Rows | None = None) -> None:
    """Record what became of a chunk, from its whole row as it is now; `after` as for `add`."""
    purpose = Purpose(chunk["purpose"])
    taken_back = {"takes_back": id_} if (id_ := undone_by(chunk["body"])) else {}
    add(
        tx,
        Kind.SEND,
        state,
        compared(chunk["body"]) if chunk["body"] else "",
        who=_SENDERS.get(purpose, GATEWAY),
        after=after,
        chunk=chunk["id"],
        thread=str(thread_of(chunk)),
        purpose=purpose,
        turn=chunk["turn"] if chunk["turn"] is not None else chunk["by_turn"],
        tries=chunk["attempts"],
        messages=message_ids(chunk["receipt"]),
        **taken_back,
    )


def note_change(tx: Tx, caller: str, operation: str, change: str) -> None:
    """Record what an operator changed, unless that has an entry of its own."""
    if not change.startswith(_OWN):
        kind = _OF_CHANGES.get(change.partition(".")[0], Kind.CHANGE)
        _add(tx, kind, change, "", caller, {**tx.noted, "operation": operation})


def note_login(tx: Tx, generation: str, user_id: str) -> None:
    """Record the login that an account works with, unless it is the one recorded last."""
    if _is_news(tx, "login", generation):
        add(tx, Kind.LOGIN, "logged_in", generation=generation, id=user_id)


def note_logout(tx: Tx) -> None:
    """Record that the session of an account was forgotten."""
    if _is_news(tx, "login", ""):
        add(tx, Kind.LOGIN, "logged_out")


def note_revoke(tx: Tx, result: str) -> None:
    """Record that the platform was asked to end the session of an account, and what came of it."""
    add(tx, Kind.LOGIN, "revoke", result=result)


@lazy
def note_config(tx: Tx) -> None:
    """Record the config that an account begins to work by, unless one that says the same was recorded last.

    Machines that share a store have each a file of their own; every entry names its revision anyway.
    """
    if _is_news(tx, "config", tx.substance or tx.config):
        add(tx, Kind.POLICY, "in_force", revision=tx.config)


def note_edit(tx: Tx, edit: str, revision: str, counts: Mapping[str, int], *, in_force: bool) -> None:
    """Record what became of an edit of the config, with what it widens and narrows."""
    if in_force:
        _is_news(tx, "config", tx.substance or revision)
    _add(tx, Kind.POLICY, edit, "", tx.caller, {**counts, "revision": revision})


def _is_news(tx: Tx, what: str, value: str) -> bool:
    """Whether the last that was recorded of this is another one. It is this one from now on."""
    query = "SELECT value FROM audit_marks WHERE account = ? AND what = ?"
    row = tx.db.execute(query, (tx.account, what)).fetchone()
    if (row["value"] if row else "") == value:
        return False
    put(tx, "audit_marks", {"what": what}, value=value)
    return True


def begin(tx: Tx) -> None:
    """When an account gets an owner: compare its chain with the head, and record what is wrong.

    From then on the head follows the chain, so what is missing now could not be seen any more.
    """
    last = tip(tx.db, tx.account)
    tx.heads.grew(tx.account)
    if tx.heads.folder is None:
        return
    try:
        head = read_head(tx.heads.folder, tx.account)
    except HeadDamaged:
        head, missing = None, "head_damaged"
    else:
        missing = "head_missing"
    if head is None:
        if last.number and not (tx.heads.shared and missing == "head_missing"):
            _append(tx, last, Kind.RECORD, missing, "", GATEWAY, {"after": last.number})
    elif head.why:
        _append(tx, last, Kind.RECORD, head.why, "", GATEWAY, _lost(last, head))
    elif head.number > last.number:
        _append(tx, last, Kind.RECORD, "gap", "", GATEWAY, _lost(last, head))
    elif (found := hash_at(tx.db, tx.account, head.number)) is not None and found != head.hash:
        _append(tx, last, Kind.RECORD, "rewritten", "", GATEWAY, _lost(last, head))


def _lost(last: Head, known: Head) -> dict[str, Noted]:
    """From where to where entries are missing, or were others."""
    return {"after": last.number, "known": known.number, "hash": known.hash.hex()}


def hash_at(db: Database, account: str, number: int) -> bytes | None:
    """The hash of an entry, or of the anchor that stands for it; None for one that is not there."""
    for query in (
        "SELECT hash FROM audit_log WHERE account = ? AND number = ?",
        "SELECT hash FROM audit_anchors WHERE account = ? AND number = ?",
    ):
        if row := db.execute(query, (account, number)).fetchone():
            return bytes(row[0])
    return None


def prune(tx: Tx) -> bool:
    """Remove the oldest entries that had their time, with an anchor in their place. True if there is more."""
    rows = tx.db.execute(
        "SELECT number, at_ms, hash FROM audit_log WHERE account = ? ORDER BY number LIMIT ?",
        (tx.account, _BATCH),
    ).fetchall()
    before_ms = tx.now_ms - KEPT_MS
    if not rows or rows[0]["at_ms"] >= before_ms - _PRUNED_DAYS_MS:
        return False
    # Only from the beginning on: where a clock was set back, later entries may look older.
    old = next((place for place, row in enumerate(rows) if row["at_ms"] >= before_ms), len(rows))
    last = rows[old - 1]
    add(tx, Kind.RECORD, "pruned", through=last["number"], hash=bytes(last["hash"]).hex())
    put(tx, "audit_anchors", {}, number=last["number"], hash=last["hash"], at_ms=tx.now_ms)
    tx.db.execute("DELETE FROM audit_log WHERE account = ? AND number <= ?", (tx.account, last["number"]))
    return old == _BATCH
