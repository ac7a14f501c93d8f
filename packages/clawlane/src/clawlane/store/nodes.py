"""Gateways that share a database: each enters under the name of its node, beats, and leaves.

All times are those of the database's clock: the changes here take no notice of the time of this machine.
A gateway that has not beaten for `LEASE_MS` has lost its accounts, whether or not it is still there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from clawlane.store.errors import MoveRefused, NodeTaken
from clawlane.store.sql import Database, Row
from clawlane.texts import later

LEASE_MS = 15_000
"""How long a beat holds."""

LATE_MS = 10_000
"""A beat that is older is not the last of a node that is well: two should have come since."""

FORGOTTEN_MS = 30 * 24 * 3_600_000
"""How long a node is remembered that is not there and has nothing. Names of containers often come once."""

CLEAN, DEAD = "clean", "dead"
"""How an owner ended: it stopped, or it is known not to be there any more."""


class Node(msgspec.Struct, frozen=True):
    """A run of a gateway. `instance` is random; `boot` names this boot of its machine and its lock file.

    Who works with the same boot of the machine and holds the same lock file knows that the run before is
    over.
    """

    name: str
    instance: str
    boot: str
    labels: Mapping[str, str] = {}
    max_accounts: int | None = None


class Entered(msgspec.Struct, frozen=True):
    """A node as the database has it. `age_ms` is the age of its last beat."""

    name: str
    instance: str
    labels: Mapping[str, str]
    max_accounts: int | None
    entered_ms: int
    beat_ms: int
    age_ms: int
    draining_ms: int | None
    ended: str
    leaving: bool = False

    @property
    def alive(self) -> bool:
        """Whether its beat holds."""
        return not self.ended and self.age_ms <= LEASE_MS

    @property
    def takes(self) -> bool:
        """Whether it may take an account: it is there, and is not about to leave."""
        return self.alive and not self.leaving


class Look(msgspec.Struct, frozen=True):
    """All nodes by name, at a moment of the database's clock.

    `restless` says whether an account has been released, is wanted somewhere, or was never owned.
    """

    nodes: dict[str, Entered]
    restless: bool
    now_ms: int

    @property
    def picture(self) -> tuple[object, ...]:
        """What decides who may run an account, but for the accounts themselves."""
        nodes = self.nodes.values()
        return tuple((one.name, one.instance, one.alive, one.leaving, one.draining_ms) for one in nodes)


def enter(db: Database, _now_ms: int, node: Node) -> None:
    """Take the name of a node for this run. Its labels and its limit are those of `node` from now on.

    An earlier run that is known to be over has its accounts declared dead. Raises `NodeTaken` while another
    run beats under this name.
    """
    now_ms = db.clock_ms()
    _forget(db, node.name, now_ms)
    before = db.execute("SELECT * FROM nodes WHERE name = ?", (node.name,)).fetchone()
    labels = json.dumps(dict(node.labels), sort_keys=True)
    values = (node.instance, node.boot, labels, node.max_accounts, now_ms, now_ms)
    if before is None:
        made = db.execute(
            "INSERT INTO nodes (instance, boot, labels, max_accounts, entered_ms, beat_ms, name)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
            (*values, node.name),
        )
        if not made.rowcount:
            raise _taken(node.name, 0)
        return
    is_over = before["boot"] == node.boot or before["ended"] == CLEAN
    age_ms = now_ms - before["beat_ms"]
    if not is_over and age_ms <= LEASE_MS:
        raise _taken(node.name, age_ms)
    taken = db.execute(
        "UPDATE nodes SET instance = ?, boot = ?, labels = ?, max_accounts = ?, entered_ms = ?, beat_ms = ?,"
        " leaving = 0, ended = '' WHERE name = ? AND instance = ? AND beat_ms = ?",
        (*values, node.name, before["instance"], before["beat_ms"]),
    )
    if not taken.rowcount:  # it has just beaten, or somebody else was faster
        raise _taken(node.name, 0)
    if is_over:
        _end_owners(db, node.name, DEAD, now_ms)


def _forget(db: Database, but: str, now_ms: int) -> None:
    """Forget nodes that are long gone, and that nobody has left anything with: no account, no drain."""
    db.execute(
        "DELETE FROM nodes WHERE beat_ms < ? AND draining_ms IS NULL AND name <> ?"
        " AND NOT EXISTS (SELECT 1 FROM owners WHERE node = name OR wanted = name)",
        (now_ms - FORGOTTEN_MS, but),
    )


def beat(db: Database, _now_ms: int, name: str, instance: str, *, held: bool = False) -> bool:
    """Hold what this run owns for another `LEASE_MS`. Raises `NodeTaken` if the name is another's by now.

    Where the run thinks that it `held` its accounts until now, and the beat before is too old for that,
    nothing is held and this gives False: others may have claimed. A machine that was frozen knows no better.
    """
    now_ms = db.clock_ms()
    oldest_ms = now_ms - LEASE_MS if held else 0
    changed = db.execute(
        "UPDATE nodes SET beat_ms = ?, ended = '' WHERE name = ? AND instance = ? AND beat_ms >= ?",
        (now_ms, name, instance, oldest_ms),
    )
    if changed.rowcount:
        return True
    row = db.execute("SELECT instance FROM nodes WHERE name = ?", (name,)).fetchone()
    if row is None:
        told = later("the database knows no node {name} any more: it was put back; start the gateway again")
        raise NodeTaken(later(told, name=repr(name)))
    if row["instance"] != instance:
        raise _taken(name, 0)
    return False


def begin_to_leave(db: Database, _now_ms: int, name: str, instance: str) -> None:
    """This run stops: it takes no account any more, and others may have at once what it releases."""
    db.execute("UPDATE nodes SET leaving = 1 WHERE name = ? AND instance = ?", (name, instance))


def leave(db: Database, _now_ms: int, name: str, instance: str) -> None:
    """This run has stopped, and nothing of it is on its way. Nothing happens if the name is another's."""
    changed = db.execute(
        "UPDATE nodes SET ended = ? WHERE name = ? AND instance = ?", (CLEAN, name, instance)
    )
    if changed.rowcount:
        _end_owners(db, name, CLEAN, db.clock_ms(), instance)


