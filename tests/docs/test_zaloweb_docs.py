"""The programs of docs/zaloweb.md, run as they are printed there, each as a process against the simulator."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import get_args

import pytest

from zaloweb import Credentials, Event, Pace, Rate, Session, Zalo, ZaloError, errors, log_in
from zaloweb.calls.call import Traffic
from zaloweb.directory import GroupHandle, PersonHandle
from zaloweb.events import Content
from zaloweb.sim.event_log import Connected, Disconnected
from zaloweb.sim.faults import Error
from zaloweb.sim.server import Simulator
from zaloweb.wire import text

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "zaloweb.md").read_text(encoding="utf-8")
DEADLINE = 30.0
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c494441"
    "54789c6360c8f80f0001d30168bfc1e28f0000000049454e44ae426082"
)


def example(title: str) -> str:
    """The program under this heading."""
    (program,) = re.findall(rf"^## {title}\n.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return program


class Program:
    """A running example."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self, words: str) -> str:
        """The next line with these words."""
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            while line := (await self._process.stdout.readline()).decode():
                if words in line:
                    return line.strip()
        raise AssertionError(f"the program ended without saying {words!r}")

    async def ends(self) -> None:
        """Wait until it ends by itself, without an error."""
        async with asyncio.timeout(DEADLINE):
            assert await self._process.wait() == 0


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@asynccontextmanager
async def running(title: str, sim: Simulator, folder: Path) -> AsyncIterator[Program]:
    """The example under this heading, as a process in a folder of its own."""
    program = folder / "program.py"
    program.write_text(example(title), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-u",
        "-X",
        "utf8",
        "-W",
        "error",
        program.name,
        cwd=folder,
        env=sim.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def save_session(sim: Simulator, folder: Path) -> None:
    """What the first example leaves behind."""
    session = await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network)
    (folder / "session.json").write_bytes(session.to_json())


async def test_it_logs_in_and_keeps_the_session(sim: Simulator, tmp_path: Path) -> None:
    async with running("1. Log in", sim, tmp_path) as program:
        await program.says("scan qr.png")
        assert (tmp_path / "qr.png").read_bytes().startswith(b"\x89PNG")
        sim.world.phone.scan()
        await program.says(f"{sim.world.me.name}, please confirm")
        sim.world.phone.confirm()
        await program.says(f"logged in as {sim.world.me.uid}")
        await program.ends()
    file = tmp_path / "session.json"
    assert Session.from_json(file.read_bytes()).uid == sim.world.me.uid
    assert file.stat().st_mode & 0o077 == 0


async def test_it_answers_people_and_not_itself(sim: Simulator, tmp_path: Path) -> None:
    await save_session(sim, tmp_path)
    lan = sim.world.person("Trần Thị Lan")
    async with running("2. Answer", sim, tmp_path):
        await sim.world.arrived(Connected, deadline=DEADLINE)
        for words in ("chào", "khoẻ không?"):
            await lan.says(words)
            sent = await sim.world.next_sent(deadline=DEADLINE)
            assert (sent.thread_id, sent.text) == (lan.uid, f"you said: {words}")
    assert len(sim.world.sent) == 2


async def test_it_names_somebody_and_cuts_a_long_text(sim: Simulator, tmp_path: Path) -> None:
    await save_session(sim, tmp_path)
    lan = sim.world.person("Trần Thị Lan")
    work = sim.world.group("Nhóm Làm Việc", [lan])
    minutes = "Biên bản 🎉 cuộc họp.\n\n" * 200
    (tmp_path / "minutes.txt").write_text(minutes, encoding="utf-8")
    async with running("3. Send a text: mention, look, length", sim, tmp_path) as program:
        first = await sim.world.next_sent(deadline=DEADLINE)
        await program.says(f"sent as {first.msg_id}")
        await program.ends()
    assert (first.thread_id, first.text) == (work.gid, "🎉 @Trần Thị Lan ơi, họp lúc 9 giờ nhé")
    # Zalo counts the emoji as two.
    assert [(m["uid"], m["pos"], m["len"]) for m in first.mentions] == [(lan.uid, 3, 13)]
    assert [(s["start"], s["len"], s["st"]) for s in first.styles] == [(29, 5, "b")]
    pieces = [sent.text for sent in sim.world.sent[1:]]
    assert "".join(pieces) == minutes
    title = len("Biên bản ") + 2 + len(" cuộc họp.")
    assert [sent.styles for sent in sim.world.sent[1:3]] == [[{"start": 0, "len": title, "st": "f_18"}], []]
    assert len(pieces) > 1
    assert all(text.utf16_len(piece) <= text.LIMIT for piece in pieces)


