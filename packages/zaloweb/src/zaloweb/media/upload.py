"""Uploads files in chunks, streamed from their source, a few at a time.

A picture is ready with the answer to its last chunk. Any other file is ready once the server announces it
over the socket, so it needs a connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final, TypeVar

from zaloweb.calls import uploads
from zaloweb.calls.media import Uploaded, UploadedFile, UploadedGif, UploadedImage
from zaloweb.calls.uploads import Chunk, ChunkAnswer
from zaloweb.errors import InvalidRequest, NotPrepared, ProtocolError
from zaloweb.events import FileDone, Thread
from zaloweb.media.attachments import Attachment, Kind, LocalFile
from zaloweb.transport.caller import Caller, as_not_prepared
from zaloweb.transport.clock import Clock, within

T = TypeVar("T")
log = logging.getLogger(__name__)

_ID_DIGITS = 18

ANNOUNCED_S: Final = 300.0
"""Seconds that the announcement may take after the last chunk."""

_MOST_KEPT = 64
"""Unclaimed announcements that are kept: other devices of the account upload as well."""

Progress = Callable[[int, int], None]
"""Called with the bytes sent and the total, over all files of one upload."""


class UploadNotifications:
    """Matches announcements of finished uploads with the tasks that wait for them.

    The server announces a file over the socket, before or after it answers the last chunk.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[str]] = {}

    def tell(self, event: FileDone) -> None:
        """Note that a file is finished."""
        log.debug("an upload is announced")
        waiting = self._waiting.get(event.file_id)
        if waiting is not None:
            if not waiting.done():
                waiting.set_result(event.url)
            return
        self._kept[event.file_id] = event.url
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    async def url_of(self, file_id: str) -> str:
        """The address of a finished file. Raises `NotPrepared` if it is not announced in time."""
        if file_id in self._kept:
            return self._kept.pop(file_id)
        waiting = self._waiting.setdefault(file_id, asyncio.get_running_loop().create_future())
        try:
            return await within(self._clock, ANNOUNCED_S, waiting)
        except TimeoutError:
            reason = f"Zalo took the file but said nothing more of it within {ANNOUNCED_S:.0f} seconds"
            raise NotPrepared("upload", reason) from None
        finally:
            self._waiting.pop(file_id, None)


class Uploads:
    """The uploads of one account.

    `listening` keeps the socket read, and raises if events are not read. Each chunk being sent takes one of
    the `slots`.
    """

    def __init__(
        self,
        caller: Caller,
        notifications: UploadNotifications,
        listening: Callable[[], AbstractContextManager[None]],
        slots: asyncio.Semaphore,
    ) -> None:
        self._caller = caller
        self._notifications = notifications
        self._listening = listening
        self._slots = slots

    async def upload(
        self,
        thread: Thread,
        attachments: Sequence[Attachment],
        *,
        client_id: int,
        progress: Progress | None = None,
    ) -> tuple[Uploaded, ...]:
        """The uploaded files, in the given order.

        Raises `InvalidRequest` for files that the server's settings do not allow, before anything is sent,
        and `NotPrepared` if the network fails.
        """
        files = await self._checked_files(attachments)
        count = _ProgressCounter(sum(file.size for file in files), progress)
        ids = client_ids(attachments, client_id)
        kinds = {attachment.kind for attachment in attachments}
        with ExitStack() as stack, as_not_prepared():
            if kinds & {Kind.VIDEO, Kind.OTHER}:
                stack.enter_context(self._listening())
            uploading = zip(files, ids, strict=True)
            return tuple(await together(self._one(thread, file, own_id, count) for file, own_id in uploading))

    async def _checked_files(self, attachments: Sequence[Attachment]) -> list[LocalFile]:
        settings = self._caller.session.settings
        if not 1 <= len(attachments) <= settings.max_files:
            most = settings.max_files
            raise InvalidRequest(f"between 1 and {most} files can be sent at once, not {len(attachments)}")
        files = [await LocalFile.of(attachment) for attachment in attachments]
        for file in files:
            file.refuse(settings)
        return files

    async def _one(
        self, thread: Thread, file: LocalFile, client_id: int, count: _ProgressCounter
    ) -> Uploaded:
        named = file.attachment
        if named.kind is Kind.GIF:
            return await self._gif(file, client_id, count)
        if named.kind is Kind.IMAGE:
            width, height = await file.dimensions()
            answer = await self._upload_chunks(thread, file, client_id, count)
            urls = (answer.normal_url, answer.hd_url, answer.thumb_url)
            return UploadedImage(answer.id, *urls, file.size, width, height)
        answer = await self._upload_chunks(thread, file, client_id, count)
        url = await self._notifications.url_of(answer.id)
        checksum = await file.checksum()
        # Zalo repeats our id as the one of the message, unless the answer lacks it.
        told = str(answer.client_file_id)
        own_id = int(told) if told.isdecimal() and len(told) <= _ID_DIGITS else 0
        return UploadedFile(
            answer.id, url, named.name, named.extension, file.size, checksum, own_id or client_id
        )

    async def _gif(self, file: LocalFile, client_id: int, count: _ProgressCounter) -> UploadedGif:
        content = file.slice(0, file.size, count.of_chunk())
        async with self._slots:
            still = await self._caller.call(
                uploads.thumbnail(content, client_id=client_id, imei=self._caller.imei)
            )
        if not still.url:
            raise ProtocolError("upload thumbnail", "Zalo took the picture but gave it no address")
        width, height = await file.dimensions()
        return UploadedGif(
            still.url,
            file.attachment.name,
            file.size,
            await file.checksum(),
            file.slice(0, file.size),
            width,
            height,
        )

    async def _upload_chunks(
        self, thread: Thread, file: LocalFile, client_id: int, count: _ProgressCounter
    ) -> ChunkAnswer:
        step = self._caller.session.settings.chunk_bytes
        starts = range(0, file.size, step)
        chunks = [
            Chunk(
                file.attachment.name,
                file.size,
                number,
                len(starts),
                file.slice(start, min(step, file.size - start), count.of_chunk()),
            )
            for number, start in enumerate(starts, 1)
        ]
        image = file.attachment.kind is Kind.IMAGE
        log.debug("upload of %s: %d bytes in %d chunks", file.attachment.kind.value, file.size, len(chunks))
        answers = await together(self._upload_chunk(thread, chunk, image, client_id) for chunk in chunks)
        for answer in answers:
            if answer.id:
                return answer
        raise ProtocolError("upload", "Zalo took all chunks of the file but gave it no id")

    async def _upload_chunk(self, thread: Thread, chunk: Chunk, image: bool, client_id: int) -> ChunkAnswer:
        async with self._slots:
            return await self._caller.call(
                uploads.upload(thread, chunk, image=image, client_id=client_id, imei=self._caller.imei)
            )


class _ProgressCounter:
    """Counts the bytes sent of all files."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._sent = 0

    def of_chunk(self) -> Callable[[int], None]:
        """A function that takes the bytes sent of one chunk; a restarted chunk counts from 0."""
        before = 0

        def sent(now: int) -> None:
            nonlocal before
            self._sent += now - before
            before = now
            if self._progress is not None:
                self._progress(self._sent, self._total)

        return sent


def client_ids(attachments: Sequence[Attachment], first: int) -> list[int]:
    """An id for each file, counting up from the first one: all others before the GIFs, as they are sent."""
    ranked = sorted(range(len(attachments)), key=lambda place: attachments[place].kind is Kind.GIF)
    ids = [0] * len(attachments)
    for rank, place in enumerate(ranked):
        ids[place] = first + rank
    return ids


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results, in order. The first failure cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
