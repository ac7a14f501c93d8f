"""Shows everything that is kept of one person: each row of the store, by table, and the files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from clawlane.ops.context import OpContext
from clawlane.ops.forget import accounts_meant, read_id
from clawlane.ops.operation import Stream, operation

_ROWS = 200


@dataclass(frozen=True, slots=True)
class Held:
    """Some rows of a table; `files` are those that came with messages. Texts that are JSON are read."""

    account: str
    table: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Counted:
    """The end: how many rows there were, by table, over all accounts."""

    person: str
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class ExportPerson(Stream[Held | Counted]):
    """Everything that is kept of a person, on one account or on all; ends with `Counted`."""

    person: str = ""
    channel: str | None = None
    account: str | None = None


@operation
async def person(ctx: OpContext, request: ExportPerson) -> AsyncIterator[Held | Counted]:
    from clawlane.store.forgetting import Whom
    from clawlane.store.held import TABLES, query_of
    from clawlane.store.media_files import MediaFiles

    id_, counts = read_id(request.person, Whom.PERSON), dict[str, int]()
    files = MediaFiles(ctx.paths.inbound_media_dir)
    for account in await ctx.ask(lambda reader: accounts_meant(reader, request.channel, request.account)):
        seen: list[int] = []
        for table in TABLES:
            place = 0
            while True:
                found = await ctx.ask(
                    lambda reader, name=account, of=table, at=place: reader.rows(
                        query_of(of), name, id_, at, _ROWS
                    )  # type: ignore[misc]
                )
                if not found:
                    break
                place += len(found)
                counts[table] = counts.get(table, 0) + len(found)
                seen += [row["seq"] for row in found] if table == "messages" else []
                yield Held(account, table, found)
        if there := await asyncio.to_thread(files.of_messages, account, seen):
            counts["files"] = counts.get("files", 0) + len(there)
            yield Held(
                account, "files", [{"path": str(path), "bytes": path.stat().st_size} for path in there]
            )
    yield Counted(id_, counts)
