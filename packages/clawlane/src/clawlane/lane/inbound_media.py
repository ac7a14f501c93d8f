"""The files of the messages that a turn answers: fetched when the turn starts, kept for a while, removed.

Nothing is fetched for messages that were not admitted, nor for a group's history: whoever is not answered
cannot make the gateway ask for anything. What a message quotes is fetched with it and removed after the turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from clawlane.agents.contract import Attached, FileUse, InboundFile, TurnInput
from clawlane.capabilities import FetchesMedia, NotFetched
from clawlane.channel import Account, Channel
from clawlane.config.settings import ChannelSettings
from clawlane.media_types import HEAD, MediaType, media_type_of
from clawlane.messages import Attachment, Inbound
from clawlane.store import media
from clawlane.store.account_store import AccountStore
from clawlane.store.media_files import FilePlace, MediaFiles

MOST_FILES = 20
"""How many files are fetched for a turn."""

_TOTAL = 3
"""All files of a turn together may be as large as so many of the largest."""

_ONE_FILE_S, _ALL_FILES_S = 30.0, 60.0
_MB = 2**20
_KINDS = {
    "photo": FileUse.PICTURES,
    "drawing": FileUse.PICTURES,
    "gif": FileUse.PICTURES,
    "voice": FileUse.SOUND,
    "video": FileUse.OTHERS,
    "file": FileUse.OTHERS,
}
"""The kinds of attachments that are files, and who can use them. The address of a link is never fetched."""

_CLAIMED = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "bmp"), FileUse.PICTURES),
    **dict.fromkeys(("aac", "flac", "m4a", "mp3", "ogg", "opus", "wav"), FileUse.SOUND),
}
"""What the ending of a file's name claims: it is fetched for those who can use that, and then looked at."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """How large a file may be, and how long files are kept and how much of them, in bytes."""

    max_bytes: int = 20 * _MB
    keep_s: float = 7 * 86_400.0
    keep_bytes: int = 500 * _MB

    @classmethod
    def of(cls, settings: ChannelSettings) -> MediaLimits:
        """The limits that an account is configured with."""
        max_bytes, keep_bytes = int(settings.media_max_mb * _MB), int(settings.media_keep_mb * _MB)
        return cls(max_bytes, settings.media_kept.total_seconds(), keep_bytes)


