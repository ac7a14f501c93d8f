"""Looking at a database as a whole. Nothing is written."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import psycopg

from clawlane.store.inspection import Identities, StoreFacts, counted, identities, number
from clawlane.store.postgres.connection import Connection, plain_reason
from clawlane.store.postgres.opening import Address
from clawlane.store.postgres.watch import limited

_PATIENT_S = 60.0
"""How long the whole look may take."""

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_SIZE = "SELECT pg_database_size(current_database())"


def facts_of(address: Address) -> StoreFacts:
    """How a database is, or why it does not say."""
    try:
        with closing(Connection(address.connect())) as db, limited(db.opened, _PATIENT_S):
            found = counted(db, [row[0] for row in db.execute(_TABLES)])
            return replace(found, size=number(db, _SIZE), server=_version(db.opened.info.server_version))
    except psycopg.Error as error:
        return StoreFacts(problem=plain_reason(error))


def _version(number: int) -> str:
    """`15.4` for 150004, as the server counts."""
    return f"{number // 10_000}.{number % 10_000}"


def identities_of(address: Address) -> Identities:
    """Whom a database knows; nobody, where it cannot be read."""
    try:
        with closing(Connection(address.connect())) as db, limited(db.opened, _PATIENT_S):
            return identities(db, psycopg.Error)
    except psycopg.Error:
        return Identities()
