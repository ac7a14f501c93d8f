"""Albums of which some pictures are known to have arrived, and others not.

The outbox keeps the ids of those that did in `echo`: a JSON list with "" in the places of the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from clawlane.messages import Photos, Receipt
from clawlane.store import receipts
from clawlane.store.codec import outgoing_body, outgoing_of
from clawlane.store.rows import change, put
from clawlane.store.sql import Row, Rows
from clawlane.store.transaction import Tx


def open_albums(tx: Tx) -> Rows:
    """The albums that are not settled, for `album_of`."""
    query = "SELECT * FROM outbox WHERE account = ? AND settled_ms IS NULL AND messages > 1"
    return tx.db.execute(query, (tx.account,))


def album_of(albums: Rows, client_id: str) -> tuple[Row, int] | None:
    """The open album that has this client id for one of its pictures, and the place of that picture."""
    if not (client_id.isascii() and client_id.isdecimal()):
        return None
    for row in albums:
        place = int(client_id) - int(row["client_id"])
        if 0 <= place < row["messages"]:
            return row, place
    return None


def arrived(row: Row) -> tuple[str, ...]:
    """The ids of the pictures that arrived, in their places; "" for the others."""
    return tuple(json.loads(row["echo"])) if row["echo"] else ("",) * row["messages"]


def note(tx: Tx, row: Row, ids: Sequence[str]) -> tuple[str, ...]:
    """Keep the ids of pictures that arrived, "" for those that are not known. Gives all that are known.

    Others see those pictures, so they count as sent by the account from now on.
    """
    known = tuple(new or old for new, old in zip((*ids, *[""] * row["messages"]), arrived(row), strict=False))
    change(tx, "outbox", {"id": row["id"]}, echo=json.dumps(known))
    receipts.keep(tx, row, Receipt(known))
    return known


def keep_rest(tx: Tx, row: Row) -> None:
    """Before an album is sent again: leave out what arrived, and give the rest client ids of its own.

    With the old ones the echo of a picture that arrived could be taken for that of another one.
    """
    there, out = arrived(row), outgoing_of(row)
    if not any(there) or not isinstance(out, Photos):
        return
    paths = tuple(path for path, id_ in zip(out.paths, there, strict=True) if not id_)
    query = "SELECT last_client_id FROM accounts WHERE account = ?"
    first = max(tx.db.execute(query, (tx.account,)).fetchone()["last_client_id"] + 1, tx.now_ms)
    change(
        tx,
        "outbox",
        {"id": row["id"]},
        body=outgoing_body(replace(out, paths=paths)),
        client_id=str(first),
        messages=len(paths),
        echo=None,
    )
    put(tx, "accounts", {}, last_client_id=first + len(paths) - 1)