@dataclass(frozen=True, slots=True)
class InboundMedia:
    """The files of one account, within the `limits` of now.

    `connected` returns once the channel can fetch; `arrived` is called after it has fetched a file.
    """

    account: Account
    channel: Channel
    files: MediaFiles
    limits: Callable[[], MediaLimits]
    connected: Callable[[], Awaitable[None]]
    arrived: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def fetched(
        self, turn: TurnInput, numbers: Sequence[int], use: FileUse
    ) -> AsyncIterator[TurnInput]:
        """A turn with the files that its agent can use. `numbers` are those of its messages.

        One after the other, so that no more are fetched at once than turns run. A file that cannot be fetched
        costs the turn nothing but that file.
        """
        if not use:
            yield turn
            return
        attached: list[Attached] = []
        try:
            async for one in self._all(turn.messages, numbers, use):
                attached.append(one)
            files = tuple(one.file for one in attached if one.file is not None)
            yield replace(turn, attached=tuple(attached), files=files)
        finally:
            for one in attached:
                if one.number is None and one.file is not None:
                    one.file.path.unlink(missing_ok=True)

    async def prune(self, store: AccountStore, now_ms: int) -> None:
        """Remove the files of messages whose text is gone, old files, and the oldest of too many."""
        account, limits = store.account, self.limits()
        numbers = await asyncio.to_thread(self.files.messages, account)
        if numbers:
            self.forget(await store.run(media.forgotten, sorted(numbers)))
        before_s = now_ms / 1000 - limits.keep_s
        await asyncio.to_thread(self.files.prune, before_s, account, limits.keep_bytes)

    def forget(self, messages: Collection[int]) -> None:
        """Remove the files of messages, at once."""
        if messages:
            self.files.remove(str(self.account), messages)

    async def _all(
        self, messages: Sequence[Inbound], numbers: Sequence[int], use: FileUse
    ) -> AsyncIterator[Attached]:
        """Every attachment of a turn, with its file or why there is none."""
        left, count = _TOTAL * self.limits().max_bytes, 0
        ends = asyncio.get_running_loop().time() + _ALL_FILES_S
        for message_id, attached in _attachments(messages, numbers):
            wanted = use & _use_of(attached.attachment)
            if not wanted or (wanted is FileUse.SOUND and attached.attachment.transcript):
                yield attached
                continue
            count += 1
            try:
                if count > MOST_FILES:
                    raise NotFetched(f"only {MOST_FILES} files are fetched for a turn")
                file = await self._one(message_id, attached, left, ends)
            except NotFetched as error:
                log.info("%s: a %s was not fetched: %s", self.account, attached.attachment.kind, error)
                yield replace(attached, why_not=f"not fetched: {error}")
            else:
                left -= file.size
                yield replace(attached, file=file)

    async def _one(self, message_id: str, attached: Attached, left: int, ends: float) -> InboundFile:
        """One file, from the folder or from the platform. Raises `NotFetched`."""
        attachment, most = attached.attachment, self.limits().max_bytes
        place = FilePlace(str(self.account), attached.message, attached.number, attachment.url)
        path = self.files.find(place)
        if path is None:
            if not attachment.url:
                raise NotFetched("it has no address")
            if attachment.size > most:
                raise NotFetched(f"too large: {attachment.size / _MB:.0f} MB, at most {most / _MB:g}")
            if left <= 0 or attachment.size > left:
                raise NotFetched("the files of this turn are too large together")
            path = await self._download(place, attachment, min(most, left), ends)
        size, kind = await asyncio.to_thread(_look_at, path)
        return InboundFile(path, attachment.kind, kind.mime, attachment.title, size, message_id)

    async def _download(self, place: FilePlace, attachment: Attachment, most: int, ends: float) -> Path:
        if not isinstance(self.channel, FetchesMedia):
            raise NotFetched("this channel cannot fetch files")
        scratch = self.files.scratch(place)
        try:
            async with asyncio.timeout_at(ends):
                await self.connected()
                async with asyncio.timeout(_ONE_FILE_S):
                    await self.channel.fetch(self.account, attachment, scratch, most)
            self.arrived()
            _, kind = await asyncio.to_thread(_look_at, scratch)
            return self.files.keep(place, scratch, kind.extension)
        except TimeoutError:
            raise NotFetched("it took too long") from None
        except OSError as error:
            log.error("%s: a file cannot be kept: %s", self.account, error.strerror)
            raise NotFetched("it cannot be written here") from None
        finally:
            scratch.unlink(missing_ok=True)


def _attachments(messages: Sequence[Inbound], numbers: Sequence[int]) -> Iterator[tuple[str, Attached]]:
    """Each attachment with the id of its message: those of the messages in order, then the quoted one."""
    for message, seq in zip(messages, numbers, strict=True):
        for number, attachment in enumerate(message.attachments):
            yield message.message_id, Attached(attachment, seq, number)
    for message, seq in zip(messages, numbers, strict=True):
        if message.quote is not None:  # the first one counts, as where messages are merged
            if message.quote.attachment is not None:
                yield message.quote.message_id, Attached(message.quote.attachment, seq, None)
            return


def _use_of(attachment: Attachment) -> FileUse:
    """Who can use a file, before it is known what it is."""
    use = _KINDS.get(attachment.kind, FileUse.NOTHING)
    if attachment.kind == "file":
        use |= _CLAIMED.get(attachment.title.rpartition(".")[2].lower(), FileUse.NOTHING)
    return use


def _look_at(path: Path) -> tuple[int, MediaType]:
    """The size of a file, and its type by its content."""
    with path.open("rb") as file:
        return path.stat().st_size, media_type_of(file.read(HEAD))
