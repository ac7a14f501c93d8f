"""What a run of an account finds when it begins: read, and put in order, in one transaction.

Most accounts have nothing left over from their last run. One question tells what is there at all, and only
that is asked for: a gateway may begin to run hundreds of accounts at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.store import abilities, outgoing_files, owner_takeovers, send_log, turns, unknown_sends
from clawlane.store.models import Judged, OpenTurn, RecoveryResult, TakeoverTerms
from clawlane.store.send_log import SentChunk
from clawlane.store.sql import Row
from clawlane.store.transaction import Tx, lazy

_THERE = (
    "SELECT EXISTS (SELECT 1 FROM outbox WHERE account = :account AND settled_ms IS NULL) AS chunks,"
    " EXISTS (SELECT 1 FROM turns WHERE account = :account AND settled_ms IS NULL) AS turns,"
    " EXISTS (SELECT 1 FROM sends WHERE account = :account AND at_ms > :since_ms) AS sends,"
    " EXISTS (SELECT 1 FROM outgoing_files WHERE account = :account) AS files,"
    " EXISTS (SELECT 1 FROM drafts WHERE account = :account AND decided_ms IS NULL) AS drafts,"
    " EXISTS (SELECT 1 FROM owner_texts WHERE account = :account AND done_ms IS NULL) AS owner_texts,"
    " EXISTS (SELECT 1 FROM forgetting WHERE account = :account) AS forgetting,"
    " EXISTS (SELECT 1 FROM own_messages WHERE account = :account)"
    "  OR EXISTS (SELECT 1 FROM takeovers WHERE account = :account AND ended_ms IS NULL) AS takeovers,"
    " (SELECT simulated FROM accounts WHERE account = :account) AS simulated"
)


@dataclass(frozen=True, slots=True)
class Begun:
    """What there is for a run to go on with.

    `files` are the copies of files that are noted, `open_chunks` what is not settled, `sent` what left within
    the last day, and `turns` the first of those that go on. `drafts` and `owner_texts` say whether some wait,
    `forgetting` whether an operator asked for something to be forgotten that is not yet.
    """

    recovered: RecoveryResult
    judged: Judged
    files: frozenset[str]
    open_chunks: tuple[int, ...]
    sent: tuple[SentChunk, ...]
    turns: tuple[OpenTurn, ...]
    drafts: bool
    owner_texts: bool
    forgetting: bool


@lazy
def begin(tx: Tx, terms: TakeoverTerms, settle_ms: int, limit: int, *, simulated: bool) -> Begun:
    """Clean up after the last run (`unknown_sends.recover`), and give what goes on.

    `simulated` says where it runs (see `abilities`). At most `limit` turns are read. What a power cut takes
    of this is done again by the next start.
    """
    since_ms = tx.now_ms - send_log.DAY_MS
    there = tx.db.execute(_THERE, {"account": tx.account, "since_ms": since_ms}).fetchone()
    if there["simulated"] is None or bool(there["simulated"]) is not simulated:
        abilities.begin(tx, simulated=simulated)
    recovered = RecoveryResult(0, 0)
    if there["chunks"] or there["turns"]:
        recovered = unknown_sends.recover(tx, settle_ms)
    return Begun(
        recovered,
        _judged(tx, terms, there),
        outgoing_files.needed(tx) if there["files"] else frozenset(),
        tuple(send_log.open_chunks(tx)) if there["chunks"] else (),
        tuple(send_log.sends(tx)) if there["sends"] else (),
        tuple(turns.open_turns(tx, limit=limit)) if there["turns"] else (),
        bool(there["drafts"]),
        bool(there["owner_texts"]),
        bool(there["forgetting"]),
    )


def _judged(tx: Tx, terms: TakeoverTerms, there: Row) -> Judged:
    if there["takeovers"] or terms.lasts_ms:
        return owner_takeovers.begin(tx, terms)
    return Judged(off=True)
