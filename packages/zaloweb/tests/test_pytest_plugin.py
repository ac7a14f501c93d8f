"""The fixture of the simulator, used as other people's tests use it: by a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLUGIN = 'pytest_plugins = ["zaloweb.sim.pytest_plugin"]\n'

ASYNC = """
import asyncio
from contextlib import aclosing

import pytest

from zaloweb import Connected, Message, Zalo, log_in


async def answer(session):
    async with Zalo(session) as zalo, aclosing(zalo.events()) as events:
        async for event in events:
            if isinstance(event, Message) and not event.is_self:
                await zalo.send_text(event.thread, f"you said: {event.text}")


async def test_it_answers(zalo_sim):
    answering = asyncio.create_task(answer(await log_in(zalo_sim.credentials())))
    await zalo_sim.next("connected")
    for words in ("xin chào", "khoẻ không?"):
        zalo_sim.control("/say", {"from": "Trần Thị Lan", "text": words})
        assert (await zalo_sim.next("sent"))["text"] == f"you said: {words}"
    answering.cancel()
    await asyncio.wait([answering])  # it closes its connections, which a second cancel would cut short


async def test_each_test_has_a_fresh_one(zalo_sim):
    assert [one["kind"] for one in zalo_sim.control("/arrived")["arrived"]] == []
    with pytest.raises(TimeoutError):
        await zalo_sim.next("sent", deadline=0.1)
"""

SYNC = """
import asyncio
import os
import subprocess
import sys

import pytest

from zaloweb import log_in


def test_without_a_loop(zalo_sim):
    session = asyncio.run(log_in(zalo_sim.credentials(), network=zalo_sim.network))
    assert session.uid in {one["uid"] for one in zalo_sim.control("/world")["accounts"]}
    assert os.environ["ZALOWEB_NETWORK"] == zalo_sim.environment["ZALOWEB_NETWORK"]


def test_what_it_refuses_is_told(zalo_sim):
    with pytest.raises(ValueError, match="/say: .*Nobody"):
        zalo_sim.control("/say", {"from": "Nobody", "text": "x"})


def test_the_environment_is_restored():
    assert "ZALOWEB_NETWORK" not in os.environ
"""


def test_a_program_is_tested_against_the_simulator(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(PLUGIN)
    (tmp_path / "test_async.py").write_text(ASYNC)
    (tmp_path / "test_sync.py").write_text(SYNC)
    assert "5 passed" in run(tmp_path)


def test_it_is_not_there_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / "test_none.py").write_text(
        "import sys\n\ndef test_none():\n"
        "    assert not any(name.startswith('zaloweb') for name in sys.modules)\n"
    )
    assert "1 passed" in run(tmp_path)


def run(folder: Path) -> str:
    scope = "asyncio_default_fixture_loop_scope=function"
    words = ["-W", "error", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-o", scope, "."]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
