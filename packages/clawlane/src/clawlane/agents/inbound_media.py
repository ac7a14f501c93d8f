"""The pictures of a turn, in a form that models take: small, whole, and never more than a few."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.agents.contract import InboundFile, TurnInput

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PICTURES = 10
LONGEST_SIDE = 2048
"""Pixels. Providers make larger pictures smaller themselves, or refuse them."""

PICTURE_TOKENS = 1000
"""A rough guess of what one takes, for providers that do not count."""

LARGEST = 4 * 2**20
"""Bytes of a picture that is passed on as it came; providers take 5 MB, and base64 makes it a third more."""

MOST_PIXELS = 50_000_000
"""A picture with more is not opened: a file of a few kilobytes can claim any number."""

_TAKEN = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
"""What models take, and Pillow's names for it."""

_OPENED = threading.Semaphore(2)
"""Decoding takes up to 150 MB each."""


class _NotShown(Exception):
    """A file is no picture that can be shown. The text says why and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its type, and its bytes."""

    mime: str
    data: bytes = field(repr=False)

    @property
    def url(self) -> str:
        """The picture itself as an address."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a turn in order; `notes` say of each file whether it is shown (see `user_prompt`)."""

    shown: Sequence[Picture] = ()
    notes: Mapping[Path, str] = field(default_factory=dict)

    def refused(self) -> Pictures:
        """The same where the model does not take pictures after all."""
        return Pictures((), dict.fromkeys(self.notes, "not shown: the model takes no pictures"))


async def images(turn: TurnInput) -> Pictures:
    """The pictures of a turn for a model that sees. They are for this request only and never stored.

    Large ones are made smaller. What is named like a picture and is none is not shown.
    """
    if not turn.files:
        return Pictures()
    return await asyncio.to_thread(_pictures, turn.files)


def _pictures(files: Sequence[InboundFile]) -> Pictures:
    shown: list[Picture] = []
    notes: dict[Path, str] = {}
    for file in files:
        if file.mime.startswith(("audio/", "video/")):
            continue
        try:
            if len(shown) == MOST_PICTURES:
                raise _NotShown(f"only {MOST_PICTURES} pictures are shown at once")
            shown.append(_picture(file))
        except _NotShown as error:
            notes[file.path] = f"not shown: {error}"
        else:
            notes[file.path] = "shown"
    return Pictures(tuple(shown), notes)


def _picture(file: InboundFile) -> Picture:
    """A picture as it came, or smaller. Raises `_NotShown`."""
    if file.mime not in _TAKEN:
        raise _NotShown(f"it is no picture that models take ({file.mime})")
    from PIL import Image  # takes 10 MB, which a gateway without pictures does without

    try:
        with _OPENED, Image.open(file.path, formats=[_TAKEN[file.mime]]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise _NotShown(f"it has {image.width} x {image.height} pixels")
            if max(image.size) <= LONGEST_SIDE and file.size <= LARGEST:
                return Picture(file.mime, file.path.read_bytes())
            return Picture("image/jpeg", _smaller(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _NotShown("it is damaged") from None


def _smaller(image: Image) -> bytes:
    """The picture as a JPEG of at most 2048 pixels a side, upright, on white where it is transparent."""
    from PIL import Image, ImageOps

    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    flat = Image.new("RGB", upright.size, "white")
    flat.paste(upright, mask=upright)
    written = io.BytesIO()
    flat.save(written, "JPEG", quality=85)
    return written.getvalue()
