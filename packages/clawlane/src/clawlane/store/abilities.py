"""What was seen to work on an account, what the platform refused, and what is switched off by that.

A simulator proves nothing about the platform: each is kept apart, and a transition is about the one on which
the account ran last (`begin`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from clawlane import abilities
from clawlane.abilities import COUNTED, REFUSALS, RISKY, Ability, Off
from clawlane.store.rows import exists, put
from clawlane.store.sql import Database, Row
from clawlane.store.transaction import Tx, lazy

_DAY_MS = 86_400_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an ability stands on one account.

    `seen_ms` is when it was seen to work first, `last_ms` when last, to the day, and `verified_ms` when the
    ritual last saw it; None for never. `refusals` counts those of the platform while it was not seen to work.
    `off` says why it is switched off, None if it is not, and `off_ms` since when, where that is known.
    """

    ability: Ability
    seen_ms: int | None = None
    last_ms: int | None = None
    verified_ms: int | None = None
    refusals: int = 0
    off: Off | None = None
    off_ms: int | None = None


def begin(tx: Tx, *, simulated: bool) -> None:
    """The account runs now: on the platform, or on a simulator."""
    put(tx, "accounts", {}, simulated=simulated)


def use(tx: Tx, used: Iterable[Ability]) -> None:
    """Before something is used: tell once in the log what was never seen to work here and can do harm.

    A transition that is repeated or rolled back may tell it again, which is better than never.
    """
    for ability in used:
        if ability in RISKY and _mark_told(tx, ability):
            log.warning(
                "%s: %s is used for the first time; nobody has seen it work on this account yet; see:"
                " openclaw channels capabilities",
                tx.account,
                abilities.what(ability),
            )


@lazy
def seen(tx: Tx, worked: Iterable[Ability]) -> None:
    """These were seen to work just now. Refusals of before do not count any more."""
    for ability in worked:
        _keep_seen(tx, ability, simulated=None)


def verified(tx: Tx, worked: Iterable[Ability], *, simulated: bool) -> None:
    """The ritual has seen these work."""
    for ability in worked:
        _keep_seen(tx, ability, simulated=simulated)
        put(tx, "abilities", {"simulated": simulated, "ability": ability}, verified_ms=tx.now_ms)


def refused(tx: Tx, ability: Ability) -> bool:
    """The platform refused something that uses this. True if that switched it off.

    Where it was seen to work, a refusal is about the message and counts for nothing.
    """
    if ability not in COUNTED or is_seen(tx, ability):
        return False
    row = tx.db.execute(
        "INSERT INTO abilities (account, simulated, ability, refusals) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (account, simulated, ability) DO UPDATE SET refusals = abilities.refusals + 1"
        " RETURNING refusals, off",
        (tx.account, _simulated(tx), ability),
    ).fetchone()
    if row["refusals"] < REFUSALS or row["off"]:
        return False
    _switch_off(tx, ability, Off.REFUSALS, simulated=_simulated(tx))
    log.warning(
        "%s: %s is switched off: %s; %s. Switch it on again: openclaw channels capabilities --enable %s",
        tx.account,
        abilities.what(ability),
        abilities.why_off(Off.REFUSALS),
        abilities.when_off(ability),
        ability,
    )
    return True


def acquit(tx: Tx, ability: Ability) -> None:
    """A refusal was not about this: the platform refused the same without it, too."""
    tx.db.execute(
        "UPDATE abilities SET refusals = CASE refusals WHEN 0 THEN 0 ELSE refusals - 1 END,"
        " off = CASE off WHEN 'refusals' THEN '' ELSE off END,"
        " off_ms = CASE off WHEN 'refusals' THEN NULL ELSE off_ms END"
        " WHERE account = ? AND simulated = ? AND ability = ?",
        (tx.account, _simulated(tx), ability),
    )


def is_seen(tx: Tx, ability: Ability) -> bool:
    """Whether an ability was seen to work where the account runs."""
    return _is(tx, ability, "seen_ms IS NOT NULL")


def is_off(tx: Tx, ability: Ability) -> bool:
    """Whether an ability is switched off where the account runs."""
    return _is(tx, ability, "off <> ''")


def off(tx: Tx) -> frozenset[Ability]:
    """All abilities that are switched off where the account runs, but for takeovers."""
    query = "SELECT ability FROM abilities WHERE account = :account AND off <> ''"
    query += f" AND simulated = {_SIMULATED}"
    return frozenset(Ability(row["ability"]) for row in tx.db.execute(query, {"account": tx.account}))


