"""Transitions of upgrades: what an account works by, and what another version changed of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from clawlane.store import pauses
from clawlane.store.rows import change, exists, put
from clawlane.store.sql import Database, Row
from clawlane.store.told import Pause, PauseLevel
from clawlane.store.transaction import Tx, lazy
from clawlane.texts import from_json, to_json


@dataclass(frozen=True, slots=True)
class InForce:
    """What an account works by: the program's version and last migration, its policy as text, its settings.

    `settings` are values as JSON by path: what the config leaves to the program, and all about resending.
    """

    version: str
    migration: int
    policy: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What another version changed for an account, in sentences. It `holds` it until the operator accepts."""

    account: str
    at_ms: int
    was_version: str
    version: str
    changes: tuple[str, ...]
    holds: bool


def found(connection: Database, account: str) -> InForce | None:
    """What an account last worked by; None if that was never recorded."""
    row = connection.execute(
        "SELECT version, migration, policy, settings FROM in_force WHERE account = ?", (account,)
    ).fetchone()
    return row and InForce(row["version"], row["migration"], row["policy"], json.loads(row["settings"]))


def upgrades(connection: Database) -> list[Upgrade]:
    """The last upgrade of each account that one changed something for."""
    rows = connection.execute(
        "SELECT account, at_ms, was_version, version, changes, holds FROM upgrades ORDER BY account"
    )
    return [_upgrade(row) for row in rows]


def held(connection: Database, account: str) -> bool:
    """Whether an account waits until the operator accepts an upgrade."""
    return exists(connection, "SELECT 1 FROM upgrades WHERE account = ? AND holds <> 0", account)


def restored_ms(connection: Database, account: str) -> int | None:
    """When a backup was restored, for an account that has not connected since."""
    row = connection.execute("SELECT restored_ms FROM accounts WHERE account = ?", (account,)).fetchone()
    return None if row is None else row["restored_ms"]


@lazy
def record(tx: Tx, now: InForce) -> None:
    """Record what the account works by, unless it waits for the operator to accept that."""
    settings = json.dumps(dict(now.settings), sort_keys=True)
    tx.db.execute(
        "INSERT INTO in_force (account, at_ms, version, migration, policy, settings) SELECT ?, ?, ?, ?, ?, ?"
        " WHERE NOT EXISTS (SELECT 1 FROM upgrades WHERE account = ? AND holds <> 0)"
        " ON CONFLICT (account) DO UPDATE SET at_ms = excluded.at_ms, version = excluded.version,"
        " migration = excluded.migration, policy = excluded.policy, settings = excluded.settings",
        (tx.account, tx.now_ms, now.version, now.migration, now.policy, settings, tx.account),
    )


def upgraded(tx: Tx, now: InForce, was_version: str, changes: tuple[str, ...], *, holds: bool) -> None:
    """Record what another version changed. If it `holds`, the account is paused and the record stays.

    One that was held before stays so, whatever changed since.
    """
    was_held = held(tx.db, tx.account)
    values = {
        "was_version": was_version,
        "version": now.version,
        "changes": json.dumps([to_json(one) for one in changes]),
    }
    put(tx, "upgrades", {}, at_ms=tx.now_ms, **values, holds=holds or was_held)
    if holds and not was_held:
        row = tx.db.execute(
            "SELECT level, until_ms, reason FROM pauses"
            " WHERE account = ? AND thread_kind = '' AND ended_ms IS NULL",
            (tx.account,),
        ).fetchone()
        level, until_ms, reason = row or ("", None, "")
        change(tx, "upgrades", {}, paused=level, paused_until_ms=until_ms, paused_reason=reason)
        held_at = PauseLevel(level or PauseLevel.MUTE)
        pauses.begin(tx, Pause(tx.account, None, held_at, tx.now_ms, reason=reason))
    record(tx, now)


def accept(tx: Tx, now: InForce) -> Pause | None:
    """Let the account work by what changed. Gives the pause that there is besides, if it still counts.

    The caller ends the pause of the upgrade, or puts that one back.
    """
    row = tx.db.execute(
        "SELECT paused, paused_until_ms, paused_reason FROM upgrades WHERE account = ?", (tx.account,)
    ).fetchone()
    tx.note(version=now.version)
    change(tx, "upgrades", {}, holds=False)
    record(tx, now)
    until_ms = row["paused_until_ms"]
    if not row["paused"] or (until_ms is not None and until_ms <= tx.now_ms):
        return None
    return Pause(tx.account, None, PauseLevel(row["paused"]), tx.now_ms, until_ms, row["paused_reason"])


def _upgrade(row: Row) -> Upgrade:
    changes = tuple(map(from_json, json.loads(row["changes"])))
    return Upgrade(
        row["account"], row["at_ms"], row["was_version"], row["version"], changes, bool(row["holds"])
    )
