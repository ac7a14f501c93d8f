"""A forked process for tests on an event loop: what `asyncio.create_subprocess_exec` is to a new one."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from subprocess import PIPE
from typing import IO, Self

from end_to_end.forks import Forked, warm


class Streamed:
    """It has a pipe for its input, one for its output and one for its errors."""

    def __init__(
        self, forked: Forked, stdin: StreamWriter, stdout: StreamReader, stderr: StreamReader
    ) -> None:
        self.pid = forked.pid
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self._code = asyncio.ensure_future(forked.ended())

    @classmethod
    async def start(cls, args: Sequence[str], env: Mapping[str, str]) -> Self:
        forked: Forked = await asyncio.to_thread(
            warm.start, args, env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        return cls(
            forked, await _writing(forked.stdin), await _reading(forked.stdout), await _reading(forked.stderr)
        )

    @property
    def returncode(self) -> int | None:
        return self._code.result() if self._code.done() else None

    def send_signal(self, number: int) -> None:
        if not self._code.done():
            with suppress(ProcessLookupError):  # it has ended, and the word of it is on its way
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        return await asyncio.shield(self._code)

    async def communicate(self) -> tuple[bytes, bytes]:
        """The rest of what it prints, once it has ended."""
        self.stdin.close()
        told, errors, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        with suppress(OSError):
            await self.stdin.wait_closed()
        return told, errors


async def _reading(end: IO[bytes] | None) -> StreamReader:
    reader = StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: StreamReaderProtocol(reader), end)
    return reader


async def _writing(end: IO[bytes] | None) -> StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(lambda: StreamReaderProtocol(StreamReader()), end)
    return StreamWriter(transport, protocol, None, loop)
