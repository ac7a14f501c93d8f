"""What an agent wants to attach, as private files: from its own folder, or from a public https address.

Everything else is left out: other folders, links in the file system, other schemes, private addresses, files
that are too large. The text goes all the same; the operator sees in the log what was left out and why.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import BinaryIO

from clawlane.agents.contract import Lane
from clawlane.agents.url_guard import Network, NotFetched, fetching
from clawlane.capabilities import RehearsesNetwork
from clawlane.channel import Channel
from clawlane.messages import Reply, ReplyFile
from clawlane.store.codec import storable
from clawlane.store.private_file import NotCopied, PrivateFile, copy_of, discard

MOST_FILES = 10
"""How many attachments of one answer are sent."""

DEADLINE_S = 60.0
"""Seconds that fetching one address may take."""

_PAGE = ("text/html", "application/xhtml+xml")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

_NO_FILE = "the address leads to a page, not to a file"

log = logging.getLogger(__name__)


class NotAttached(Exception):
    """Something is not attached. The text is for the operator and quotes neither a path nor an address."""


@dataclass(slots=True)
class OutboundMedia:
    """Makes private copies of attachments. `folder_of` gives the folder for those of an account.

    Without a `network` it is the one of the channel: the internet, or what stands in for it in a rehearsal.
    """

    folder_of: Callable[[str], Path]
    network: Network | None = None

    async def attach(self, reply: Reply, own_folder: Path, lane: Lane, *, fetch: bool = True) -> Reply:
        """The reply with its attachments as files. What cannot be attached is left out, with a note.

        `own_folder` is the agent's: paths are relative to it and lead nowhere else. Without `fetch` no
        address is asked. Cancelled, it leaves nothing behind.
        """
        files: list[ReplyFile] = []
        left_out: list[str] = []
        try:
            for written in reply.media[:MOST_FILES]:
                try:
                    files.append(await self.file(written, own_folder, lane, fetch=fetch))
                except NotAttached as error:
                    left_out.append(str(error))
                    log.warning("turn %d: an attachment is left out: %s", lane.turn, error)
            if (rest := len(reply.media) - MOST_FILES) > 0:
                left_out += [f"more than {MOST_FILES} in one answer"] * rest
                log.warning("turn %d: %d attachments are left out: %s", lane.turn, rest, left_out[-1])
        except BaseException:
            discard(files)
            raise
        return replace(reply, files=tuple(files), note=_note(left_out))

    async def file(self, written: str, own_folder: Path, lane: Lane, *, fetch: bool = True) -> ReplyFile:
        """One attachment as a private file. Raises `NotAttached`."""
        try:
            return await self._file(written, own_folder, lane, fetch)
        except (NotFetched, NotCopied) as error:
            raise NotAttached(str(error)) from None
        except OSError as error:
            raise NotAttached(f"a private copy could not be made: {error.strerror}") from None

    async def _file(self, written: str, own_folder: Path, lane: Lane, fetch: bool) -> ReplyFile:
        max_bytes = int(lane.account.settings.media_max_mb * 2**20)
        into = self.folder_of(lane.account_store.account)
        if not _SCHEME.match(written):
            return await _copied(own_folder, written, into, max_bytes)
        if not written.lower().startswith("https:"):
            raise NotAttached("only files of the agent's own folder and https addresses are sent")
        if not fetch:
            raise NotAttached("this agent fetches no addresses (`fetchUrls`)")
        network = self._network_of(lane.channel)
        async with fetching(network, written, max_bytes=max_bytes, deadline=DEADLINE_S) as fetched:
            return await _store(fetched.name, fetched.declared, fetched.blocks, into)

    def _network_of(self, channel: Channel) -> Network:
        if self.network is None:
            rehearsed = channel.rehearsed_network() if isinstance(channel, RehearsesNetwork) else None
            self.network = Network.rehearsed(rehearsed) if rehearsed else Network()
        return self.network


def _note(left_out: Sequence[str]) -> str:
    if not left_out:
        return ""
    what = "an attachment was" if len(left_out) == 1 else f"{len(left_out)} attachments were"
    return f"{what} left out: {'; '.join(dict.fromkeys(left_out))}"


async def _store(name: str, declared: str, blocks: AsyncIterator[bytes], folder: Path) -> ReplyFile:
    if declared in _PAGE:
        raise NotAttached(_NO_FILE)
    private = PrivateFile(folder)
    try:
        async for block in blocks:
            await asyncio.to_thread(private.write, block)
        if private.type.mime in _PAGE:
            raise NotAttached(_NO_FILE)
        return private.complete(name)
    finally:
        private.discard()


async def _copied(own_folder: Path, written: str, into: Path, max_bytes: int) -> ReplyFile:
    copying = asyncio.ensure_future(asyncio.to_thread(_copy, own_folder, written, into, max_bytes))
    try:
        return await asyncio.shield(copying)
    except asyncio.CancelledError:
        copying.add_done_callback(_discard_copy)  # the thread goes on to its end
        raise


def _discard_copy(copying: asyncio.Future[ReplyFile]) -> None:
    if not copying.cancelled() and copying.exception() is None:
        discard((copying.result(),))


def _copy(own_folder: Path, written: str, into: Path, max_bytes: int) -> ReplyFile:
    """A private copy of a file in the agent's folder.

    The file is opened step by step from the folder, following no link, and what is copied is what was opened:
    nothing that changes a name meanwhile leads elsewhere.
    """
    with _opened(own_folder, written) as source:
        return copy_of(source, PurePath(written).name, into, max_bytes)


def _opened(own_folder: Path, written: str) -> BinaryIO:
    """A file of the agent's folder. Raises `NotAttached`."""
    parts = _parts(own_folder, written)
    handle = -1
    try:
        handle = os.open(own_folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for number, part in enumerate(parts, 1):
            flags = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
            inner = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=handle)
            os.close(handle)
            handle = inner
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NotAttached("it is no regular file")
    except OSError as error:
        if handle >= 0:
            os.close(handle)
        gone = isinstance(error, FileNotFoundError)
        reason = "that does not exist" if gone else f"that cannot be opened ({error.strerror})"
        raise NotAttached(f"a file of the agent's folder {reason}") from None
    except NotAttached:
        os.close(handle)
        raise
    return open(handle, "rb")


def _parts(own_folder: Path, written: str) -> Sequence[str]:
    """The way from the agent's folder to a file. Raises `NotAttached` if it leads out of it."""
    path = PurePath(written)
    if "\0" in written or ".." in path.parts:
        raise NotAttached("a path that leads out of the agent's folder")
    if storable(written) != written:
        raise NotAttached("a path of broken characters")
    if path.is_absolute():
        for folder in (own_folder, own_folder.resolve()):
            if path.is_relative_to(folder):
                path = path.relative_to(folder)
                break
        else:
            raise NotAttached("a path outside the agent's folder")
    if not path.parts:
        raise NotAttached("it is no file")
    return path.parts
