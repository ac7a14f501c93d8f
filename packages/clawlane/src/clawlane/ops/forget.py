"""Removes what a person or a group said from everything that is kept here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Stream, operation
from clawlane.store.errors import StoreFailed
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.store.forgetting import Whom
    from clawlane.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Forgetting:
    """It goes on: how many batches of an account are done."""

    account: str
    batches: int


@dataclass(frozen=True, slots=True)
class ForgottenOf:
    """What was removed from one account, or would be: how many of what.

    `approved` says that the person may still write to it.
    """

    account: str
    removed: dict[str, int]
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is gone, and the copies that cannot be reached from here, in words."""

    whom: str
    id: str
    dry_run: bool
    accounts: list[ForgottenOf] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Forget(Stream[Forgetting | Forgotten]):
    """Forget what a person or everybody in a group said, on one account or on all; ends with `Forgotten`.

    With `dry_run` it says what would be removed. With `revoke` an approved person is a stranger again.
    """

    person: str = ""
    group: str = ""
    channel: str | None = None
    account: str | None = None
    dry_run: bool = False
    revoke: bool = False


@operation(changes=True)
async def forget(ctx: OpContext, request: Forget) -> AsyncIterator[Forgetting | Forgotten]:
    """Raises `OpError` where something cannot be removed now; the same request goes on later."""
    from clawlane.store.forgetting import Whom

    whom = Whom.PERSON if request.person else Whom.GROUP
    id_ = read_id(request.person or request.group, whom)
    accounts = await ctx.ask(lambda reader: accounts_meant(reader, request.channel, request.account))
    done = []
    for account in filter(ctx.includes, accounts):
        found = await ctx.ask(lambda reader, name=account: reader.to_forget(name, whom, id_))  # type: ignore[misc]
        approved = await ctx.ask(lambda reader, name=account: _is_approved(reader, name, id_))  # type: ignore[misc]
        if not request.dry_run:
            async for event in _forget(ctx, account, whom, id_, revoke=request.revoke):
                if isinstance(event, Forgetting):
                    yield event
                else:
                    found = event
        if found:
            done.append(ForgottenOf(account, found, approved and not request.revoke))
    copies = await asyncio.to_thread(copies_elsewhere, ctx)
    yield Forgotten(whom, id_, request.dry_run, done, copies)


def read_id(written: str, whom: Whom) -> str:
    """The id of a person or a group, as it may be written. Raises `OpError`."""
    bare = written.strip()
    for prefix in ("zalouser:", "zlu:", "user:", "dm:", "group:"):
        if bare.lower().startswith(prefix):
            bare = bare[len(prefix) :].strip()
    if not bare.isascii() or not bare.isdigit() or len(bare) > _LONGEST_ID:
        listing = "peers" if whom == "person" else "groups"
        told = later("'{written}' is no id", written=written.strip()[:40])
        raise OpError(told, later("find it with: openclaw directory {listing} list", listing=listing))
    return bare


def words_of(whom: str, id_: str) -> str:
    """A person or a group with its id, in words."""
    return later("person {id}", id=id_) if whom == "person" else later("group {id}", id=id_)


def accounts_meant(reader: Reader, channel: str | None, account: str | None) -> list[str]:
    """The accounts of the store that are meant; without a name all of them."""
    return [
        name
        for name in reader.accounts()
        if channel in (None, name.partition("/")[0]) and account in (None, name, name.partition("/")[2])
    ]


_LONGEST_ID = 32


def _is_approved(reader: Reader, account: str, id_: str) -> bool:
    return any((one.account, one.sender_id) == (account, id_) for one in reader.approved())


async def _forget(
    ctx: OpContext, account: str, whom: Whom, id_: str, *, revoke: bool
) -> AsyncIterator[Forgetting | dict[str, int]]:
    """Everything of one account; ends with what was removed."""
    from clawlane.lane.forgetter import Forgetter
    from clawlane.store import forgetting
    from clawlane.store.media_files import MediaFiles

    live = ctx.live.get(account)
    files = MediaFiles(ctx.paths.inbound_media_dir)
    try:
        async with ctx.own(account) as account_store:
            if not ctx.in_gateway:
                await asyncio.to_thread(files.tidy)
            await account_store.attempt(forgetting.begin, whom, id_, revoke=revoke)
            outgoing = ctx.paths.outgoing_dir(account)
            recalled = live.recalled if live is not None else lambda _: None
            async for batches in Forgetter(account_store, files, outgoing, recalled).run(whom, id_):
                yield Forgetting(account, batches)
            yield await account_store.attempt(forgetting.finish, whom, id_)
    except (StoreFailed, OSError) as error:
        told = later(
            "not everything of {whom} is forgotten on {account}: {reason}",
            whom=words_of(whom, id_),
            account=account,
            reason=error.strerror if isinstance(error, OSError) else error.args[0],
        )
        command = f"openclaw forget --{whom} {id_}"
        raise OpError(told, later("make room, then go on with: {command}", command=command)) from None
    if live is not None:
        if revoke:
            await live.pairing_changed()
        live.wake()


def copies_elsewhere(ctx: OpContext) -> list[str]:
    """Copies of what people said that nobody can remove from here, in words."""
    from clawlane.config.agent_hosts import hosts
    from clawlane.config.errors import ConfigError

    told = []
    try:
        root = ctx.config.root
        for one in hosts(ctx.config.agents, root.models, root.tools.media.audio):
            if not one.host.startswith("an echo"):
                sent = later(
                    "what was sent to {host} for {agent}, and kept there", host=one.host, agent=one.agent
                )
                told.append(sent)
        if root.mcp.servers:
            names = ", ".join(sorted(root.mcp.servers))
            told.append(later("what MCP servers were told: {names}", names=names))
        blocks = ctx.config.channels.values()
        if root.webhooks or any(_has_webhook(account.settings) for one in blocks for account in one.accounts):
            told.append(later("what webhooks delivered"))
    except ConfigError:
        told.append(later("what the agents of the config sent elsewhere: it does not load"))
    if ctx.shares_store:
        files = later("files that came with messages, and copies of address books")
        told.append(later("on machines that ran an account before: {files}", files=files))
    told.append(later("backups that you made, and copies or snapshots of the disk"))
    told += [later("the copy {name}", name=name) for name in _store_copies(ctx)]
    told.append(later("the platform's own servers, and the phones of everybody in the conversation"))
    return told


def _has_webhook(settings: object) -> bool:
    return bool(getattr(getattr(settings, "alerts", None), "webhook", None))


def _store_copies(ctx: OpContext) -> Sequence[str]:
    """Copies of the store beside it: damaged ones, those moved aside, and those from before an upgrade."""
    store = ctx.place.file
    if store is None:  # backups of a database are made elsewhere
        return []
    beside = [store.name, f"{store.name}-wal", f"{store.name}-shm", "store.id"]
    if not store.parent.is_dir():
        return []
    names = [path.name for path in store.parent.iterdir() if path.name.startswith(store.stem)]
    return sorted(
        name for name in names if name not in beside and not name.endswith((".lock", "-wal", "-shm"))
    )
