"""Which node owns an account: claimed, released, and moved. The epoch of an owner only grows.

Placement is sticky: an account stays its node's until that gives it up, or is lost. What a node may take is
told by `right_of`; `placement` says what it should take now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from clawlane.store import nodes
from clawlane.store.errors import MoveRefused, NotOwned
from clawlane.store.nodes import CLEAN, DEAD, LEASE_MS, Entered
from clawlane.store.sql import Database, Row
from clawlane.texts import later

_RUNNING = (
    "owners JOIN nodes ON nodes.name = owners.node AND nodes.instance = owners.instance"
    " WHERE owners.ended = '' AND nodes.ended = '' AND nodes.beat_ms >= ?"
)
"""The accounts that a node runs, by the oldest beat that holds."""

RETURN_MS = 10_000
"""How long an account waits for its own node that is there, before others may take it."""


class Claimant(msgspec.Struct, frozen=True):
    """A run of a gateway that looks for accounts.

    `takes_over` says whether it takes those of nodes that are lost (`takeover: 'auto'`), `after_ms` after
    their last beat.
    """

    name: str
    instance: str
    takes_over: bool = False
    after_ms: int = 60_000


class Standing(msgspec.Struct, frozen=True):
    """Who owns an account, or did last: `node` is empty where nobody ever did.

    `wanted` is the node that is to have it; `ended` how its owner ended, empty while it has not. `since_ms`
    is when one of these changed last.
    """

    account: str
    epoch: int
    node: str
    instance: str
    wanted: str
    ended: str
    since_ms: int


class Right(StrEnum):
    NONE = "none"
    OWN = "own"
    """It is this node's: nobody else takes it."""

    SHARED = "shared"
    """Any node may have it; each takes its share."""

    ASK = "ask"
    """Its node is there and gives it up to whoever asks."""


class Claimed(msgspec.Struct, frozen=True):
    """An account that was claimed. `doubtful`: nobody knows what its last owner still sends."""

    epoch: int
    doubtful: bool


def right_of(me: Claimant, one: Standing, known: Mapping[str, Entered], now_ms: int) -> tuple[Right, int]:
    """What a node may do with an account that it does not run, and since when; `known` are all nodes."""
    owner = known.get(one.node)
    alive = is_run(one, owner)
    if one.wanted == me.name and (not alive or one.instance == me.instance):
        return Right.OWN, one.since_ms
    if one.wanted == me.name:  # once its owner has given it up
        return Right.NONE, 0
    if one.wanted and one.wanted in known and known[one.wanted].takes:
        return Right.NONE, 0
    if one.node == me.name:
        return Right.OWN, one.since_ms
    if owner is None:
        return Right.SHARED, one.since_ms
    draining_ms = owner.draining_ms
    if alive:
        return (Right.ASK, draining_ms) if draining_ms is not None else (Right.NONE, 0)
    if not (me.takes_over or draining_ms is not None):
        return Right.NONE, 0
    free_ms = one.since_ms
    if not one.ended:
        last_ms = owner.beat_ms if owner.instance == one.instance else owner.entered_ms
        free_ms = last_ms + max(LEASE_MS, me.after_ms)
    if owner.takes and draining_ms is None:
        free_ms = max(free_ms, one.since_ms + RETURN_MS)
    return (Right.SHARED, free_ms) if now_ms > free_ms else (Right.NONE, 0)


def is_run(one: Standing, owner: Entered | None) -> bool:
    """Whether the owner of an account is there: its run beats, and has not given the account up."""
    return owner is not None and not one.ended and owner.alive and owner.instance == one.instance


def know(db: Database, _now_ms: int, accounts: Iterable[str]) -> None:
    """Accounts of a config: those that nobody ever owned can be claimed from now on."""
    now_ms = db.clock_ms()
    db.executemany(
        "INSERT INTO owners (account, epoch, pid, since_ms) VALUES (?, 0, 0, ?) ON CONFLICT DO NOTHING",
        [(account, now_ms) for account in sorted(accounts)],
    )


def claim(db: Database, account: str, me: Claimant, pid: int) -> Claimed:
    """Own an account from now on: its epoch grows. Raises `NotOwned` where this node may not have it.

    The row is held before anybody looks at who beats. So an owner that beats, and then goes on, is seen here;
    and one that does not goes on only after it has claimed the account itself.
    """
    if not db.hold_owner(account):
        raise NotOwned(later("{account} is being claimed by another gateway", account=account))
    known = {one.name: one for one in nodes.listed(db)}
    row = db.execute("SELECT * FROM owners WHERE account = ?", (account,)).fetchone()
    one, mine, now_ms = _standing(row), known.get(me.name), db.clock_ms()
    if mine is None or mine.instance != me.instance or not mine.alive:
        raise NotOwned(later("node {name} is not there by its last beat", name=me.name))
    if right_of(me, one, known, now_ms)[0] not in (Right.OWN, Right.SHARED):
        raise NotOwned(later("{account} is run by node {name}", account=account, name=one.node))
    claimed = db.execute(
        "UPDATE owners SET epoch = epoch + 1, pid = ?, since_ms = ?, node = ?, instance = ?, wanted = '',"
        " ended = '' WHERE account = ? RETURNING epoch",
        (pid, now_ms, me.name, me.instance, account),
    ).fetchone()
    return Claimed(claimed["epoch"], bool(one.node) and not one.ended and one.instance != me.instance)


