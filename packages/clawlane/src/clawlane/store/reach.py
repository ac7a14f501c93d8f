"""What the store knows of an account that a change of its access rules could concern."""

from __future__ import annotations

import json

from clawlane.access.exposure import Known
from clawlane.access.names import Pins
from clawlane.messages import Person, ThreadKind
from clawlane.store import directory, pairing
from clawlane.store.sql import Database

_NEWEST = 2000
"""How many of the newest messages are looked at for people who wrote."""


def of_account(connection: Database, account: str) -> Known:
    """The friends and groups of an account, its approved senders, its pins, and who wrote to it lately."""
    looked_up = directory.known(connection, account)
    approved = pairing.approved(connection, account)
    return Known(
        friends=looked_up.peers,
        groups=looked_up.groups,
        approved=tuple(Person(one.sender_id, one.sender_name) for one in approved),
        seen=_seen(connection, account),
        pins=Pins.of(one.pin for one in directory.of_account(connection, account)),
    )


def _seen(connection: Database, account: str) -> tuple[Person, ...]:
    """Who wrote one of the newest messages as a direct message, the latest first."""
    rows = connection.execute(
        "SELECT thread_kind, sender_id, body FROM messages WHERE account = ? ORDER BY seq DESC LIMIT ?",
        (account, _NEWEST),
    )
    asked = connection.execute("SELECT sender_id, sender_name FROM pairing WHERE account = ?", (account,))
    waiting, names = dict(map(tuple, asked)), dict[str, str]()
    for row in rows:
        if row["thread_kind"] == ThreadKind.DM:
            name = json.loads(row["body"]).get("name", "") if row["body"] else ""
            names[row["sender_id"]] = names.get(row["sender_id"]) or str(name)
    return tuple(Person(id, name or waiting.get(id, "")) for id, name in names.items())
