"""A program that answers one turn: a JSON object on its standard input, the reply on its standard output."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clawlane.agents.child import Program, drain
from clawlane.agents.errors import AgentFailed, AgentInterrupted, unanswered
from clawlane.store.codec import storable

LONGEST_ANSWER = 2**20
"""Bytes of standard output."""

LONGEST_ICON = 40
"""Characters of what a message is reacted with: an emoji, or a name."""

_READ = 64 * 1024


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """The reply of a program: markdown text, paths or addresses of attachments, an icon to react with."""

    text: str
    media: tuple[str, ...] = ()
    react: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A program that is run once for each turn. `once` says that a turn is never given to it twice."""

    program: Program
    timeout_s: float = 600.0
    once: bool = True

    async def ask(self, turn: Mapping[str, Any], environ: Mapping[str, str]) -> CommandAnswer:
        """Run it. Raises an `AgentError`. Cancelling ends the program with all that it started."""
        place, name = self.program.place, self.program.argv[0]
        written = json.dumps(turn, ensure_ascii=False).encode("utf-8", "replace")
        try:
            async with asyncio.timeout(self.timeout_s), self.program.running(environ, _READ) as process:
                output = await _talk(process, written)
        except TimeoutError:
            raise self._lost(
                f"{place}: {name} was ended after {self.timeout_s:g} s without an answer"
            ) from None
        if len(output) > LONGEST_ANSWER:
            raise self._lost(f"{place}: {name} wrote more than {LONGEST_ANSWER // 2**20} MB")
        if code := process.returncode:
            ended = f"with exit code {code}" if code > 0 else f"by signal {-code}"
            raise self._lost(f"{place}: {name} ended {ended}")
        return self._answer(output)

    def _answer(self, output: bytes) -> CommandAnswer:
        try:
            text = output.decode().strip()
        except UnicodeDecodeError:
            raise self._lost(f"{self.program.place}: the answer is not UTF-8 text") from None
        if not text.startswith("{"):
            return CommandAnswer(text)
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            if text[1:].lstrip().startswith('"'):
                raise self._lost(f"{self.program.place}: the JSON of the answer cannot be read") from None
            return CommandAnswer(text)
        return self._object(answer)

    def _object(self, answer: Mapping[str, Any]) -> CommandAnswer:
        text, media, react = answer.get("text", ""), answer.get("media", []), answer.get("react", "")
        listed = isinstance(media, list) and all(isinstance(one, str) for one in media)
        if isinstance(react, str) and len(react) > LONGEST_ICON:
            raise self._lost(f"{self.program.place}: `react` must be an icon")
        if not (isinstance(text, str) and isinstance(react, str) and listed) or answer.keys() - _KEYS:
            raise self._lost(
                f'{self.program.place}: a JSON answer must be {{"text": "…", "media": ["…"], "react": "…"}}'
            )
        return CommandAnswer(storable(text), tuple(media), storable(react))

    def _lost(self, text: str) -> AgentFailed | AgentInterrupted:
        return unanswered(text, once=self.once)


_KEYS = {"text", "media", "react"}


async def _talk(process: asyncio.subprocess.Process, written: bytes) -> bytes:
    """What the program prints; returns once it has ended, or has printed too much."""
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    assert stdin is not None
    assert stdout is not None
    assert stderr is not None
    output = bytearray()
    async with asyncio.TaskGroup() as group:
        besides = [group.create_task(_write(stdin, written)), group.create_task(drain(stderr))]
        while len(output) <= LONGEST_ANSWER and (part := await stdout.read(_READ)):
            output += part
        if len(output) <= LONGEST_ANSWER:
            await process.wait()
        for task in besides:
            task.cancel()
    return bytes(output)


async def _write(stdin: asyncio.StreamWriter, written: bytes) -> None:
    """Write all of it; a program that does not want to read it may still answer."""
    try:
        stdin.write(written)
        await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        stdin.close()