def take(db: Database, account: str, pid: int, instance: str = "") -> int:
    """Own an account for a moment, or as the one gateway of a file. Gives the new epoch.

    Raises `NotOwned` while a node runs it, but for the run `instance`, which knows that it does not.
    """
    row = db.execute("SELECT * FROM owners WHERE account = ? AND node <> ''", (account,)).fetchone()
    if row is not None and (not db.hold_owner(account) or _runs(db, account, instance)):
        told = later("{account} is run by node {name}; run this command there")
        raise NotOwned(later(told, account=account, name=row["node"]))
    taken = db.execute(
        "INSERT INTO owners (account, epoch, pid, since_ms) VALUES (?, 1, ?, ?) ON CONFLICT (account) DO"
        " UPDATE SET epoch = owners.epoch + 1, pid = excluded.pid, since_ms = excluded.since_ms"
        " RETURNING epoch",
        (account, pid, db.clock_ms()),
    ).fetchone()
    return int(taken["epoch"])


def _runs(db: Database, account: str, but_for: str) -> bool:
    """Whether a node runs an account now, `but_for` one run."""
    one = _standing(db.execute("SELECT * FROM owners WHERE account = ?", (account,)).fetchone())
    return one.instance != but_for and is_run(
        one, next((node for node in nodes.listed(db) if node.name == one.node), None)
    )


def release(db: Database, _now_ms: int, account: str, epoch: int) -> None:
    """Give an account up: nothing of it is on its way. Nothing happens if somebody has claimed it since."""
    db.execute(
        "UPDATE owners SET ended = ?, since_ms = ? WHERE account = ? AND epoch = ? AND ended = ''",
        (CLEAN, db.clock_ms(), account, epoch),
    )


def ask_for(db: Database, _now_ms: int, account: str, me: Claimant) -> None:
    """Ask a node that drains to give an account up to this one, unless another has asked already."""
    if not db.hold_owner(account):
        return
    known = {one.name: one for one in nodes.listed(db)}
    row = db.execute("SELECT * FROM owners WHERE account = ?", (account,)).fetchone()
    if right_of(me, _standing(row), known, db.clock_ms())[0] is Right.ASK:
        db.execute("UPDATE owners SET wanted = ? WHERE account = ?", (me.name, account))


def move(db: Database, _now_ms: int, account: str, node: str) -> Standing:
    """Have a node run an account. Gives who ran it; an owner that is lost is declared dead.

    Raises `MoveRefused`.
    """
    known = {one.name: one for one in nodes.listed(db)}
    target = known.get(node)
    if target is None:
        raise nodes.unknown(db, node)
    if not target.takes:
        raise MoveRefused(later("node {name} does not run; start its gateway first", name=node))
    row = db.execute("SELECT * FROM owners WHERE account = ?", (account,)).fetchone()
    if row is None:
        raise MoveRefused(later("no gateway knows the account {account}", account=account))
    one = _standing(row)
    if one.node == node and is_run(one, target):
        db.execute("UPDATE owners SET wanted = '' WHERE account = ?", (account,))
        return one
    db.execute("UPDATE owners SET wanted = ?, since_ms = ? WHERE account = ?", (node, db.clock_ms(), account))
    if one.node and not one.ended and not is_run(one, known.get(one.node)):
        db.execute("UPDATE owners SET ended = ? WHERE account = ? AND epoch = ?", (DEAD, account, one.epoch))
    return one


def unsettled(db: Database) -> list[Standing]:
    """Accounts that are not simply run by the node that has them: another is to, or it is not there."""
    rows = db.execute(
        "SELECT owners.* FROM owners LEFT JOIN nodes ON nodes.name = owners.node WHERE wanted <> ''"
        " OR owners.ended <> '' OR nodes.name IS NULL OR nodes.ended <> '' OR nodes.draining_ms IS NOT NULL"
        " OR nodes.instance <> owners.instance OR nodes.beat_ms < ? ORDER BY account",
        (db.clock_ms() - LEASE_MS,),
    )
    return [_standing(row) for row in rows]


def first_run(db: Database) -> str:
    """The first account, by name, that a node runs; empty where none does."""
    row = db.execute(
        f"SELECT min(account) FROM {_RUNNING}",  # noqa: S608 — our own text only
        (db.clock_ms() - LEASE_MS,),
    ).fetchone()
    return str(row[0] or "")


def standings(db: Database) -> list[Standing]:
    """Who owns each account, by name."""
    return [_standing(row) for row in db.execute("SELECT * FROM owners ORDER BY account")]


def running(db: Database) -> dict[str, str]:
    """The node that runs each account now, where one does."""
    rows = db.execute(
        f"SELECT owners.account, owners.node FROM {_RUNNING} ORDER BY owners.account",  # noqa: S608 — ours
        (db.clock_ms() - LEASE_MS,),
    )
    return {row["account"]: row["node"] for row in rows}


def _standing(row: Row) -> Standing:
    names = ("account", "epoch", "node", "instance", "wanted", "ended", "since_ms")
    return Standing(**{name: row[name] for name in names})
