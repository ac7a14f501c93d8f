"""Alarms: what looks like trouble with the platform, with its evidence, until it ends or is acknowledged.

An alarm of one kind is open once at a time. What looks like the beginning of a ban mutes the account in the
same transaction. `alarm_signs` is what the detectors know: it survives restarts. Nobody's words are kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from clawlane.alarm_kinds import AlarmKind
from clawlane.store import alerts, audit_log
from clawlane.store.alarm_told import (
    LASTING,
    Alarm,
    Alarmed,
    Change,
    Cleared,
    Ended,
    Evidence,
    Memory,
    Noticed,
    Raised,
    Sign,
)
from clawlane.store.alerts import AlertKind
from clawlane.store.audit_told import Kind
from clawlane.store.codec import storable
from clawlane.store.pauses import pause, whole_pause
from clawlane.store.rows import change, insert, of_accounts, value_of
from clawlane.store.sql import Database, Row
from clawlane.store.told import Pause, PauseLevel
from clawlane.store.transaction import Noted, Tx, lazy

KEPT_MS = 365 * 86_400_000
"""How long an alarm is kept once it has ended."""

_SIGNS_KEPT_MS = 2 * 86_400_000
_MOST_IDS = 10
_LONGEST_ID = 120


def apply(tx: Tx, changes: Iterable[Change]) -> Alarmed:
    """Carry out what the detectors found, in order."""
    new: list[AlarmKind] = []
    ended: list[AlarmKind] = []
    held: Pause | None = None
    for one in changes:
        match one:
            case Noticed():
                _notice(tx, one)
            case Cleared():
                _clear(tx, one)
            case Raised():
                began, pause = raise_alarm(tx, one)
                new += [one.kind] if began else []
                held = pause or held
            case Ended():
                ended += [one.kind] if end(tx, one.kind, one.key) else []
    return Alarmed(tuple(new), tuple(ended), held)


def raise_alarm(tx: Tx, raised: Raised) -> tuple[bool, Pause | None]:
    """Whether an alarm began, and the pause that it holds the account with.

    Found again, an open one only has new evidence, and so has one that was acknowledged and is not over.
    """
    evidence = json.dumps(_storable(raised.evidence))
    row = tx.db.execute(
        "UPDATE alarms SET last_ms = ?, times = times + 1, evidence = ?"
        " WHERE account = ? AND kind = ? AND key = ? AND ended_ms IS NULL RETURNING id",
        (tx.now_ms, evidence, tx.account, raised.kind, raised.key),
    ).fetchone()
    if row is not None:
        return False, None
    query = "DELETE FROM alarms WHERE account = ? AND ended_ms < ?"
    tx.db.execute(query, (tx.account, tx.now_ms - KEPT_MS))
    id_ = tx.db.next_number("alarm")
    paused = raised.kind.pauses
    insert(
        tx,
        "alarms",
        id=id_,
        kind=raised.kind,
        key=raised.key,
        first_ms=tx.now_ms,
        last_ms=tx.now_ms,
        times=1,
        evidence=evidence,
        ended_ms=None,
        acknowledged_ms=None,
        paused=paused,
    )
    alerts.withdraw(tx, AlertKind.ALARM_OVER, _alert_key(raised.kind, raised.key))
    facts: dict[str, Noted] = {
        "command": f"openclaw alarms show {id_}",
        "alarm": id_,
        "alarm_kind": raised.kind,
        "paused": paused,
        "page": raised.kind.page,
    }
    alerts.note(tx, AlertKind.ALARM, _alert_key(raised.kind, raised.key), **facts)
    tx.note(alarm=id_, alarm_kind=raised.kind)
    return True, hold(tx, raised.kind) if paused else None


def hold(tx: Tx, kind: AlarmKind) -> Pause:
    """Mute the account because of an alarm, until somebody resumes it."""
    held = muted_by(kind, tx.account, tx.now_ms, whole_pause(tx.db, tx.account))
    pause(tx, held)
    audit_log.add(tx, Kind.PAUSE, "alarm", level=held.level, alarm_kind=kind)
    return held


def muted_by(kind: AlarmKind, account: str, now_ms: int, former: Pause | None) -> Pause:
    """The pause of an alarm, in place of a former one: it does not end by itself, and is no weaker."""
    level, since_ms = (former.level, former.since_ms) if former else (PauseLevel.MUTE, now_ms)
    return Pause(account, None, level, since_ms, None, (former.reason if former else "") or kind)


def end(tx: Tx, kind: AlarmKind, key: str = "") -> bool:
    """Whether an alarm ended. A pause that it began stays: that is for the operator to end."""
    found = {"kind": kind, "key": key, "ended_ms": None}
    open_before = tx.db.execute(
        "SELECT id FROM alarms WHERE account = ? AND kind = ? AND key = ? AND ended_ms IS NULL"
        " AND acknowledged_ms IS NULL",
        (tx.account, kind, key),
    ).fetchone()
    change(tx, "alarms", found, ended_ms=tx.now_ms)
    if open_before is None:
        return False
    _over(tx, int(open_before["id"]), kind, key)
    return True


def acknowledge(tx: Tx, ids: Collection[int] | None = None) -> list[Alarm]:
    """Acknowledge open alarms of the account: these, or all that mute it. Gives those that were open.

    One that looks like the beginning of a ban is over by that: the next sign is a new alarm.
    """
    found = [
        one
        for one in of_account(tx.db, tx.account)
        if one.acknowledged_ms is None and (one.id in ids if ids is not None else one.paused)
    ]
    found = [one for one in found if one.ended_ms is None or one.paused]
    for one in found:
        ended_ms = one.ended_ms if one.ended_ms is not None or not one.kind.pauses else tx.now_ms
        change(tx, "alarms", {"id": one.id}, acknowledged_ms=tx.now_ms, ended_ms=ended_ms)
        alerts.withdraw(tx, AlertKind.ALARM, _alert_key(one.kind, one.key))
        tx.note(alarm=one.id, alarm_kind=one.kind)
    return found


@lazy
def memory(tx: Tx) -> Memory:
    """What was known at the last stop."""
    rows = tx.db.execute(
        "SELECT sign, key, at_ms, number FROM alarm_signs WHERE account = ? ORDER BY at_ms, sign, key",
        (tx.account,),
    )
    signs = tuple(value_of(Noticed, row, sign=Sign(row["sign"])) for row in rows)
    return Memory(tuple(one for one in of_account(tx.db, tx.account) if one.ended_ms is None), signs)


def of_account(connection: Database, account: str) -> list[Alarm]:
    """The alarms of an account, the oldest first."""
    return list(map(_alarm_of, connection.execute(_OF_ACCOUNT, (account,))))


def listed(connection: Database) -> list[Alarm]:
    """The alarms of all accounts, the newest first."""
    found = map(_alarm_of, of_accounts(connection, _OF_ACCOUNT))
    return sorted(found, key=lambda one: one.id, reverse=True)


def open_of(connection: Database, account: str) -> list[Alarm]:
    """The alarms of an account that are to be shown, the oldest first."""
    return [one for one in of_account(connection, account) if one.open]


_OF_ACCOUNT = "SELECT * FROM alarms WHERE account = ? ORDER BY id"


def open_of_kind(connection: Database, kind: AlarmKind) -> list[Alarm]:
    """The alarms of a kind that are not over, of all accounts; the operator may have seen them."""
    rows = connection.execute("SELECT * FROM alarms WHERE kind = ? AND ended_ms IS NULL ORDER BY id", (kind,))
    return list(map(_alarm_of, rows))


def _alarm_of(row: Row) -> Alarm:
    kind, evidence = AlarmKind(row["kind"]), json.loads(row["evidence"])
    return value_of(Alarm, row, kind=kind, evidence=evidence, paused=bool(row["paused"]))


def _notice(tx: Tx, one: Noticed) -> None:
    if one.sign in LASTING:
        _clear(tx, Cleared(one.sign, one.key))
    tx.db.execute(
        "DELETE FROM alarm_signs WHERE account = ? AND at_ms < ? AND sign NOT IN ('friends', 'fallen')",
        (tx.account, tx.now_ms - _SIGNS_KEPT_MS),
    )
    tx.db.execute(
        "INSERT INTO alarm_signs (account, sign, key, at_ms, number) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account, sign, key, at_ms) DO UPDATE SET number = excluded.number",
        (tx.account, one.sign, storable(one.key)[:_LONGEST_ID], one.at_ms, one.number),
    )


def _clear(tx: Tx, one: Cleared) -> None:
    query, values = "DELETE FROM alarm_signs WHERE account = ? AND sign = ?", [tx.account, one.sign]
    if one.key is not None:
        query, values = f"{query} AND key = ?", [*values, storable(one.key)[:_LONGEST_ID]]
    tx.db.execute(query, values)


def _over(tx: Tx, id_: int, kind: AlarmKind, key: str) -> None:
    """Tell the owner, unless they have not heard of the alarm itself yet."""
    query = "SELECT 1 FROM alerts WHERE account = ? AND kind = ? AND key = ?"
    unheard = tx.db.execute(query, (tx.account, AlertKind.ALARM, _alert_key(kind, key))).fetchone()
    if unheard is None or kind.pauses:
        alerts.note(tx, AlertKind.ALARM_OVER, _alert_key(kind, key), alarm=id_, alarm_kind=kind)
    else:
        alerts.withdraw(tx, AlertKind.ALARM, _alert_key(kind, key))
    tx.note(alarm=id_, alarm_kind=kind)


def _alert_key(kind: AlarmKind, key: str) -> str:
    return f"{kind}:{key}" if key else str(kind)


def _storable(evidence: Evidence) -> dict[str, Noted | list[str]]:
    """The evidence, with as many ids as anybody looks at."""
    return {
        name: value
        if value is None or isinstance(value, int)
        else storable(value)[:_LONGEST_ID]
        if isinstance(value, str)
        else [storable(one)[:_LONGEST_ID] for one in value[:_MOST_IDS]]
        for name, value in evidence.items()
    }
