"""What leaves for a target outside: kept until it was taken, tried again, and set aside after a day.

A target is a name (`alerts.webhook`); where it is stands in the config. Each delivery keeps its id over all
tries, so that a receiver can drop repeats: it may arrive more than once, and is not lost.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from clawlane.store.codec import storable
from clawlane.store.errors import NoDelivery
from clawlane.store.rows import change, insert, value_of
from clawlane.store.sql import Database
from clawlane.store.transaction import Tx
from clawlane.texts import later

FIRST_WAIT_MS, LONGEST_WAIT_MS = 1000, 3_600_000
GIVE_UP_MS = 86_400_000
"""How long a delivery is tried. It is set aside by the first try after that."""

FEWEST_TRIES = 12
"""So many tries, about an hour of them, come first: neither sleep nor a clock that jumps counts as a day."""

MOST = 2000
"""How many deliveries of an account are kept; beyond that the oldest go, those that were set aside first."""

KEPT_MS = 30 * 86_400_000
"""How long what was set aside is kept."""

_LONGEST_ERROR = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery. `error` is what the last try said; `dead_ms` is when it was set aside.

    `body` is JSON: what kind of event it is stands in `kind`.
    """

    account: str
    id: str
    target: str
    kind: str
    body: str
    created_ms: int
    due_ms: int
    tries: int
    error: str
    dead_ms: int | None


def queue(tx: Tx, target: str, kind: str, body: str) -> str:
    """Let something leave for a target. Gives its id."""
    id_ = f"msg_{secrets.token_hex(12)}"
    times = {"created_ms": tx.now_ms, "due_ms": tx.now_ms}
    insert(tx, "deliveries", id=id_, target=target, kind=kind, body=storable(body), **times)
    tx.db.execute(
        "DELETE FROM deliveries WHERE account = ? AND id IN (SELECT id FROM deliveries WHERE account = ?"
        " ORDER BY dead_ms IS NULL DESC, created_ms DESC LIMIT ? OFFSET ?)",
        (tx.account, tx.account, MOST, MOST),
    )
    tx.news()
    return id_


def open_deliveries(tx: Tx) -> list[Delivery]:
    """What still has to leave, in order. What is due later than any retry was planned by another clock."""
    query = "SELECT * FROM deliveries WHERE account = ? AND dead_ms IS NULL ORDER BY created_ms, id"
    found = [value_of(Delivery, row) for row in tx.db.execute(query, (tx.account,))]
    latest_ms = tx.now_ms + 2 * LONGEST_WAIT_MS
    late = {one.id for one in found if one.due_ms > latest_ms}
    for id_ in late:
        change(tx, "deliveries", {"id": id_}, due_ms=tx.now_ms)
    return [replace(one, due_ms=tx.now_ms) if one.id in late else one for one in found]


def taken(tx: Tx, id_: str) -> None:
    """The target has taken it."""
    tx.db.execute("DELETE FROM deliveries WHERE account = ? AND id = ?", (tx.account, id_))


def failed(tx: Tx, id_: str, error: str, jitter: float = 0.0) -> bool:
    """It was not taken: it is tried again later, or set aside. True for the latter.

    `jitter` from 0 to 1 adds up to a tenth to the wait.
    """
    query = "SELECT * FROM deliveries WHERE account = ? AND id = ? AND dead_ms IS NULL"
    row = tx.db.execute(query, (tx.account, id_)).fetchone()
    if row is None:  # dropped meanwhile
        return False
    tries = row["tries"] + 1
    wait_ms = min(FIRST_WAIT_MS * 2 ** min(row["tries"], 20), LONGEST_WAIT_MS)
    is_dead: bool = tries >= FEWEST_TRIES and tx.now_ms - row["created_ms"] >= GIVE_UP_MS
    change(
        tx,
        "deliveries",
        {"id": id_},
        tries=tries,
        error=storable(error)[:_LONGEST_ERROR],
        due_ms=tx.now_ms + int(wait_ms * (1 + 0.1 * jitter)),
        dead_ms=tx.now_ms if is_dead else None,
    )
    return is_dead


def retry(tx: Tx, id_: str = "") -> int:
    """Try a delivery again at once, with all its time; without an id, every one that failed.

    Gives how many. Raises `NoDelivery`.
    """
    found = _named(tx, id_, "tries > 0")
    for one in found:
        again = {"created_ms": tx.now_ms, "due_ms": tx.now_ms, "tries": 0, "dead_ms": None}
        change(tx, "deliveries", {"id": one}, **again)
    tx.note(deliveries=len(found), id=id_)
    tx.news()
    return len(found)


def drop(tx: Tx, id_: str = "") -> int:
    """Give a delivery up; without an id, every one that was set aside. Gives how many.

    Raises `NoDelivery`.
    """
    found = _named(tx, id_, "dead_ms IS NOT NULL")
    for one in found:
        taken(tx, one)
    tx.note(deliveries=len(found), id=id_)
    return len(found)


def _named(tx: Tx, id_: str, else_: str) -> list[str]:
    where, values = ("id = ?", (storable(id_),)) if id_ else (else_, ())
    query = f"SELECT id FROM deliveries WHERE account = ? AND {where}"  # noqa: S608 — our own text only
    found = [row["id"] for row in tx.db.execute(query, (tx.account, *values))]
    if id_ and not found:
        raise NoDelivery(
            later(
                "{account} has no delivery {id!r}; see: openclaw alerts list",
                account=tx.account,
                id=storable(id_),
            )
        )
    return found


def listed(connection: Database, account: str) -> list[Delivery]:
    """What has not been taken yet, the oldest first; also what was set aside."""
    query = "SELECT * FROM deliveries WHERE account = ? ORDER BY created_ms, id"
    return [value_of(Delivery, row) for row in connection.execute(query, (account,))]


def prune(tx: Tx) -> None:
    """Forget what was set aside long ago."""
    query = "DELETE FROM deliveries WHERE account = ? AND dead_ms < ?"
    tx.db.execute(query, (tx.account, tx.now_ms - KEPT_MS))
