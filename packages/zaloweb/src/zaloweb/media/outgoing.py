"""Messages that show uploaded files, sent one after the other so that they arrive in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zaloweb.calls import media
from zaloweb.calls.call import Call
from zaloweb.calls.media import Album, SendOptions, Uploaded, UploadedFile, UploadedGif, UploadedImage
from zaloweb.calls.messages import Sent, SentAnswer
from zaloweb.errors import InvalidRequest, PartlySent, ZaloError
from zaloweb.events import Thread
from zaloweb.transport.caller import Caller


@dataclass(frozen=True, slots=True)
class Caption:
    """The caption of a picture; `mentions` as `Text.mention_info` makes them."""

    text: str
    mentions: dict[str, object]


_Message = tuple[int, int, Call[SentAnswer | None]]
"""The place of its file, its client id, and the call that sends it."""


async def send_uploaded(
    caller: Caller,
    thread: Thread,
    files: Sequence[Uploaded],
    options: SendOptions,
    *,
    client_id: int,
    caption: Caption | None = None,
) -> tuple[Sent, ...]:
    """Show uploaded files. The results are in the order of the files.

    Pictures among several files are one album; GIFs go last. Raises `PartlySent` if a message after the first
    one fails; later ones are not sent. Raises `InvalidRequest` for a caption of anything but one picture.
    """
    if caption is not None and caption.text and not (len(files) == 1 and isinstance(files[0], UploadedImage)):
        raise InvalidRequest("a caption goes with one picture: send the text before the files")
    done: dict[int, Sent] = {}
    messages = _messages(thread, files, options, client_id, caption)
    for place, own_id, call in messages:
        try:
            answer = await caller.call(call)
        except ZaloError as error:
            if not done:
                raise
            msg_ids = tuple(sent.msg_id for sent in done.values())
            raise PartlySent(call.name, msg_ids, len(messages), error) from error
        done[place] = SentAnswer.sent(answer, own_id)
    return tuple(done[place] for place in range(len(files)))


def _messages(
    thread: Thread, files: Sequence[Uploaded], options: SendOptions, client_id: int, caption: Caption | None
) -> list[_Message]:
    gifs = [place for place, file in enumerate(files) if isinstance(file, UploadedGif)]
    others = [place for place in range(len(files)) if place not in gifs]
    words = caption or Caption("", {})
    messages, pictures = [], 0
    for number, place in enumerate([*others, *gifs], client_id):
        file, own_id = files[place], number
        if isinstance(file, UploadedImage):
            album = Album(str(client_id), pictures, len(others)) if len(others) > 1 else None
            call = media.send_image(
                thread,
                file,
                options,
                client_id=number,
                caption=words.text,
                mentions=words.mentions,
                album=album,
            )
            pictures += 1
        elif isinstance(file, UploadedFile):
            call, own_id = media.send_file(thread, file, options), file.client_id
        else:
            call = media.send_gif(thread, file, options, client_id=number)
        messages.append((place, own_id, call))
    return messages