async def test_it_keeps_a_picture_and_sends_two_files(sim: Simulator, tmp_path: Path) -> None:
    await save_session(sim, tmp_path)
    world = sim.world
    lan = world.person("Trần Thị Lan")
    (tmp_path / "chart.png").write_bytes(PIXEL)
    (tmp_path / "report.pdf").write_bytes(bytes(5_000_000))
    async with running("4. Pictures and files, both ways", sim, tmp_path) as program:
        await world.arrived(Connected, deadline=DEADLINE)
        await lan.says(world.media_factory.photo(data=PIXEL))
        assert await program.says("received") == f"received {len(PIXEL)} bytes"
        await lan.says("báo cáo?")
        image, file = await world.next_sent(deadline=DEADLINE), await world.next_sent(deadline=DEADLINE)
        await program.says("5000000 of 5000000 bytes")
        await program.says(f"sent as {file.msg_id}")
    assert (tmp_path / "received.png").read_bytes() == PIXEL
    assert (image.text, image.size) == ("tháng 11", len(PIXEL))
    assert (file.msg_type, file.size) == ("share.file", 5_000_000)


async def test_it_comes_back_misses_nothing_and_stops_when_it_must(sim: Simulator, tmp_path: Path) -> None:
    await save_session(sim, tmp_path)
    saved = (tmp_path / "session.json").read_bytes()
    world = sim.world
    lan = world.person("Trần Thị Lan")
    await lan.says("before the program was there")
    async with running("5. When things go wrong", sim, tmp_path) as program:
        await world.arrived(Connected, deadline=DEADLINE)
        await lan.says("một")
        assert (await world.next_sent(deadline=DEADLINE)).text == "read: một"

        last = world.log.last
        await sim.drop(1006)
        await program.says("disconnected (1006)")
        await world.arrived(Disconnected, after=last, deadline=DEADLINE)
        await lan.says("hai")
        assert (await world.next_sent(deadline=DEADLINE)).text == "read: hai"

        world.faults.add(Error(call="message/sms", code=123, message="not a friend"))
        await lan.says("này")
        await program.says("not answered: send text: not a friend (code 123)")

        world.refresh_cookies()
        await lan.says("ba")
        assert (await world.next_sent(deadline=DEADLINE)).text == "read: ba"

        await sim.kick()
        assert await program.says("Zalo ended this session") == f"{errors.Kicked()}: {errors.Kicked.help}"
        await program.ends()
    assert len(world.sent) == 3
    assert (tmp_path / "session.json").read_bytes() != saved


async def test_it_tells_of_the_calls_that_it_makes(sim: Simulator, tmp_path: Path) -> None:
    await save_session(sim, tmp_path)
    async with running("Trace", sim, tmp_path) as program:
        for call in ("getLoginInfo", "getServerInfo", "friends"):
            assert "status=200, code=0" in await program.says(call)
        await program.ends()


async def test_it_is_tested_against_the_simulator(tmp_path: Path) -> None:
    (tmp_path / "test_greeting.py").write_text(example("6. Test a program"), encoding="utf-8")
    scope = "asyncio_default_fixture_loop_scope=function"
    words = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-o", scope, "test_greeting.py"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", *words, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DEADLINE):
        told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    assert b"1 passed" in told


async def test_its_commands_are_those_of_the_program() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "zaloweb", "--help", stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DEADLINE):
        told, _ = await process.communicate()
    commands = set(re.findall(r"^    (\w+) ", told.decode(), re.MULTILINE))
    assert commands == set(re.findall(r"^python -m zaloweb (\w+)", PAGE, re.MULTILINE))


def test_the_pace_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (actions|queries) \|.*\| (.*) \|$", PAGE, re.MULTILINE)
    spans = {"minute": 60, "hour": 3600, "day": 86_400}
    told = {}
    for kind, limits in rows:
        found = re.findall(r"(\d+) (?:in (\d+) seconds|an? (\w+))", limits)
        told[Traffic[{"actions": "ACTION", "queries": "QUERY"}[kind]]] = tuple(
            Rate(int(calls), int(seconds) if seconds else spans[span]) for calls, seconds, span in found
        )
    assert Pace.cautious().rates == {**told, Traffic.TRANSFER: ()}


def test_what_is_public_is_named_on_the_page_about_stability() -> None:
    page = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
    for name in re.findall(r"`(zaloweb(?:\.\w+)*)`", page):
        assert resolve_name(name) is not None


def test_everything_an_account_can_do_is_in_the_table() -> None:
    (table,) = re.findall(r"^## What an account can do\n(.*?)\n## ", PAGE, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)(?:\(id\))?`", table))
    for kind in (Zalo, PersonHandle, GroupHandle):
        assert {name for name in dir(kind) if not name.startswith("_")} - {"id"} <= named


def test_every_event_is_in_the_table() -> None:
    (table,) = re.findall(r"^## Events\n\n(.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
    named = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()))
    assert sorted(named) == sorted(event.__name__ for event in get_args(Event))
    assert all(f"`{content.__name__}`" in PAGE for content in get_args(Content))


def test_the_errors_are_drawn_as_in_the_code() -> None:
    (drawn,) = re.findall(r"^## Errors\n\n```\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert drawn.strip() == textwrap.dedent((inspect.getdoc(errors) or "").split("\n\n")[1])
    defined = [
        name
        for name, held in vars(errors).items()
        if inspect.isclass(held) and issubclass(held, ZaloError) and held.__module__ == errors.__name__
    ]
    assert sorted(re.findall(r"^[│├└─ ]*([A-Z]\w+)", drawn, re.MULTILINE)) == sorted(defined)
