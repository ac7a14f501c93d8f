"""What stands in the store of a gateway about messages that wait for the operator."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from chaos.model import TOLD
from chaos.tally import key_of

_HELD = (
    "SELECT body FROM outbox WHERE settled_ms IS NULL AND state IN ('unknown', 'held')"
    " AND settling_ms IS NULL"
)


@dataclass(frozen=True, slots=True)
class Held:
    """What waits for the operator's word, and what waits behind it: the keys of answers, and of texts that a
    tool sent, and the ids of messages that were reacted to.
    """

    answers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    reactions: frozenset[str] = frozenset()


def held(store: Path) -> Held:
    """What look-ups may still settle is not among them.

    Nothing while a gateway that was just killed has not opened its store again.
    """
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        bodies = [json.loads(body) for (body,) in connection.execute(_HELD)]
        texts = [body["text"] for body in bodies if "text" in body]
        return Held(
            frozenset(map(key_of, texts)) - {""},
            frozenset(key_of(text.removeprefix(TOLD)) for text in texts if text.startswith(TOLD)),
            frozenset(body["message"] for body in bodies if body.get("kind") == "reaction"),
        )
    return Held()
