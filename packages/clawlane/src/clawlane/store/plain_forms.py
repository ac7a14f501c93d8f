"""What a chunk uses, and the plain form in which it leaves without that: other marks, never other words."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from clawlane import abilities as words
from clawlane.abilities import Ability
from clawlane.messages import Media, MediaKind, Outgoing, Photos, Text, Undo
from clawlane.store import abilities, outgoing_files
from clawlane.store.codec import message_count, outgoing_body, outgoing_of
from clawlane.store.rows import change, insert
from clawlane.store.sql import Row
from clawlane.store.states import ChunkState
from clawlane.store.transaction import Tx

_HAVE_ONE = (Ability.ALBUM, Ability.VOICE, Ability.MENTIONS)
"""The abilities without which the same can be said."""

_COPIED = (
    "thread_kind",
    "thread_id",
    "turn",
    "purpose",
    "by_turn",
    "step",
    "call",
    "draft",
    "batch",
    "place",
)

log = logging.getLogger(__name__)


def used_by(body: str, resends: int = 0) -> tuple[Ability, ...]:
    """The abilities that a chunk uses; none if its text was pruned."""
    told = json.loads(body) if body else {"kind": ""}
    kind = told.get("kind", "text")
    used = [Ability(kind)] if kind else []
    if kind == "text":
        marks = (Ability.STYLES, "styles"), (Ability.MENTIONS, "mentions"), (Ability.QUOTE, "quote")
        used += [ability for ability, key in marks if told.get(key)]
    return (*used, *((Ability.RESENDING,) if resends else ()))


def plain(outs: Iterable[Outgoing], off: Collection[Ability]) -> list[Outgoing]:
    """The same without what is switched off."""
    return [one for out in outs for one in _plain(out, off)]


def allowed(tx: Tx, outs: Iterable[Outgoing], turn: int | None) -> list[Outgoing]:
    """The same without what is switched off on the account, which `why` tells of a reply."""
    outs, off = list(outs), abilities.off(tx)
    if turn is not None and off:
        used = {ability for out in outs for ability in used_by(outgoing_body(out))}
        for ability in sorted(used & off):
            _note(tx, turn, ability)
    return plain(outs, off)


def _note(tx: Tx, turn: int, without: Ability) -> None:
    """Let `why` tell of a reply what it goes without."""
    told = words.when_off(without)
    tx.db.execute(
        "UPDATE turns SET note = note || CASE note WHEN '' THEN '' ELSE '; ' END || :told"
        " WHERE account = :account AND turn = :turn AND note NOT LIKE '%' || :told",
        {"account": tx.account, "turn": turn, "told": told},
    )


def _plain(out: Outgoing, off: Collection[Ability]) -> Sequence[Outgoing]:
    match out:
        case Text(mentions=mentions) if mentions and Ability.MENTIONS in off:
            return [replace(out, mentions=())]
        case Media(kind=MediaKind.VOICE) if Ability.VOICE in off:
            return [replace(out, kind=MediaKind.FILE)]
        case Photos() if Ability.ALBUM in off:
            return list(_one_by_one(out))
    return [out]


def _one_by_one(album: Photos) -> Iterator[Media]:
    """The pictures of an album, under the client ids that it has for them."""
    for place, path in enumerate(album.paths):
        id_ = str(int(album.client_id) + place) if album.client_id else ""
        name = f"{place + 1}.{path.rpartition('.')[2]}"
        yield Media(album.thread, MediaKind.PHOTO, path, name, client_id=id_)


def refused(tx: Tx, row: Row) -> bool:
    """The platform refused a chunk. True if it goes once more in a plain form, which may change nothing.

    Twice refused is an ability that was never seen to work switched off: what waits goes without it.
    """
    if row["without"]:
        abilities.acquit(tx, Ability(row["without"]))
    unproven = [one for one in used_by(row["body"], row["resends"]) if not abilities.is_seen(tx, one)]
    again = next((one for one in unproven if one in _HAVE_ONE and not row["without"]), None)
    for ability in unproven:
        if abilities.refused(tx, ability):
            follow(tx, ability)
    if again is not None:
        _make_plain(tx, row, again)
        log.warning(
            "message %d was refused with %s; it goes once more without: %s",
            row["id"],
            words.what(again),
            words.when_off(again),
        )
    return again is not None


def follow(tx: Tx, ability: Ability) -> None:
    """An ability was switched off: what waits to be sent goes without it, or not at all."""
    rows = tx.db.execute(
        "SELECT * FROM outbox WHERE account = ? AND settled_ms IS NULL AND state IN ('queued', 'held')"
        " ORDER BY id",
        (tx.account,),
    ).fetchall()
    for row in rows:
        if ability not in used_by(row["body"]):
            continue
        if ability in _HAVE_ONE:
            _make_plain(tx, row, ability, state=row["state"])
        elif isinstance(outgoing_of(row), Undo):
            cancelled = {"state": ChunkState.CANCELLED, "settled_ms": tx.now_ms, "held_until_ms": None}
            change(tx, "outbox", {"id": row["id"]}, **cancelled, reason=OFF)


OFF = "taking messages back is switched off: openclaw channels capabilities"
"""Why a message is not taken back."""


def _make_plain(tx: Tx, row: Row, without: Ability, state: str = ChunkState.QUEUED) -> None:
    """Queue a chunk in its plain form. Further pictures of an album follow as chunks of their own."""
    first, *rest = _plain(outgoing_of(row), (without,))
    values = {"body": _body(row, first), "messages": message_count(first), "without": without, "echo": None}
    change(
        tx, "outbox", {"id": row["id"]}, **values, state=state, settled_ms=None, reason="", due_ms=tx.now_ms
    )
    if row["turn"] is not None:
        _note(tx, row["turn"], without)
    for out in rest:
        number = tx.db.next_number("chunk")
        copied = {name: row[name] for name in _COPIED}
        times = {"created_ms": row["created_ms"], "due_ms": tx.now_ms}
        body = {"client_id": out.client_id, "messages": 1, "body": outgoing_body(out)}
        insert(tx, "outbox", id=number, **copied, **body, **times, state=state, without=without)
        outgoing_files.keep(tx, number, out)


def _body(row: Row, out: Outgoing) -> str:
    """The body of the plain form, with the quote that a chunk has by name only."""
    body = json.loads(outgoing_body(out))
    if quote := json.loads(row["body"]).get("quote"):
        body["quote"] = quote
    return json.dumps(body)
