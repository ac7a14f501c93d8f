"""Voice messages as text, by a service that speaks OpenAI's `/audio/transcriptions`.

Source of the format: OpenAI's API reference, "Create transcription".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from clawlane.agents.contract import Attached, InboundFile, TurnInput
from clawlane.store import media

LONGEST_TRANSCRIPT = 20_000
"""Characters that are kept of what was said."""

NOTHING_SAID = "(nothing was said)"

_LONGEST_ANSWER = 2**20
_CONNECT = 10.0
_ENDINGS = {
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "audio/aac": "aac",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/amr": "amr",
    "video/webm": "webm",
}
"""What can hold speech, and the ending by which services tell it."""

log = logging.getLogger(__name__)


class NotTranscribed(Exception):
    """What was said is not known. The text says why, for the agent and the operator; it quotes nothing."""


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """A model that is asked at `url`/audio/transcriptions. `place` is its place in the config, for errors."""

    place: str
    url: str
    model: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def ask(self, http: aiohttp.ClientSession, file: InboundFile, language: str) -> str:
        """What is said in a file. Raises `NotTranscribed`."""
        form = aiohttp.FormData()
        for name, value in (("model", self.model), ("response_format", "json"), ("language", language)):
            if value:
                form.add_field(name, value)
        content = await asyncio.to_thread(file.path.read_bytes)
        form.add_field("file", content, filename=f"voice.{_ENDINGS[file.mime]}", content_type=file.mime)
        request = http.post(
            f"{self.url}/audio/transcriptions",
            data=form,
            headers=self.headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
            allow_redirects=False,
        )
        async with request as response:
            if response.status != 200:
                raise NotTranscribed(f"the service answered with HTTP {response.status}")
            answer = bytearray()
            async for part in response.content.iter_any():
                answer += part
                if len(answer) > _LONGEST_ANSWER:
                    raise NotTranscribed("the answer of the service is too large")
        return _text_in(bytes(answer))


def _text_in(answer: bytes) -> str:
    try:
        read: Any = json.loads(answer)
    except (ValueError, RecursionError):
        read = None
    text = read.get("text") if isinstance(read, dict) else None
    if not isinstance(text, str):
        raise NotTranscribed("the answer of the service is not a transcript")
    return text.strip()[:LONGEST_TRANSCRIPT] or NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Transcriber:
    """Writes down the voice messages of a turn, each once: the store keeps the text with the message.

    One request may take `timeout_s`, all of a turn together three times that.
    """

    http: aiohttp.ClientSession
    models: Sequence[SpeechModel]
    language: str = ""
    max_bytes: int = 20 * 2**20
    timeout_s: float = 60.0

    async def transcribed(self, turn: TurnInput) -> TurnInput:
        """The turn with what was said in its voice messages. One that fails stays a voice message."""
        if not any(one.file is not None for one in turn.attached):
            return turn
        ends = asyncio.get_running_loop().time() + 3 * self.timeout_s
        return replace(turn, attached=tuple([await self._one(turn, one, ends) for one in turn.attached]))

    async def _one(self, turn: TurnInput, one: Attached, ends: float) -> Attached:
        file = one.file
        speech = one.attachment.kind == "voice" or (file is not None and file.mime.startswith("audio/"))
        if file is None or not speech or one.attachment.transcript:
            return one
        try:
            text = await self._text(file, ends)
        except NotTranscribed as error:
            return replace(one, why_not=f"not transcribed: {error}")
        if turn.lane is not None:
            await turn.lane.account_store.run(media.transcribed, one.message, one.number, text)
        return replace(one, attachment=replace(one.attachment, transcript=text))

    async def _text(self, file: InboundFile, ends: float) -> str:
        """What the first model says that can."""
        if file.mime not in _ENDINGS:
            raise NotTranscribed(f"it is no sound ({file.mime})")
        if file.size > self.max_bytes:
            raise NotTranscribed(f"it has more than {self.max_bytes / 2**20:.3g} MB")
        reason = ""
        for model in self.models:
            try:
                async with asyncio.timeout_at(ends), asyncio.timeout(self.timeout_s):
                    return await model.ask(self.http, file, self.language)
            except NotTranscribed as error:
                reason = str(error)
            except TimeoutError:
                reason = "the service took too long"
            except (aiohttp.ClientError, OSError):
                reason = "the service cannot be reached"
            log.warning("%s: a voice message was not transcribed: %s", model.place, reason)
        raise NotTranscribed(reason)