def drain(db: Database, _now_ms: int, name: str, on: bool) -> None:
    """Have a node give up its accounts as others take them, or no more. Raises `MoveRefused`."""
    draining_ms = db.clock_ms() if on else None
    changed = db.execute("UPDATE nodes SET draining_ms = ? WHERE name = ?", (draining_ms, name))
    if not changed.rowcount:
        raise unknown(db, name)


def listed(db: Database) -> list[Entered]:
    """All nodes that are remembered, by name."""
    now_ms = db.clock_ms()
    rows = db.execute("SELECT * FROM nodes ORDER BY name").fetchall()
    return [_entered(row, now_ms) for row in rows]


def look(db: Database) -> Look:
    """All nodes, in one cheap question, however many accounts there are."""
    now_ms = db.clock_ms()
    rows = db.execute(
        "SELECT nodes.*, EXISTS (SELECT 1 FROM owners WHERE wanted <> '' OR owners.ended <> '' OR node = '')"
        " AS restless FROM nodes ORDER BY name"
    ).fetchall()
    return Look(
        {row["name"]: _entered(row, now_ms) for row in rows}, any(row["restless"] for row in rows), now_ms
    )


def unknown(db: Database, name: str) -> MoveRefused:
    """The error for a name that no node has, with those that there are."""
    names = ", ".join(row["name"] for row in db.execute("SELECT name FROM nodes ORDER BY name"))
    told = later("there is no node {name}; nodes: {names}", name=repr(name), names=names or later("none"))
    return MoveRefused(told)


def _entered(row: Row, now_ms: int) -> Entered:
    names = ("name", "instance", "max_accounts", "entered_ms", "beat_ms", "draining_ms", "ended")
    values = {name: row[name] for name in names}
    values |= {"leaving": bool(row["leaving"]), "labels": json.loads(row["labels"])}
    return Entered(**values, age_ms=max(0, now_ms - row["beat_ms"]))


def _end_owners(db: Database, name: str, how: str, now_ms: int, instance: str = "") -> None:
    """Say of the accounts of a node that their owner has ended, where nobody has said so yet."""
    db.execute(
        "UPDATE owners SET ended = ?, since_ms = ? WHERE node = ? AND ended = '' AND epoch > 0"
        " AND (instance = ? OR ? = '')",
        (how, now_ms, name, instance, instance),
    )


def _taken(name: str, age_ms: int) -> NodeTaken:
    told = later(
        "another gateway works as node {name} (its last beat is {seconds} s old); stop it, or give this one a"
        " name of its own (node.name in the config)",
        name=repr(name),
        seconds=round(age_ms / 1000),
    )
    return NodeTaken(told)
