"""`python -m zaloweb`, as a process against the simulator."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import segno
from packages.zaloweb.tests.live_account import logged_in

from zaloweb import Session
from zaloweb.sim.faults import Error
from zaloweb.sim.server import Simulator
from zaloweb.terminal_qr import half_blocks

DEADLINE = 30


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def saved(sim: Simulator, tmp_path: Path) -> Path:
    """The file of a session."""
    file = tmp_path / "zalo-session.json"
    file.write_bytes((await logged_in(sim)).to_json())
    return file


class Running:
    """The program at work."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        """The next line of its output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def says(self, words: str) -> list[str]:
        """The lines of its standard error, up to one with these words."""
        assert self.process.stderr is not None
        lines = []
        async with asyncio.timeout(DEADLINE):
            while line := (await self.process.stderr.readline()).decode():
                lines.append(line.rstrip("\n"))
                if words in line:
                    return lines
        raise AssertionError(f"never said {words!r}, but {lines}")

    async def ends(self) -> tuple[int, str, str]:
        """Exit code, and what is left of output and errors."""
        async with asyncio.timeout(DEADLINE):
            out, err = await self.process.communicate()
        return self.process.returncode or 0, out.decode(), err.decode()


def heed_ctrl_c() -> None:
    """Undo that a shell lets what it starts in the background ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@asynccontextmanager
async def program(
    sim: Simulator | None, folder: Path, *words: str, **environment: str
) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "zaloweb", *words,
        cwd=folder,
        env={**(sim.environment if sim else {}), "PYTHONUTF8": "1", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=heed_ctrl_c,
    )  # fmt: skip
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def result(
    sim: Simulator | None, folder: Path, *words: str, **environment: str
) -> tuple[int, str, str]:
    async with program(sim, folder, *words, **environment) as running:
        return await running.ends()


def is_private(file: Path) -> bool:
    return file.stat().st_mode & 0o077 == 0


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_login_shows_a_code_and_keeps_the_session(sim: Simulator, tmp_path: Path) -> None:
    async with program(sim, tmp_path, "login") as running:
        lines = await running.says("scan zalo-qr.png")
        assert sum("█" in line for line in lines) > 10
        assert (tmp_path / "zalo-qr.png").read_bytes().startswith(b"\x89PNG")
        sim.world.phone.scan()
        await running.says(f"{sim.world.me.name}, please confirm")
        sim.world.phone.confirm()
        code, out, _ = await running.ends()
    file = tmp_path / "zalo-session.json"
    assert (code, out) == (0, f"logged in as {sim.world.me.uid}; the session is in zalo-session.json\n")
    assert Session.from_json(file.read_bytes()).uid == sim.world.me.uid
    assert is_private(file)
    assert names_in(tmp_path) == ["zalo-session.json"]


async def test_a_login_that_is_declined_leaves_nothing_behind(sim: Simulator, tmp_path: Path) -> None:
    async with program(sim, tmp_path, "login") as running:
        await running.says("scan zalo-qr.png")
        sim.world.phone.scan()
        await running.says("please confirm")
        sim.world.phone.decline()
        code, out, err = await running.ends()
    assert (code, out, err) == (1, "", "error: the owner of the phone said no\n")
    assert names_in(tmp_path) == []


async def test_ctrl_c_ends_a_login(sim: Simulator, tmp_path: Path) -> None:
    async with program(sim, tmp_path, "login") as running:
        await running.says("scan zalo-qr.png")
        running.process.send_signal(signal.SIGINT)
        assert (await running.ends())[0] == 130
    assert names_in(tmp_path) == []


async def test_whoami_tells_the_account(sim: Simulator, saved: Path, tmp_path: Path) -> None:
    me = sim.world.me
    code, out, err = await result(sim, tmp_path, "whoami")
    assert (code, out) == (0, f"{me.name} ({me.uid})\n")
    assert err.startswith("rehearsal: ")
    code, out, _ = await result(sim, tmp_path, "whoami", "--json", "--session", str(saved))
    assert json.loads(out) == {"id": me.uid, "name": me.name}
    assert is_private(saved)


async def test_listen_prints_a_line_for_each_event(sim: Simulator, saved: Path, tmp_path: Path) -> None:
    lan = sim.world.person("Lan")
    async with program(sim, tmp_path, "listen") as running:
        assert (await running.line()) == "Connected"
        await lan.says("xin chào\x1b[2J\nhai")
        assert (await running.line()) == f"user:{lan.uid} Lan: xin chào\\u001b[2J\\u000ahai"
        await lan.types()
        assert (await running.line()) == f"user:{lan.uid} Typing"
        running.process.send_signal(signal.SIGINT)
        assert (await running.ends())[0] == 130


async def test_listen_prints_json_without_the_key(sim: Simulator, saved: Path, tmp_path: Path) -> None:
    lan = sim.world.person("Lan")
    async with program(sim, tmp_path, "listen", "--json") as running:
        assert json.loads(await running.line())["type"] == "Connected"
        await lan.says("xin chào 👋")
        told: dict[str, Any] = json.loads(await running.line())
        assert told["thread"] == {"type": "Thread", "kind": "user", "id": lan.uid}
        assert (told["type"], told["kind"], told["text"]) == ("Message", "text", "xin chào 👋")
        assert told["content"] == {"type": "TextContent", "text": "xin chào 👋"}
        assert (told["sender_id"], told["is_self"], told["quote"]) == (lan.uid, False, None)
        assert "wire" not in told


async def test_listen_ends_when_the_account_is_taken_over(
    sim: Simulator, saved: Path, tmp_path: Path
) -> None:
    async with program(sim, tmp_path, "listen") as running:
        await running.line()
        await sim.kick()
        assert (await running.line()).startswith("Disconnected: 3003")
        code, _, err = await running.ends()
    assert code == 1
    assert err.splitlines()[-1] == "error: Zalo ended this session (close code 3003); log in again"


def stand_still_until_over(pid: int) -> None:
    """Let nothing happen in this process, where the simulator is, as long as another one runs."""
    end = time.monotonic() + DEADLINE
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end, "the program does not end"
        time.sleep(0.01)


async def test_a_server_that_stands_still_keeps_nothing_open(
    sim: Simulator, saved: Path, tmp_path: Path
) -> None:
    async with program(sim, tmp_path, "listen") as running:
        await running.line()
        kicking = asyncio.ensure_future(sim.kick())
        await asyncio.sleep(0)  # the close frame is sent, and its answer is never read
        stand_still_until_over(running.process.pid)
        await kicking
        _, _, err = await running.ends()
    assert "unclosed" not in err


async def test_a_reader_that_goes_away_ends_it(sim: Simulator, saved: Path, tmp_path: Path) -> None:
    lan = sim.world.person("Lan")
    async with program(sim, tmp_path, "listen") as running:
        await running.line()
        running.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        ended = asyncio.ensure_future(running.process.wait())
        async with asyncio.timeout(DEADLINE):
            while not ended.done():  # what is written before the pipe is closed is lost without an error
                await lan.says("xin chào")
                await asyncio.wait([ended], timeout=0.2)
        assert ended.result() == 1
        assert b"Traceback" not in await running.process.stderr.read()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "the following arguments are required: COMMAND"),
        (["dance"], 2, "invalid choice: 'dance'"),
        (["whoami", "--loud"], 2, "unrecognized arguments: --loud"),
        (["whoami"], 1, "there is no session in zalo-session.json: run `python -m zaloweb login` first"),
        (
            ["listen", "--session", "broken.json"],
            1,
            "broken.json: the saved session: this is not",
        ),
        (
            ["listen", "--session", "old.json"],
            1,
            "old.json: the saved session is not of version 1",
        ),
        (["whoami", "--session", "."], 1, ".: Is a directory"),
        (["login", "--qr", "nowhere/qr.png"], 1, "No such file or directory"),
    ],
)
async def test_what_makes_no_sense_is_one_clear_line(
    sim: Simulator, tmp_path: Path, words: list[str], code: int, told: str
) -> None:
    (tmp_path / "broken.json").write_text("[")
    (tmp_path / "old.json").write_text('{"version": 0}')
    ended, out, err = await result(sim, tmp_path, *words)
    assert (ended, out) == (code, "")
    assert told in err.splitlines()[-1]
    assert "Traceback" not in err


async def test_a_session_that_has_ended_is_told(sim: Simulator, saved: Path, tmp_path: Path) -> None:
    sim.world.faults.add(Error(code=102, message="expired", call="getLoginInfo"))
    code, _, err = await result(sim, tmp_path, "whoami")
    assert code == 1
    assert "log in again" in err.splitlines()[-1]


async def test_a_network_that_is_none_is_told(tmp_path: Path) -> None:
    code, _, err = await result(None, tmp_path, "whoami", ZALOWEB_NETWORK="example.com:1,x")
    assert (code, err) == (
        1,
        "error: ZALOWEB_NETWORK: 'example.com' is not allowed, only 127.0.0.1 (127.0.0.1:PORT,CAFILE)\n",
    )


async def test_nobody_else_can_read_a_session_that_was_open_to_all(
    sim: Simulator, saved: Path, tmp_path: Path
) -> None:
    os.chmod(saved, 0o644)
    await result(sim, tmp_path, "whoami")
    assert is_private(saved)


def test_a_code_is_printed_module_by_module() -> None:
    code = segno.make("https://zalo.example/code", micro=False)
    out = io.BytesIO()
    code.save(out, kind="png", scale=5, border=3)
    printed = half_blocks(out.getvalue())
    rows = [[char in light for char in line] for line in printed for light in ("█▀", "█▄")]
    inside = slice(2, 2 + len(code.matrix))
    assert [[not light for light in row[inside]] for row in rows[inside]] == [
        [bool(dark) for dark in row] for row in code.matrix
    ]


@pytest.mark.parametrize("data", [b"GIF89a", b"\x89PNG\r\n\x1a\nbroken", b""])
def test_what_is_no_code_prints_nothing(data: bytes) -> None:
    assert half_blocks(data) == []
