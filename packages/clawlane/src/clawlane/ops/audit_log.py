"""The record of what left and what was changed: shown, checked, exported. `ops.audit` is that of safety."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clawlane.ops.operation import AccountRequest, OpError, Request, Stream, operation
from clawlane.store.audit_told import Checked
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.ops.context import OpContext
    from clawlane.store.audit_heads import Head
    from clawlane.store.audit_log import Entry
    from clawlane.store.reader import Reader
    from clawlane.threads import Thread

_PAGE = 500
_LONGEST_LINE = 64 * 1024
_DIGEST = 64
_SEE = later("see: openclaw audit show")


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """One entry. Digests are in hexadecimal; `content` is empty where nothing was said.

    `name` is what its thread is called now, where that was asked for and is known.
    """

    account: str
    number: int
    at_ms: int
    kind: str
    what: str
    who: str
    details: Any
    config: str
    content: str
    previous: str
    hash: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ShowRecord(AccountRequest[list[RecordEntry]]):
    """The newest entries that fit, oldest first: of all accounts, also of those that the config has no more.

    `thread` is `dm:ID`, `group:ID` or an id. `said` is the whole text of one message: what is empty is not
    looked at.
    """

    since_ms: int | None = None
    kind: str = ""
    thread: str = ""
    said: str = ""
    last: int = 20


@dataclass(frozen=True, slots=True)
class VerifyRecord(AccountRequest[list[Checked]]):
    """Check the records of all accounts or of some. `expect` is a head (`NUMBER:HASH`) that was noted."""

    expect: str = ""


@dataclass(frozen=True, slots=True)
class VerifyExport(Request[list[Checked]]):
    """Check an exported file. What came after its last entry, or before its first, it cannot tell."""

    file: str
    expect: str = ""


@dataclass(frozen=True, slots=True)
class ExportRecord(Stream["Exported"]):
    """All entries, by account and in order; since a time, if that is given."""

    channel: str | None = None
    account: str | None = None
    since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """The next entries."""

    entries: tuple[RecordEntry, ...]


@operation
async def show(ctx: OpContext, request: ShowRecord) -> list[RecordEntry]:
    """Raises `OpError` for an account without a record."""
    return await ctx.ask(lambda reader: _shown(ctx, reader, request))


@operation
async def verify(ctx: OpContext, request: VerifyRecord) -> list[Checked]:
    """Raises `OpError` for an account without a record, and for a head that is none."""
    from clawlane.store.audit_heads import accounts_with_heads

    expected = _head(request.expect)
    folder, shared = ctx.paths.audit_dir, ctx.shares_store

    def check(reader: Reader) -> list[Checked]:
        known = sorted({*reader.recorded_accounts(), *accounts_with_heads(folder)})
        chosen = _chosen(ctx, known, request.channel, request.account)
        _refuse_several(chosen, request.expect, later("name one with --account"))
        return [reader.record_checked(account, folder, expected, shared=shared) for account in chosen]

    return await ctx.ask(check)


@operation
async def verify_export(ctx: OpContext, request: VerifyExport) -> list[Checked]:  # noqa: ARG001
    """Raises `OpError` for a file that is no export, with the line."""
    import asyncio

    return await asyncio.to_thread(_check_file, Path(request.file), request.expect)


@operation
async def export(ctx: OpContext, request: ExportRecord) -> AsyncIterator[Exported]:
    """Raises `OpError` for an account without a record."""
    known = await ctx.ask(lambda reader: reader.recorded_accounts())
    for account in _chosen(ctx, known, request.channel, request.account):
        after, since_ms = 0, request.since_ms
        while page := await ctx.ask(_page_of(account, after)):
            after = page[-1].number
            if since_ms is not None:
                page = _from(page, since_ms)
                since_ms = None if page else since_ms  # whatever follows belongs to the chain
            if page:
                yield Exported(tuple(map(_plain, page)))


def _page_of(account: str, after: int) -> Any:
    return lambda reader: reader.recorded_after(account, after, _PAGE)


def _from(page: Sequence[Entry], since_ms: int) -> list[Entry]:
    first = next((place for place, one in enumerate(page) if one.at_ms >= since_ms), len(page))
    return list(page[first:])


def _shown(ctx: OpContext, reader: Reader, request: ShowRecord) -> list[RecordEntry]:
    from clawlane.store.audit_log import Wanted

    wanted = Wanted(request.since_ms, request.kind, request.thread, request.said)
    key = ctx.place.record_key() if request.said else b""
    found: list[RecordEntry] = []
    chosen = _chosen(ctx, reader.recorded_accounts(), request.channel, request.account)
    for account in chosen:
        entries = list(map(_plain, reader.recorded(account, wanted, request.last, key)))
        threads = list(map(_thread, entries))
        names = {one: reader.thread_name(account, one) for one in set(threads) if one is not None}
        found += [
            replace(one, name=names[of]) if of else one for one, of in zip(entries, threads, strict=True)
        ]
    if len(chosen) > 1:
        found.sort(key=lambda one: one.at_ms)
    return found[-request.last :]


def _thread(entry: RecordEntry) -> Thread | None:
    from clawlane.threads import Thread, ThreadKind

    told = entry.details.get("thread") if isinstance(entry.details, dict) else None
    kind, _, id_ = str(told).partition(":")
    return Thread(ThreadKind(kind), id_) if kind in set(ThreadKind) and id_ else None


def _plain(entry: Entry) -> RecordEntry:
    """An entry as JSON has it. Details that are not written as we write them stay a text."""
    from clawlane.store.audit_log import canonical

    details: Any = entry.details
    try:
        told = json.loads(entry.details)
        details = told if canonical(told) == entry.details else entry.details
    except ValueError:
        pass
    values = {name: getattr(entry, name) for name in ("kind", "what", "who", "config")}
    return RecordEntry(
        entry.account,
        entry.number,
        entry.at_ms,
        details=details,
        content=entry.content.hex(),
        previous=entry.previous.hex(),
        hash=entry.hash.hex(),
        **values,
    )


def line_of(entry: RecordEntry) -> str:
    """An entry as a line of an export."""
    told = asdict(entry)
    del told["name"]
    return json.dumps(told)


def _check_file(file: Path, expect: str) -> list[Checked]:
    from clawlane.store.audit_check import Chain

    expected = _head(expect)
    chains: dict[str, Chain] = {}
    for entry in _read(file):
        if entry.account not in chains:
            chains[entry.account] = Chain(entry.account, expected=expected)
        chains[entry.account].take(entry)
    _refuse_several(list(chains), expect, later("export one account with --account"))
    return [chain.checked() for chain in chains.values()]


def _read(file: Path) -> Iterator[Entry]:
    with file.open("rb") as opened:
        for number, line in enumerate(iter(lambda: opened.readline(_LONGEST_LINE + 1), b""), start=1):
            if len(line) > _LONGEST_LINE:
                raise OpError(
                    later(
                        "line {number} of {name} is too long for an entry of a record",
                        number=number,
                        name=file.name,
                    )
                )
            try:
                yield _entry_of(json.loads(line))
            except (ValueError, TypeError, KeyError, RecursionError):
                raise OpError(
                    later("line {number} of {name} is no entry of a record", number=number, name=file.name)
                ) from None


def _entry_of(told: dict[str, Any]) -> Entry:
    from clawlane.store.audit_log import Entry, canonical

    details = told["details"]
    texts = [told[name] for name in ("account", "kind", "what", "who", "config")]
    numbers = [told[name] for name in ("number", "at_ms")]
    if not all(isinstance(one, str) for one in texts) or any(type(one) is not int for one in numbers):
        raise ValueError
    return Entry(
        account=told["account"],
        number=told["number"],
        at_ms=told["at_ms"],
        kind=told["kind"],
        what=told["what"],
        who=told["who"],
        details=details if isinstance(details, str) else canonical(details),
        config=told["config"],
        content=bytes.fromhex(told["content"]),
        previous=bytes.fromhex(told["previous"]),
        hash=bytes.fromhex(told["hash"]),
    )


def _head(expect: str) -> Head | None:
    from clawlane.store.audit_heads import noted

    try:
        return noted(expect) if expect else None
    except ValueError as error:
        told = later("'{expect}' is no head: {error}", expect=expect[:_DIGEST], error=error.args[0])
        raise OpError(told) from None


def _refuse_several(accounts: Sequence[str], expect: str, help: str) -> None:
    if expect and len(accounts) > 1:
        raise OpError(later("a head belongs to the record of one account"), help)


def _chosen(ctx: OpContext, known: Iterable[str], channel: str | None, account: str | None) -> list[str]:
    """The accounts with a record that are asked for."""
    id_ = ctx.manifest(channel).id if channel else None
    found = []
    for name in known:
        of_channel, _, of_account = name.partition("/")
        if id_ in (None, of_channel) and account in (None, of_account):
            found.append(name)
    if account is not None and not found:
        raise OpError(later("nothing is recorded of an account '{account}'", account=account), _SEE)
    return found
