"""What agents spent: tokens and money by day, sender and thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from clawlane.messages import Thread
from clawlane.store.codec import thread_of
from clawlane.store.rows import of_accounts
from clawlane.store.sql import Database
from clawlane.store.transaction import Tx, lazy

KEPT_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens that were counted by a provider, and US dollars: 0 where no price is known."""

    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.usd + other.usd,
        )


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What an agent spent on a day: altogether, for one sender, and in one thread."""

    total: Spent
    sender: Spent
    thread: Spent


@dataclass(frozen=True, slots=True)
class DaySpending:
    """What an agent spent on a day: altogether, for each sender, and in each thread (`dm:ID`, `group:ID`)."""

    total: Spent
    senders: dict[str, Spent]
    threads: dict[str, Spent]


def of_day(connection: Database, agent: str, day: str) -> DaySpending:
    """What an agent spent on a day over all accounts."""
    query = "SELECT * FROM spending WHERE account = ? AND agent = ? AND day = ?"
    senders: dict[str, Spent] = {}
    threads: dict[str, Spent] = {}
    total = Spent()
    for row in of_accounts(connection, query, agent, day):
        spent = Spent(row["input_tokens"], row["output_tokens"], row["usd"])
        thread = str(thread_of(row))
        total += spent
        senders[row["sender_id"]] = senders.get(row["sender_id"], Spent()) + spent
        threads[thread] = threads.get(thread, Spent()) + spent
    return DaySpending(total, senders, threads)


def spent(tx: Tx, agent: str, day: str, thread: Thread | None = None, sender_id: str | None = None) -> Spent:
    """What an agent spent on a day (`2026-11-28`) over all accounts: in one thread, or for one sender."""
    query = (
        "SELECT input_tokens, output_tokens, usd FROM spending WHERE account = ? AND agent = ? AND day = ?"
    )
    values: list[str] = [agent, day]
    if thread is not None:
        query += " AND thread_kind = ? AND thread_id = ?"
        values += [thread.kind, thread.id]
    if sender_id is not None:
        query += " AND sender_id = ?"
        values.append(sender_id)
    rows = of_accounts(tx.db, query, *values)
    return Spent(
        sum(row["input_tokens"] for row in rows),
        sum(row["output_tokens"] for row in rows),
        sum(row["usd"] for row in rows),
    )


@lazy
def day_spent(tx: Tx, agent: str, day: str, thread: Thread, sender_id: str) -> DaySpent:
    """What an agent spent on a day, and how much of it for this sender and in this thread."""
    return DaySpent(
        spent(tx, agent, day), spent(tx, agent, day, sender_id=sender_id), spent(tx, agent, day, thread)
    )


@lazy
def add(tx: Tx, agent: str, day: str, thread: Thread, sender_id: str, spent: Spent) -> None:
    """Count what a request took."""
    tx.db.execute(
        "INSERT INTO spending VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, agent, day, thread_kind, thread_id, sender_id) DO UPDATE SET"
        " input_tokens = spending.input_tokens + excluded.input_tokens,"
        " output_tokens = spending.output_tokens + excluded.output_tokens, usd = spending.usd + excluded.usd",
        (
            tx.account,
            agent,
            day,
            thread.kind,
            thread.id,
            sender_id,
            spent.input_tokens,
            spent.output_tokens,
            spent.usd,
        ),
    )


def prune(tx: Tx) -> None:
    """Forget what was spent long ago; a day more or less, for the days may be those of any zone."""
    before = datetime.fromtimestamp((tx.now_ms - KEPT_MS) / 1000, UTC).date().isoformat()
    tx.db.execute("DELETE FROM spending WHERE account = ? AND day < ?", (tx.account, before))
