"""The private copies of files that chunks send: kept until their chunk is settled, or their draft decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from clawlane.messages import Media, Outgoing, Photos
from clawlane.store.rows import insert
from clawlane.store.transaction import Tx, lazy


def keep(tx: Tx, chunk_id: int, out: Outgoing) -> None:
    """Note the files that a new chunk sends, or a draft of this number."""
    match out:
        case Media():
            paths: Sequence[str] = (out.path,)
        case Photos():
            paths = out.paths
        case _:
            return
    for name in {PurePath(path).name for path in paths}:
        insert(tx, "outgoing_files", name=name, chunk=chunk_id)


@lazy
def needed(tx: Tx) -> frozenset[str]:
    """The names of all files that are noted, whether a chunk still needs them or not."""
    rows = tx.db.execute("SELECT name FROM outgoing_files WHERE account = ?", (tx.account,))
    return frozenset(row["name"] for row in rows)


@lazy
def done(tx: Tx) -> tuple[str, ...]:
    """The names of the files that no chunk needs any more.

    What expired when a pause ended last needs them: a flush brings it back.
    """
    rows = tx.db.execute(
        "SELECT name FROM outgoing_files AS file LEFT JOIN outbox"
        " ON outbox.account = file.account AND outbox.id = file.chunk AND (outbox.settled_ms IS NULL"
        "  OR (outbox.state = 'expired' AND outbox.settled_ms IN"
        "   (SELECT ended_ms FROM pauses WHERE pauses.account = file.account)))"
        " LEFT JOIN drafts ON drafts.account = file.account AND drafts.number = file.chunk"
        "  AND drafts.decided_ms IS NULL"
        " WHERE file.account = ? GROUP BY name HAVING count(outbox.id) + count(drafts.number) = 0",
        (tx.account,),
    )
    return tuple(row["name"] for row in rows)


@lazy
def forget(tx: Tx, names: Sequence[str]) -> None:
    """Forget files that were removed."""
    tx.db.executemany(
        "DELETE FROM outgoing_files WHERE account = ? AND name = ?", [(tx.account, name) for name in names]
    )
