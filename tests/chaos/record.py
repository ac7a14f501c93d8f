"""The record that a gateway kept through a story: checked whole, and again with one bit of it changed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from demo.stage import Operator


@dataclass(frozen=True, slots=True)
class Record:
    """What `audit verify` said of it: the exit codes before and after a bit was changed in entry `changed`.

    `entries` are all, `sent` those of messages that arrived, `found` is the first bad entry that was named
    after the change.
    """

    code: int
    entries: int
    sent: int
    changed: int
    code_after: int
    found: int

    @property
    def holds(self) -> bool:
        """Whether it was whole, and the change was found where it was made."""
        return (self.code, self.code_after) == (0, 1) and self.found == self.changed

    def __str__(self) -> str:
        whole = "whole" if self.code == 0 else "NOT WHOLE"
        told = f"record: {self.entries} entries, {self.sent} of them sent, {whole}"
        return f"{told}; one bit changed in entry {self.changed}: found in entry {self.found}"


def checked(operator: Operator, store: Path, seed: int) -> Record:
    """Check the record of a gateway that has stopped; the store is damaged afterwards."""
    code, before = _verify(operator)
    with closing(sqlite3.connect(store)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (sent,) = db.execute("SELECT count(*) FROM audit_log WHERE what = 'sent'").fetchone()
        rows = db.execute("SELECT number, details FROM audit_log WHERE kind = 'send'").fetchall()
    random = Random(seed)
    number, details = random.choice(rows)
    content = bytearray(store.read_bytes())
    at = content.index(details.encode()) + random.randrange(len(details))
    content[at] ^= 1 << random.randrange(8)
    store.write_bytes(content)
    code_after, after = _verify(operator)
    found = after["faults"][0]["number"] if after["faults"] else 0
    return Record(code, before["entries"], sent, number, code_after, found)


def _verify(operator: Operator) -> tuple[int, dict[str, Any]]:
    done = operator.run("audit", "verify", "--json")
    [found] = json.loads(done.stdout)["accounts"].values()
    return done.returncode, found
