"""Programs of the operator that answer messages: how they are started, limited and ended."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
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
    """A program and what it may see. `place` is its place in the config, for errors.

    What a `silent` one prints is thrown away.
    """

    place: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    silent: bool = False

    @asynccontextmanager
    async def running(
        self, environ: Mapping[str, str], limit: int
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """The program while this is entered; leaving ends it with all that it started.

        `limit` is the longest line of its output, in bytes. Raises `AgentMisconfigured` if it does not start.
        """
        output = asyncio.subprocess.DEVNULL if self.silent else asyncio.subprocess.PIPE
        inherited = {name: environ[name] for name in INHERITED if name in environ}
        cancelled = False
        try:
            self.cwd.mkdir(mode=0o700, parents=True, exist_ok=True)
            starting = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    *self.argv,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    cwd=self.cwd,
                    env={**inherited, **self.env},
                    start_new_session=True,
                    limit=limit,
                )
            )
            # Cancelled half-way, asyncio would end the program alone, and not what it has started by then.
            cancelled = await _ended(starting)
            process = starting.result()
        except (OSError, ValueError) as error:
            if cancelled:
                raise asyncio.CancelledError from None
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise AgentMisconfigured(
                f"{self.place}.command: {self.argv[0]} does not start: {reason}"
            ) from None
        try:
            if cancelled:
                raise asyncio.CancelledError
            yield process
        finally:
            ending = asyncio.ensure_future(_end(process))
            cancelled = await _ended(ending)
            ending.result()
            if cancelled:
                raise asyncio.CancelledError

    def check(self, environ: Mapping[str, str]) -> None:
        """Look whether it could be started, without starting it. Raises `AgentMisconfigured`."""
        path = self.env.get("PATH", environ.get("PATH", os.defpath))
        name = self.argv[0]
        found = shutil.which(str(self.cwd / name) if os.sep in name else name, path=path)
        if found is None:
            raise AgentMisconfigured(
                f"{self.place}.command: {name} does not start: there is no such program that you can run"
            )
        if (interpreter := _interpreter(Path(found))) and not shutil.which(interpreter):
            raise AgentMisconfigured(
                f"{self.place}.command: {name} does not start: its first line names {interpreter},"
                " which is missing"
            )


def _interpreter(script: Path) -> str:
    """The program in the first line of a script (`#!/bin/sh`); empty for what is no script."""
    try:
        with script.open("rb") as file:
            first = file.read(256).partition(b"\n")[0].decode(errors="replace")
    except OSError:  # it may be started without being read
        return ""
    return next(iter(first[2:].split()), "") if first.startswith("#!") else ""


async def _ended(task: asyncio.Task[Any]) -> bool:
    """Returns once a task has ended, even if this is cancelled meanwhile: gives whether it was."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    return cancelled


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
