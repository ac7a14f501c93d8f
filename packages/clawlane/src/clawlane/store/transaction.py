"""What every transition of the store is given first, and what all of them share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from clawlane.store.audit_heads import Heads
from clawlane.store.sql import Database

Transition = TypeVar("Transition", bound=Callable[..., Any])
Noted: TypeAlias = str | int | bool | None
"""An id or an enum word, a number, a flag, or nothing."""

_ID = re.compile(r"[\w.:/@-]{1,120}\Z")


def _nothing() -> None:
    """Nobody has to be told."""


@dataclass(frozen=True, slots=True)
class Tx:
    """One change of one account (`channel/id`) at one time, inside an open transaction.

    `scrub` asks for what was deleted to leave the write-ahead log, soon after the commit; `news` wakes the
    readers of the event feed after it. `noted` is what the record of an operator's change says about it.
    `caller` is who asked for the change, `config` the revision of the config in force then, `substance` a
    digest of what that says, wherever it stands.
    """

    db: Database
    account: str
    now_ms: int
    scrub: Callable[[], None] = _nothing
    news: Callable[[], None] = _nothing
    noted: dict[str, Noted] = field(default_factory=dict)
    caller: str = "gateway"
    config: str = ""
    substance: str = ""
    heads: Heads = field(default_factory=Heads)

    def note(self, **values: Noted) -> None:
        """Say what this change is about, should an operator have asked for it.

        Only ids, numbers, enum words and flags: a text that looks like none of them is left out. Never give
        it a code, a name or a message.
        """
        self.noted.update({name: plain(value) for name, value in values.items()})


Detail = TypeVar("Detail", bound="Noted | Sequence[str]")


def plain(value: Detail) -> Detail:
    """A value for a record: a text that looks like no id and no enum word is left out."""
    if isinstance(value, str):
        return value if _ID.match(value) else ""  # type: ignore[return-value]
    if isinstance(value, Sequence):
        return [plain(one) for one in value]  # type: ignore[return-value]
    return value


def lazy(transition: Transition) -> Transition:
    """Mark a transition that need not reach the disk at once.

    What a power cut takes of it is done again or looked up after the restart.
    """
    transition.lazy = True  # type: ignore[attr-defined]
    return transition


def is_lazy(transition: Callable[..., Any]) -> bool:
    """Whether a transition is marked `lazy`."""
    return getattr(transition, "lazy", False)


def count(tx: Tx, what: str, by: int = 1) -> None:
    """Add to one of the account's counters, as the status shows them."""
    tx.db.execute(
        "INSERT INTO counters (account, reason, n) VALUES (?, ?, ?)"
        " ON CONFLICT (account, reason) DO UPDATE SET n = counters.n + excluded.n",
        (tx.account, what, by),
    )


def next_event(tx: Tx) -> int:
    """The number of something that the event feed tells. It rises in the order of commits."""
    tx.news()
    return tx.db.next_number("event")


_STEP_MS = 15_000
"""How precisely the latest time is kept: not every change is worth a write."""

_JITTER_MS = 10_000
"""The clock may be corrected by as much without a consequence."""


def note_time(tx: Tx, latest_ms: int) -> bool:
    """Before a change: keep its time, or move those of pairing and deliveries if it is before `latest_ms`.

    True if something was written.
    """
    if latest_ms - tx.now_ms > _JITTER_MS:
        _move_back(tx, latest_ms - tx.now_ms)
    elif tx.now_ms - latest_ms <= _STEP_MS:
        return False
    tx.db.execute(
        "INSERT INTO accounts (account, last_seen_ms) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET last_seen_ms = excluded.last_seen_ms",
        (tx.account, tx.now_ms),
    )
    return True


def _move_back(tx: Tx, by_ms: int) -> None:
    by = {"account": tx.account, "by": by_ms}
    tx.db.execute(
        "UPDATE pairing SET created_ms = created_ms - :by, expires_ms = expires_ms - :by,"
        " texted_ms = texted_ms - :by WHERE account = :account",
        by,
    )
    tx.db.execute(
        "UPDATE rejected SET rejected_ms = rejected_ms - :by, until_ms = until_ms - :by"
        " WHERE account = :account",
        by,
    )
    tx.db.execute("UPDATE lapsed SET at_ms = at_ms - :by WHERE account = :account", by)
    tx.db.execute("UPDATE accounts SET alerted_ms = alerted_ms - :by WHERE account = :account", by)
    tx.db.execute(
        "UPDATE deliveries SET created_ms = created_ms - :by, due_ms = due_ms - :by WHERE account = :account",
        by,
    )
    tx.db.execute(
        "UPDATE outbox SET created_ms = created_ms - :by, expires_ms = expires_ms - :by"
        " WHERE account = :account AND turn IS NULL AND purpose = 'challenge'",
        by,
    )


def forget_texts(tx: Tx, messages: Iterable[int]) -> None:
    """Remove the bodies of messages. The pages are overwritten (`secure_delete`)."""
    tx.db.executemany(
        "UPDATE messages SET body = NULL WHERE account = ? AND seq = ?",
        [(tx.account, seq) for seq in messages],
    )
