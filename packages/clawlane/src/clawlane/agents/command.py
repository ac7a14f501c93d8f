"""A program that answers one turn: a JSON object on its standard input, the reply on its standard output."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clawlane.agents.child import Program, drain
from clawlane.agents.errors import AgentFailed, AgentInterrupted, unanswered
from clawlane.agents.written_answer import AnswerUnreadable, WrittenAnswer, read_written

LONGEST_ANSWER = 2**20
"""Bytes of standard output."""

_READ = 64 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """A program that is run once for each turn. `once` says that a turn is never given to it twice."""

    program: Program
    timeout_s: float = 600.0
    once: bool = True

    async def ask(self, turn: Mapping[str, Any], environ: Mapping[str, str]) -> WrittenAnswer:
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
        try:
            return read_written(output)
        except AnswerUnreadable as error:
            raise self._lost(f"{place}: {error}") from None

    def _lost(self, text: str) -> AgentFailed | AgentInterrupted:
        return unanswered(text, once=self.once)


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
