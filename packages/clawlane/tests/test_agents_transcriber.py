"""Voice messages as text: a real server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from clawlane.agents.contract import Attached, InboundFile, TurnInput
from clawlane.agents.transcriber import LONGEST_TRANSCRIPT, NOTHING_SAID, SpeechModel, Transcriber
from clawlane.messages import Attachment, Inbound, Thread, ThreadKind
from demo.model_server import ModelServer, Raw, SpeechRequest, refuses

VOICE = Attachment("voice", url="https://zdn.vn/v")
MESSAGE = Inbound("default", "m1", Thread(ThreadKind.DM, "11"), "11", "Lan", "", 1, attachments=(VOICE,))


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer().serving() as serving:
        yield serving


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def turn(folder: Path, *, mime: str = "audio/mp4", attachment: Attachment = VOICE) -> TurnInput:
    path = folder / "voice.m4a"
    path.write_bytes(b"sound")
    file = InboundFile(path, attachment.kind, mime, attachment.title, 5, "m1")
    attached = (Attached(attachment, 1, 0, file), Attached(Attachment("photo"), 1, 1))
    return TurnInput("zalouser/default", (MESSAGE,), files=(file,), attached=attached)


def transcriber(http: aiohttp.ClientSession, *urls: str, **more: object) -> Transcriber:
    models = [SpeechModel("tools.media.audio.models[0]", url, "whisper-1") for url in urls]
    return Transcriber(http, models, **more)  # type: ignore[arg-type]


async def test_what_is_said_is_in_the_turn(
    server: ModelServer, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    server.hear = lambda _: " chào em \n"
    found = await transcriber(http, server.url, language="vi").transcribed(turn(tmp_path))
    assert [one.attachment.transcript for one in found.attached] == ["chào em", ""]
    [request] = server.heard
    assert (request.name, request.content, request.fields["language"]) == ("voice.m4a", b"sound", "vi")


async def test_nobody_is_asked_twice(
    server: ModelServer, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    known = Attachment("voice", transcript="đã nghe")
    found = await transcriber(http, server.url).transcribed(turn(tmp_path, attachment=known))
    assert found.attached[0].attachment.transcript == "đã nghe"
    assert server.heard == []


async def test_the_next_model_is_asked_when_one_fails(
    server: ModelServer, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    answers = [refuses(503), "nghe được"]
    server.hear = lambda _: answers.pop(0)
    found = await transcriber(http, "http://127.0.0.1:9/v1", server.url, server.url).transcribed(
        turn(tmp_path)
    )
    assert found.attached[0].attachment.transcript == "nghe được"


async def test_silence_is_known_to_be_silence(
    server: ModelServer, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    server.hear = lambda _: "  "
    found = await transcriber(http, server.url).transcribed(turn(tmp_path))
    assert found.attached[0].attachment.transcript == NOTHING_SAID


async def test_a_transcript_has_an_end(
    server: ModelServer, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    server.hear = lambda _: "a" * 100_000
    found = await transcriber(http, server.url).transcribed(turn(tmp_path))
    assert len(found.attached[0].attachment.transcript) == LONGEST_TRANSCRIPT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refuses(401, "s3cret"), "the service answered with HTTP 401"),
        (Raw("", 302, headers={"Location": "http://127.0.0.1:9/"}), "the service answered with HTTP 302"),
        (Raw("<html>", content_type="text/html"), "the answer of the service is not a transcript"),
        (Raw("[" * 100_000), "the answer of the service is not a transcript"),
        (Raw(json.dumps({"text": 7})), "the answer of the service is not a transcript"),
        (Raw(b"x" * (2**20 + 1)), "the answer of the service is too large"),
        (Raw('{"text": "a', cut=True), "the service cannot be reached"),
    ],
)
async def test_a_service_that_fails_leaves_a_voice_message(
    server: ModelServer, http: aiohttp.ClientSession, tmp_path: Path, answer: Raw, reason: str
) -> None:
    server.hear = lambda _: answer
    found = await transcriber(http, server.url).transcribed(turn(tmp_path))
    assert found.attached[0].why_not == f"not transcribed: {reason}"
    assert found.attached[0].attachment == VOICE


async def test_a_service_that_never_answers_is_left(
    server: ModelServer, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async def think(_request: SpeechRequest) -> str:
        await asyncio.Event().wait()
        return ""

    server.hear = think
    found = await transcriber(http, server.url, timeout_s=0.05).transcribed(turn(tmp_path))
    assert found.attached[0].why_not == "not transcribed: the service took too long"


@pytest.mark.parametrize(
    ("more", "mime", "reason"),
    [
        ({"max_bytes": 4}, "audio/mp4", "it has more than "),
        ({}, "text/html", "it is no sound (text/html)"),
    ],
)
async def test_what_cannot_be_heard_is_not_sent(
    server: ModelServer,
    http: aiohttp.ClientSession,
    tmp_path: Path,
    more: dict[str, object],
    mime: str,
    reason: str,
) -> None:
    found = await transcriber(http, server.url, **more).transcribed(turn(tmp_path, mime=mime))
    assert found.attached[0].why_not.startswith(f"not transcribed: {reason}")
    assert server.heard == []
