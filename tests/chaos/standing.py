"""What stands in the store of a gateway about messages that wait for the operator."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from chaos.tally import key_of

_HELD = (
    "SELECT body FROM outbox WHERE settled_ms IS NULL AND state IN ('unknown', 'held')"
    " AND settling_ms IS NULL"
)


def held(store: Path) -> set[str]:
    """The keys of the answers that wait for the operator's word, and of what waits behind them.

    What look-ups may still settle is not among them.

    None while a gateway that was just killed has not opened its store again.
    """
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return {key_of(json.loads(body)["text"]) for (body,) in connection.execute(_HELD)}
    return set()
