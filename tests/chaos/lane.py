"""The gateway of a story, as a process that is killed, starved of disk, and always started again."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from demo.stage import Operator

NO_LIMIT = resource.RLIM_INFINITY
_END_S = 60.0
_AGAIN_S = 0.5


class Lane:
    """`openclaw gateway run`. While `keep` runs it is started again whenever it ends.

    `deaths` are the exit codes with which it ended without being told to; `refusals` counts how often it did
    so while it could not write its files, or before it had `begun`, `kills` how often it was killed, and
    `pids` are those of all starts. Its output goes to `log`.
    """

    def __init__(
        self, operator: Operator, log: Path, command: Sequence[str] = (), begun: str = "--- start"
    ) -> None:
        """`command` stands in for `openclaw gateway run`; it works once it prints the words `begun`."""
        self.deaths: list[int] = []
        self.refusals = 0
        self.kills = 0
        self.starts = 0
        self.pids: list[int] = []
        self._command = list(command) or operator.command("gateway", "run")
        self._begun = begun
        self._operator = operator
        self._may_start = asyncio.Event()
        self._may_start.set()
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._wanted = True
        self._lines: list[str] = []
        self._news = asyncio.Condition()
        self._told = False
        self._starved = False

    async def keep(self) -> None:
        """Run it, and run it again, until `stop`. Cancelled, it is killed."""
        self._wanted = True
        try:
            while self._wanted:
                await self._may_start.wait()
                code = await self._run_once()
                if not self._told:
                    await self._note(code)
                    await asyncio.sleep(_AGAIN_S)
        finally:
            if self._process is not None and self._process.returncode is None:
                await self._abort(self._process)

    async def said(self, words: str, deadline: float) -> bool:
        """Whether a line with these words is printed from now on, within the deadline (seconds)."""
        start = len(self._lines)
        return await self._until(lambda: any(words in line for line in self._lines[start:]), deadline)

    async def started(self, deadline: float) -> bool:
        """Whether the running incarnation says that it is ready, within the deadline (seconds)."""
        return await self._until(lambda: any("is ready" in line for line in self._of_this_run()), deadline)

    def last_words(self) -> str:
        """The newest lines that it printed."""
        return "".join(self._lines[-20:])

    def forgotten(self) -> list[str]:
        """What it printed of tasks whose errors nobody asked for."""
        return [line for line in self._lines if "was never retrieved" in line]

    async def started_again(self, starts: int, deadline: float) -> bool:
        """Whether it has been started more than so many times, within the deadline (seconds)."""
        return await self._until(lambda: self.starts > starts, deadline)

    async def kill(self) -> None:
        """End it as a crash would (SIGKILL), once it runs; it comes back."""
        await self._until(lambda: self._runs, _END_S)
        self.kills += self._runs
        self._signal(signal.SIGKILL)

    def ask_to_end(self) -> None:
        """SIGTERM; it comes back."""
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it where it is (SIGSTOP), until `thaw`."""
        self._now(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._now(signal.SIGCONT)

    def rest(self) -> None:
        """Once it has ended, it does not come back before `go_on`."""
        self._may_start.clear()

    def go_on(self) -> None:
        """It is started again, now or when it ends."""
        self._may_start.set()

    async def ended(self, deadline: float) -> int | None:
        """The code with which it ends by itself from now on, which is no death; None if it does not."""
        before = len(self.deaths)
        if not await self._until(lambda: len(self.deaths) > before, deadline):
            return None
        return self.deaths.pop()

    async def stop(self) -> int:
        """SIGTERM, and it stays away. Gives its exit code; what does not end by itself is aborted."""
        self._wanted = False
        process = self._process
        assert process is not None
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_END_S):
                return await process.wait()
        except TimeoutError:
            return await self._abort(process)

    def limit_files(self, size: int) -> None:
        """This incarnation can write no file past this size (bytes) any more; `NO_LIMIT` ends that."""
        if self._process is not None and self._runs:
            self._starved = self._starved or size != NO_LIMIT
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, NO_LIMIT))

    @property
    def _runs(self) -> bool:
        """Whether there is a process that has not been told to end."""
        return self._process is not None and self._process.returncode is None and not self._told

    async def _note(self, code: int) -> None:
        async with self._news:
            began = any(self._begun in line for line in self._of_this_run())
            if (self._starved or not began) and code == 1:
                self.refusals += 1
            else:
                self.deaths.append(code)
            self._news.notify_all()

    def _now(self, number: signal.Signals) -> None:
        if self._process is not None and self._runs:
            self._process.send_signal(number)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._runs:
            self._told = True
            self._process.send_signal(number)

    async def _abort(self, process: asyncio.subprocess.Process) -> int:
        """End it at once; the log shows where it was if its faulthandler is on."""
        for number in (signal.SIGABRT, signal.SIGCONT):
            process.send_signal(number)
        if self._wanted and process.stdout is not None:  # nobody reads it any more
            with self._log.open("ab") as log:
                log.write(await process.stdout.read())
        return await process.wait()

    async def _run_once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._operator.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._told = self._starved = False
        self.starts += 1
        self.pids.append(self._process.pid)
        await self._take(f"--- start {self.starts}\n")
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            await self._take(line.decode())
        code = await self._process.wait()
        await self._take(f"--- ended with {code}\n")
        return code

    async def _take(self, line: str) -> None:
        with self._log.open("a") as log:
            log.write(line)
        async with self._news:
            self._lines.append(line)
            self._news.notify_all()

    def _of_this_run(self) -> list[str]:
        starts = [at for at, line in enumerate(self._lines) if line.startswith("--- start")]
        return self._lines[starts[-1] :] if starts else []

    async def _until(self, happened: Callable[[], bool], deadline: float) -> bool:
        try:
            async with asyncio.timeout(deadline), self._news:
                await self._news.wait_for(happened)
        except TimeoutError:
            return False
        return True
