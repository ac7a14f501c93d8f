"""One Zalo account: its events as a stream, and everything it can do."""

from __future__ import annotations

from collections.abc import Sequence

from zaloweb.calls import forward, links, media, messages, reactions, receipts, stickers, undo
from zaloweb.calls.forward import Forwarded, Origin
from zaloweb.calls.media import SendOptions, Uploaded, VideoLink
from zaloweb.calls.messages import Sent, SentAnswer, Style, Text, Urgency
from zaloweb.calls.quotes import Quoted
from zaloweb.calls.reactions import NO_ICON, Icon, MessageIds
from zaloweb.calls.receipts import Destination, Marked
from zaloweb.directory import Directory
from zaloweb.errors import InvalidRequest
from zaloweb.events import Mention, Sticker, Thread, ThreadKind
from zaloweb.media.attachments import Attachment, Kind, PathLike
from zaloweb.media.download import DOWNLOAD_S, Downloaded, size_of
from zaloweb.media.download import download as download_file
from zaloweb.media.outgoing import Caption, send_uploaded
from zaloweb.media.upload import Progress
from zaloweb.transport.caller import as_not_prepared

_USUAL = SendOptions()
ToSend = Attachment | PathLike
"""A file to send: its path, or an `Attachment` that says more."""


class Zalo(Directory):
    """A logged-in account, alive while entered.

        async with Zalo(session) as zalo:
            async for event in zalo.events():
                ...

    Calls need no connection: they work before and while events are read. Only files other than pictures need
    one, because Zalo announces them over the socket. `on_session` is awaited whenever an answer changed the
    cookies, before the call returns: store `session.to_json()` then, as old cookies are refused after some
    days. Its exceptions are only logged. The network is the one of `ZALOWEB_NETWORK`, or the real one. A call
    that changes nothing is tried up to `attempts` times while the network fails. Calls that come too fast
    wait (`pace`, `Pace.cautious()` by default). Observers of `trace` are told of each frame and call.
    `before_write` is asked right before anything is written: what it says is why not, as a `BeforeSending`,
    and no socket is closed with a frame then. All errors are kinds of `ZaloError`.

    Nothing that others see is repeated automatically: after `NoAnswer` it is unknown whether it arrived. To
    find out, pass a `client_id`, the time in milliseconds and never the same twice: the echo among the events
    has it as its `cli_msg_id`. Several files take consecutive ids. A `Sent` without a `msg_id` may not have
    arrived either.
    """

    # Messages

    async def send_text(
        self,
        thread: Thread,
        text: str,
        *,
        client_id: int | None = None,
        mentions: Sequence[Mention] = (),
        styles: Sequence[Style] | None = None,
        quote: Quoted | None = None,
        urgency: Urgency = Urgency.NORMAL,
        ttl_ms: int = 0,
    ) -> Sent:
        """Send a text, at most 2000 UTF-16 units (see `send`). Mentions count in groups only."""
        message = Text(text, mentions, styles, quote, urgency, ttl_ms)
        return await self.send(thread, message, client_id=client_id)

    async def send(self, thread: Thread, message: Text, *, client_id: int | None = None) -> Sent:
        """Send a prepared text, such as one of the `pieces` of a long one."""
        own_id = self._client_ids.take(client_id)
        answer = await self.call(messages.send_text(thread, message, client_id=own_id, imei=self._imei))
        return SentAnswer.sent(answer, own_id)

    async def send_image(
        self,
        thread: Thread,
        image: ToSend,
        *,
        client_id: int | None = None,
        caption: str = "",
        mentions: Sequence[Mention] = (),
        urgency: Urgency = Urgency.NORMAL,
        ttl_ms: int = 0,
        progress: Progress | None = None,
    ) -> Sent:
        """Send a picture (JPEG, PNG, WebP), with an optional caption."""
        words = _caption(thread, caption, mentions)
        options = SendOptions(ttl_ms, urgency)
        [sent] = await self._send([Kind.IMAGE], thread, [image], options, client_id, progress, words)
        return sent

    async def send_album(
        self,
        thread: Thread,
        images: Sequence[ToSend],
        *,
        client_id: int | None = None,
        urgency: Urgency = Urgency.NORMAL,
        ttl_ms: int = 0,
        progress: Progress | None = None,
    ) -> tuple[Sent, ...]:
        """Send pictures as an album. Raises `PartlySent` if only some were sent."""
        options = SendOptions(ttl_ms, urgency)
        return await self._send([Kind.IMAGE], thread, images, options, client_id, progress)

    async def send_file(
        self,
        thread: Thread,
        file: ToSend,
        *,
        client_id: int | None = None,
        urgency: Urgency = Urgency.NORMAL,
        ttl_ms: int = 0,
        progress: Progress | None = None,
    ) -> Sent:
        """Send a file of any kind but a picture; others see its name. Read `events` meanwhile.

        Zalo chooses the `cli_msg_id` of the message; it is not `client_id`.
        """
        kinds, options = [Kind.OTHER, Kind.VIDEO], SendOptions(ttl_ms, urgency)
        [sent] = await self._send(kinds, thread, [file], options, client_id, progress)
        return sent

    async def send_gif(
        self,
        thread: Thread,
        gif: ToSend,
        *,
        client_id: int | None = None,
        urgency: Urgency = Urgency.NORMAL,
        ttl_ms: int = 0,
        progress: Progress | None = None,
    ) -> Sent:
        """Send a moving picture."""
        options = SendOptions(ttl_ms, urgency)
        [sent] = await self._send([Kind.GIF], thread, [gif], options, client_id, progress)
        return sent

    async def upload(
        self,
        thread: Thread,
        files: Sequence[ToSend],
        *,
        client_id: int | None = None,
        progress: Progress | None = None,
    ) -> tuple[Uploaded, ...]:
        """Upload files for a thread; nobody sees them before `send_uploaded`.

        Raises `InvalidRequest` for files that the server's settings do not allow, before anything is sent,
        and `NotPrepared` if it may be tried again.
        """
        attachments = [_attachment(file) for file in files]
        own_id = self._client_ids.take(client_id, len(files))
        return await self._uploads.upload(thread, attachments, client_id=own_id, progress=progress)

    async def send_uploaded(
        self,
        thread: Thread,
        files: Sequence[Uploaded],
        *,
        client_id: int | None = None,
        caption: str = "",
        mentions: Sequence[Mention] = (),
        options: SendOptions = _USUAL,
    ) -> tuple[Sent, ...]:
        """Send uploaded files, pictures among several as an album; only a single picture takes a caption.

        Raises `PartlySent` if only some were sent.
        """
        words = _caption(thread, caption, mentions)
        own_id = self._client_ids.take(client_id, len(files))
        return await send_uploaded(self._caller, thread, files, options, client_id=own_id, caption=words)

    async def send_voice(
        self, thread: Thread, url: str, *, client_id: int | None = None, ttl_ms: int = 0
    ) -> Sent:
        """Send a voice message (M4A, MP3 …) from an https address, such as that of an `UploadedFile`."""
        with as_not_prepared():
            size = await size_of(self._transport, url)
        own_id = self._client_ids.take(client_id)
        call = media.send_voice(thread, url, size, ttl_ms=ttl_ms, client_id=own_id, imei=self._imei)
        return SentAnswer.sent(await self.call(call), own_id)

    async def send_video(
        self,
        thread: Thread,
        video: VideoLink,
        *,
        client_id: int | None = None,
        text: str = "",
        ttl_ms: int = 0,
    ) -> Sent:
        """Send a video from an https address to be played in the chat; `send_file` sends it as a file."""
        with as_not_prepared():
            size = await size_of(self._transport, video.url)
        own_id = self._client_ids.take(client_id)
        call = media.send_video(
            thread, video, size, text=text, ttl_ms=ttl_ms, client_id=own_id, imei=self._imei
        )
        return SentAnswer.sent(await self.call(call), own_id)

    async def send_link(
        self, thread: Thread, link: str, *, client_id: int | None = None, text: str = "", ttl_ms: int = 0
    ) -> Sent:
        """Send a link with a preview made by Zalo."""
        with as_not_prepared():
            preview = await self.parse_link(link)
        own_id = self._client_ids.take(client_id)
        call = links.send_link(
            thread, link, preview, text=text, ttl_ms=ttl_ms, client_id=own_id, imei=self._imei
        )
        return SentAnswer.sent(await self.call(call), own_id)

    async def send_sticker(self, thread: Thread, sticker: Sticker, *, client_id: int | None = None) -> Sent:
        """Send a sticker that was received or found by `find_stickers`."""
        own_id = self._client_ids.take(client_id)
        call = stickers.send_sticker(thread, sticker, client_id=own_id, imei=self._imei)
        return SentAnswer.sent(await self.call(call), own_id)

    async def forward(
        self,
        threads: Sequence[Thread],
        text: str,
        *,
        client_id: int | None = None,
        origin: Origin | None = None,
        ttl_ms: int = 0,
    ) -> Forwarded:
        """Forward a text to people or to groups; the answer says which of them it reached.

        Each of them takes one of consecutive client ids.
        """
        own_id = self._client_ids.take(client_id, len(threads))
        return await self.call(
            forward.forward(threads, text, origin, ttl_ms=ttl_ms, client_id=own_id, imei=self._imei)
        )

    # Reactions, recalls, receipts, downloads

    async def react(self, thread: Thread, message: MessageIds, icon: Icon) -> None:
        """React to a message: `ICONS["HEART"]`, or `icon_of("/-heart")`."""
        now_ms = self._caller.now_ms
        await self.call(reactions.react(thread, message, icon, client_id=now_ms, imei=self._imei))

    async def unreact(self, thread: Thread, message: MessageIds) -> None:
        """Take back the account's reactions to a message."""
        await self.react(thread, message, NO_ICON)

    async def undo(self, thread: Thread, message: MessageIds) -> None:
        """Recall one of the account's messages for everybody."""
        now_ms = self._caller.now_ms
        await self.call(undo.undo(thread, message, client_id=now_ms, imei=self._imei))

    async def delete(
        self, thread: Thread, message: MessageIds, sender_id: str, *, for_everyone: bool = False
    ) -> None:
        """Delete a message for the account alone or, in a group that it administers, for everyone."""
        call = undo.delete(
            thread,
            message,
            sender_id,
            for_everyone=for_everyone,
            own_id=self.own_id,
            client_id=self._caller.now_ms,
            imei=self._imei,
        )
        await self.call(call)

    async def typing(self, thread: Thread, *, to: Destination = Destination.PERSON) -> None:
        """Show for some seconds that the account is typing."""
        await self.call(receipts.typing(thread, imei=self._imei, to=to))

    async def mark_delivered(
        self, kind: ThreadKind, messages: Sequence[Marked], *, seen: bool = False
    ) -> None:
        """Mark up to 50 messages as delivered: `Marked.of(message)`. Group messages must be of one group."""
        await self.call(receipts.delivered(kind, messages, own_id=self.own_id, imei=self._imei, seen=seen))

    async def mark_seen(self, kind: ThreadKind, messages: Sequence[Marked]) -> None:
        """Mark up to 50 messages of one thread as seen: `Marked.of(message)`."""
        await self.call(receipts.seen(kind, messages, own_id=self.own_id, imei=self._imei))

    async def download(
        self, url: str, path: PathLike, *, max_bytes: int, deadline: float = DOWNLOAD_S
    ) -> Downloaded:
        """Download a file that a message links to; it appears at the path whole or not at all.

        Raises `TooLarge`, `LinkExpired`, `HttpStatusError`, `NetworkError`, and `OSError` from the disk.
        """
        async with self._slots:
            return await download_file(self._transport, url, path, max_bytes=max_bytes, deadline=deadline)

    async def _send(
        self,
        kinds: Sequence[Kind],
        thread: Thread,
        files: Sequence[ToSend],
        options: SendOptions,
        client_id: int | None,
        progress: Progress | None,
        caption: Caption | None = None,
    ) -> tuple[Sent, ...]:
        attachments = [_attachment(file) for file in files]
        for attachment in attachments:
            if attachment.kind not in kinds:
                wanted = " or ".join(kind.value for kind in kinds)
                raise InvalidRequest(f"{attachment.name}: Zalo does not take this for {wanted}")
        own_id = self._client_ids.take(client_id, len(files))
        uploaded = await self._uploads.upload(thread, attachments, client_id=own_id, progress=progress)
        return await send_uploaded(self._caller, thread, uploaded, options, client_id=own_id, caption=caption)

    @property
    def _imei(self) -> str:
        return self._caller.imei


def _attachment(file: ToSend) -> Attachment:
    return file if isinstance(file, Attachment) else Attachment(file)


def _caption(thread: Thread, text: str, mentions: Sequence[Mention]) -> Caption:
    named = Text(text, mentions).mention_info() if text and thread.kind is ThreadKind.GROUP else {}
    return Caption(text, named)
