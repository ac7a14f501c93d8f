"""Programs of the operator that answer messages: how they are started, limited and ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clawlane.agents.errors import AgentMisconfigured

INHERITED = ("PATH", "HOME", "LANG")
"""What a program gets of our environment. None of our keys, and nothing that names the state directory."""

_GRACE = 2.0
"""Seconds between asking a program to end and ending it."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program and what it may see. `place` is its place in the config, for errors."""

    place: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    @asynccontextmanager
    async def running(
        self, environ: Mapping[str, str], limit: int
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """The program while this is entered; leaving ends it with all that it started.

        `limit` is the longest line of its output, in bytes. Raises `AgentMisconfigured` if it does not start.
        """
        inherited = {name: environ[name] for name in INHERITED if name in environ}
        try:
            self.cwd.mkdir(mode=0o700, parents=True, exist_ok=True)
            process = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self.cwd,
                env={**inherited, **self.env},
                start_new_session=True,
                limit=limit,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise AgentMisconfigured(
                f"{self.place}.command: {self.argv[0]} does not start: {reason}"
            ) from None
        try:
            yield process
        finally:
            await _to_the_end(_end(process))


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do something that cancelling must not stop half-way; the cancellation comes through afterwards."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a program and its children, also if they do not want to."""
    for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _GRACE)):
        # The group may outlive the program: a child that it left behind is ended, too.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        if process.returncode is not None:
            continue
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
    # Pipes are closed once they are read to their end, which comes now that nobody holds the other one.
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(drain(stream), _GRACE)


async def drain(stream: asyncio.StreamReader) -> None:
    """Read and forget what a program writes, so that it never waits for a reader."""
    with suppress(OSError, ValueError):
        while await stream.read(64 * 1024):
            pass
