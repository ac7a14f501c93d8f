"""Whether a chain of the record holds, entry by entry, and what its head and the entries themselves say.

A chain that holds shows that nothing in it was changed, removed or moved, unless all that follows was written
anew. The head, a private file outside the database, shows that its end was neither cut off nor rewritten.
Whoever can write both can make up both; only a head that was noted elsewhere shows that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clawlane.store.audit_heads import Head, HeadDamaged, read_head, tip
from clawlane.store.audit_log import COLUMNS, Entry, entry_of, hash_at
from clawlane.store.audit_told import Checked, Fault, Kind, Note
from clawlane.store.sql import Database

_MOST_FAULTS = 100
"""Faults of one account that are listed."""


@dataclass
class Chain:
    """Takes the entries of an account in their order. Without an `anchor` the first one is believed."""

    account: str
    anchor: Head | None = None
    faults: list[Fault] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    first: int = 0
    last: Head = field(default_factory=Head)
    entries: int = 0
    pruned: str = ""
    """What the newest entry about pruning says was pruned last, as a head."""
    expected: Head | None = None
    shared: bool = False
    """Whether the head may be on other machines only."""
    seen: bytes = b""

    def take(self, entry: Entry) -> None:
        """The next entry. Behind the first fault, only what entries say of the record itself counts."""
        before = self.last if self.entries else self.anchor
        if not self.entries:
            self.first = entry.number
        self.entries += 1
        if self.expected is not None and entry.number == self.expected.number:
            self.seen = entry.hash
        if not self.faults and (fault := self._fault(entry, before)):
            self.faults.append(fault)
        self.last = Head(entry.number, entry.hash)
        if entry.kind == Kind.RECORD:
            self._about_itself(entry)

    def _fault(self, entry: Entry, before: Head | None) -> Fault | None:
        number, account = entry.number, self.account
        if before is not None and number <= before.number:
            return Fault(account, "order", number, at_ms=entry.at_ms)
        if before is not None and number > before.number + 1:
            return Fault(account, "missing", before.number + 1, number - 1)
        if not entry.is_whole():
            return Fault(account, "changed", number)
        if before is None and number == 1:
            before = Head()
        if before is not None and entry.previous != before.hash:
            # The entry is whole, so it tells what the one before it was.
            return Fault(account, "link", before.number or number)
        return None

    def _about_itself(self, entry: Entry) -> None:
        told = _details(entry)
        after, known = _number(told.get("after")), _number(told.get("known"))
        match entry.what:
            case "gap":
                self._add(Fault(self.account, "gap", after + 1, known, entry.at_ms))
            case "head_missing" | "head_damaged" | "rewritten":
                self._add(Fault(self.account, entry.what, entry.number, known, entry.at_ms))
            case "pruned":
                through, hash_ = _number(told.get("through")), str(told.get("hash"))
                self.pruned = f"{through}:{hash_}"
                self.notes.append(Note(entry.number, entry.at_ms, entry.what, through))
            case what:
                self.notes.append(Note(entry.number, entry.at_ms, what, known))

    def expect(self, head: Head) -> None:
        """Say that this entry was noted elsewhere, before the first one is taken."""
        self.expected = head

    def ended(self, head: Head | HeadDamaged | None, at_head: bytes | None) -> Checked:
        """The result, with the head file; `at_head` is the hash of the entry that it names."""
        if self.anchor is not None and self.anchor.number and self.pruned != str(self.anchor):
            self._add(Fault(self.account, "anchor", self.anchor.number))
        if isinstance(head, HeadDamaged):
            self._add(Fault(self.account, "head_damaged", self.last.number, text=head.args[0]))
        elif head is None:
            if self.entries and not self.shared:
                self._add(Fault(self.account, "head_missing", self.last.number))
        elif head.why:
            self.notes.append(Note(self.last.number, 0, f"{head.why}_now", head.number))
        elif head.number > self.last.number:
            self._add(Fault(self.account, "tail", self.last.number + 1, head.number))
        elif head.number and at_head is not None and at_head != head.hash:
            self._add(Fault(self.account, "head", head.number))
        return self.checked()

    def _add(self, fault: Fault) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(fault)

    def checked(self) -> Checked:
        """The result of what was taken. For an export that is all: no head is at hand."""
        if self.expected is not None and self.seen != self.expected.hash:
            self._add(Fault(self.account, "expected", self.expected.number))
        faults = sorted(self.faults, key=lambda one: one.number)
        return Checked(
            self.account, self.first, str(self.last), self.entries, tuple(faults), tuple(self.notes)
        )


def of_store(
    db: Database, account: str, folder: Path, expected: Head | None = None, *, shared: bool = False
) -> Checked:
    """The record of an account as it is stored now.

    Where the store is `shared` by machines this one may have no head of it, or one of an earlier entry.
    """
    head = _head(folder, account)  # before the entries: it never names one that is not there yet
    chain = Chain(account, expected=expected, shared=shared)
    try:
        with db.moment():
            chain.anchor = _anchor(db, account)
            query = f"{COLUMNS} WHERE account = ? ORDER BY number"
            for row in db.execute(query, (account,)):
                chain.take(entry_of(row))
            at_head = hash_at(db, account, head.number) if isinstance(head, Head) else None
            if not db.guarded():
                chain.faults.append(Fault(account, "triggers", chain.last.number))
            return chain.ended(head, at_head)
    except Exception as error:
        if not db.failed_below(error):
            raise
        # a page that is no page any more
        chain.faults.append(Fault(account, "unreadable", chain.last.number + 1, text=str(error)))
        return chain.checked()


def end_of_store(db: Database, account: str, folder: Path, *, shared: bool = False) -> Fault | None:
    """What is wrong with the end of a record, which is quick to see; None where nothing is."""
    head = _head(folder, account)
    chain = Chain(account, last=tip(db, account), shared=shared)
    chain.entries = chain.last.number
    at_head = hash_at(db, account, head.number) if isinstance(head, Head) else None
    faults = chain.ended(head, at_head).faults
    return faults[0] if faults else None


def _head(folder: Path, account: str) -> Head | HeadDamaged | None:
    try:
        return read_head(folder, account)
    except HeadDamaged as error:
        return error


def _anchor(db: Database, account: str) -> Head:
    row = db.execute("SELECT number, hash FROM audit_anchors WHERE account = ?", (account,)).fetchone()
    return Head(row[0], bytes(row[1])) if row else Head()


def _details(entry: Entry) -> dict[str, Any]:
    try:
        told = json.loads(entry.details)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