def switch(tx: Tx, ability: Ability, *, on: bool, simulated: bool) -> bool:
    """Switch an ability on or off, as the operator says. False if it is so already."""
    before = next(one for one in standing(tx.db, tx.account, simulated=simulated) if one.ability is ability)
    if (before.off is None) is on:
        return False
    if not on:
        _switch_off(tx, ability, Off.OPERATOR, simulated=simulated)
    else:
        put(tx, "abilities", {"simulated": simulated, "ability": ability}, off="", off_ms=None, refusals=0)
        if ability is Ability.TAKEOVER:
            put(tx, "accounts", {}, takeover_off="")
            tx.db.execute("DELETE FROM own_echoes WHERE account = ?", (tx.account,))
    tx.note(ability=ability, on=on, simulated=simulated)
    return True


def standing(connection: Database, account: str, *, simulated: bool) -> list[Standing]:
    """How every ability stands on an account, in the order of `Ability`."""
    query = "SELECT * FROM abilities WHERE account = ? AND simulated = ?"
    rows = {row["ability"]: row for row in connection.execute(query, (account, simulated))}
    query = "SELECT 1 FROM accounts WHERE account = ? AND takeover_off <> '' AND simulated = ?"
    foreign = exists(connection, query, account, simulated)
    found = [_standing(one, rows[one]) if one in rows else Standing(one) for one in Ability]
    return [
        Standing(one.ability, one.seen_ms, one.last_ms, one.verified_ms, off=Off.ECHOES)
        if foreign and one.ability is Ability.TAKEOVER
        else one
        for one in found
    ]


def switched_off(connection: Database, account: str, *, simulated: bool) -> list[Standing]:
    """The abilities of an account that are switched off."""
    return [one for one in standing(connection, account, simulated=simulated) if one.off is not None]


def _standing(ability: Ability, row: Row) -> Standing:
    times = row["seen_ms"], row["last_ms"], row["verified_ms"]
    return Standing(ability, *times, row["refusals"], Off(row["off"]) if row["off"] else None, row["off_ms"])


_SIMULATED = "coalesce((SELECT simulated FROM accounts WHERE account = :account), 0)"
"""Whether the account runs on a simulator, inside of a statement."""


def _simulated(tx: Tx) -> bool:
    row = tx.db.execute("SELECT simulated FROM accounts WHERE account = ?", (tx.account,)).fetchone()
    return bool(row and row["simulated"])


def _is(tx: Tx, ability: Ability, condition: str) -> bool:
    query = (
        f"SELECT 1 FROM abilities WHERE account = :account AND simulated = {_SIMULATED}"  # noqa: S608 — our own
        f" AND ability = :ability AND {condition}"
    )
    return tx.db.execute(query, {"account": tx.account, "ability": ability}).fetchone() is not None


def _mark_told(tx: Tx, ability: Ability) -> bool:
    """Note that its first use is told. False where it was told before, or is no news."""
    return (
        tx.db.execute(
            "INSERT INTO abilities (account, simulated, ability, told_ms) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account, simulated, ability) DO UPDATE SET told_ms = excluded.told_ms"
            " WHERE abilities.told_ms IS NULL AND abilities.seen_ms IS NULL",
            (tx.account, _simulated(tx), ability, tx.now_ms),
        ).rowcount
        > 0
    )


def _keep_seen(tx: Tx, ability: Ability, *, simulated: bool | None) -> None:
    """Not every send is worth a write: the day counts. None for where the account runs now."""
    tx.db.execute(
        "INSERT INTO abilities (account, simulated, ability, seen_ms, last_ms) VALUES"
        " (?, coalesce(?, (SELECT simulated FROM accounts WHERE account = ?), 0), ?, ?, ?)"
        " ON CONFLICT (account, simulated, ability) DO UPDATE SET"
        " seen_ms = coalesce(abilities.seen_ms, excluded.seen_ms), last_ms = excluded.last_ms, refusals = 0"
        " WHERE abilities.last_ms IS NULL OR abilities.last_ms <= ? OR abilities.refusals > 0",
        (tx.account, simulated, tx.account, ability, tx.now_ms, tx.now_ms, tx.now_ms - _DAY_MS),
    )


def _switch_off(tx: Tx, ability: Ability, why: Off, *, simulated: bool) -> None:
    put(tx, "abilities", {"simulated": simulated, "ability": ability}, off=why, off_ms=tx.now_ms)
