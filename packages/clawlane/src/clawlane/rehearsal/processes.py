"""The processes of a rehearsal. Each ends when its stdin closes, so none outlives the command."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from clawlane.capabilities import NoSimulator, RunsSimulator
from clawlane.config.paths import Paths
from clawlane.ops.client import ControlError, gateway_runs
from clawlane.rehearsal.errors import RehearsalError
from clawlane.texts import later, locale

_START_S = 60.0
_END_S = 20.0
_LOOK_EVERY_S = 0.05
_LONGEST_LINE = 64 * 1024
_TOLD = 300
"""Characters of what a process said last."""

_NOT_INHERITED = frozenset(
    {"CLAWLANE_STATE_DIR", "CLAWLANE_CONFIG", "CLAWLANE_KEY_FILE", "NOTIFY_SOCKET", "WATCHDOG_USEC"}
)


def child_environment(added: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process without what leads to the operator's state, and with `added`."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return {**kept, "PYTHONUTF8": "1", **added}


@asynccontextmanager
async def simulator(
    channel: RunsSimulator, folder: Path, *, port: int = 0, control_port: int = 0, empty: bool = False
) -> AsyncIterator[Mapping[str, str]]:
    """A running simulator: the environment variables that lead there. Raises `NoSimulator`."""
    command = channel.simulator(folder, port=port, control_port=control_port, empty=empty)
    log = folder / "simulator.out"
    async with _running(command, child_environment({}), log, stdout=asyncio.subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_S):
                line = await process.stdout.readline()
        except TimeoutError:
            raise NoSimulator(later("the simulator did not start within {n:.0f} s", n=_START_S)) from None
        except ValueError:
            raise NoSimulator(later("the simulator did not say where it is")) from None
        if not line:
            raise NoSimulator(_last_line(log) or later("the simulator ended before it was ready"))
        yield channel.simulated(line.decode(errors="replace"))


class GatewayProcess:
    """The rehearsed gateway, which can be started and stopped again."""

    def __init__(
        self, paths: Paths, environ: Mapping[str, str], log: Path, *, agents: bool, without: Sequence[str]
    ) -> None:
        flags = [*(["--agents"] if agents else []), *(f"--without={name}" for name in without)]
        flags.append(f"--locale={locale()}")
        self._command = (sys.executable, "-m", "clawlane.rehearsal.gateway", *flags)
        self._environ = environ
        self._paths = paths
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None

    async def start(self) -> None:
        """Returns once it answers. Raises `RehearsalError` with what it said last if it ends instead."""
        self._process = await _start(self._command, self._environ, self._log)
        try:
            async with asyncio.timeout(_START_S):
                while not await self._answers():
                    if self._process.returncode is not None:
                        code = later("exit code {code}", code=self._process.returncode)
                        said = _last_line(self._log) or code
                        raise RehearsalError(later("the gateway does not start: {said}", said=said))
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            raise RehearsalError(later("the gateway was not up within {n:.0f} s", n=_START_S)) from None

    async def stop(self) -> None:
        """Ask it to end, and wait for that."""
        if self._process is not None:
            process, self._process = self._process, None
            await asyncio.shield(_end(process))

    async def _answers(self) -> bool:
        try:
            return await asyncio.to_thread(gateway_runs, self._paths)
        except ControlError:
            return False


@asynccontextmanager
async def _running(
    command: Sequence[str], environ: Mapping[str, str], log: Path, *, stdout: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await _start(command, environ, log, stdout)
    try:
        yield process
    finally:
        await asyncio.shield(_end(process))


async def _start(
    command: Sequence[str], environ: Mapping[str, str], log: Path, stdout: int | None = None
) -> asyncio.subprocess.Process:
    with open(log, "ab") as errors:  # noqa: ASYNC230 - a new file in a folder of our own
        return await asyncio.create_subprocess_exec(
            *command,
            env=dict(environ),
            stdin=asyncio.subprocess.PIPE,
            stdout=errors if stdout is None else stdout,
            stderr=errors,
            limit=_LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is for the command, which then ends them in order
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _last_line(log: Path) -> str:
    with suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()
        if lines:
            return lines[-1].removeprefix("error: ")[:_TOLD]
    return ""
