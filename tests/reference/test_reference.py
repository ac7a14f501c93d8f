"""The reference JavaScript client, unmodified, against the simulator: the format is Zalo's and not our own.

It logs in both ways, hears a message of a person and one in a group, and sends one of each. Node and npm are
needed; the package is installed once, into `node_modules` beside this file.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from zaloweb.sim.arrived import Connected, Login, QrLogin, Refused
from zaloweb.sim.server import Simulator

pytestmark = [pytest.mark.reference, pytest.mark.timeout(180)]

HERE = Path(__file__).parent
PACKAGE = HERE / "node_modules" / "zca-js" / "package.json"
INSTALL = ["install", "--no-package-lock", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
DEADLINE = 30.0


@pytest.fixture(scope="session")
def node() -> str:
    """The node that has the pinned reference client beside it."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        _absent("node and npm are not installed")
    assert program is not None
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]["zca-js"]
    if not PACKAGE.exists() or json.loads(PACKAGE.read_text())["version"] != wanted:
        run = subprocess.run([str(npm), *INSTALL], cwd=HERE, capture_output=True, text=True, check=False)
        if run.returncode:
            _absent(f"npm could not install zca-js {wanted}: {run.stderr.strip().splitlines()[-1:]}")
    return program


def _absent(why: str) -> None:
    """Without the client there is nothing to prove: skipped on a machine, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why}, and CI must run the reference client")
    pytest.skip(why)


class ReferenceClient:
    """One node process: orders go in, and what it tells comes out in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def order(self, do: str, **more: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")

    async def tells(self, what: str) -> dict[str, Any]:
        """The next thing of this kind; others before it are passed over, but a failure is one."""
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            while line := await self._process.stdout.readline():
                told: dict[str, Any] = json.loads(line)
                if told["what"] == what:
                    return told
                assert told["what"] not in ("failed", "error"), told
        raise AssertionError(f"the client ended without telling {what}")


@asynccontextmanager
async def reference_client(
    sim: Simulator, node: str, way: Literal["qr", "cookie"]
) -> AsyncIterator[ReferenceClient]:
    process = await asyncio.create_subprocess_exec(
        node,
        "--require",
        "./preload.cjs",
        "driver.mjs",
        way,
        cwd=HERE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "SIMULATOR_PORT": str(sim.port), "NODE_EXTRA_CA_CERTS": str(sim.ca_file)},
    )
    try:
        yield ReferenceClient(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(DEADLINE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def chats(sim: Simulator, client: ReferenceClient) -> None:
    """What both ways of logging in lead to: a message of each kind in, one of each kind out."""
    world = sim.world
    lan = world.person("Trần Thị Lan")
    stranger = world.person("Phạm Quốc Bảo", friend=False)
    work = world.group("Nhóm Làm Việc", [lan])
    logged_in = await client.tells("loggedIn")
    assert logged_in["ownId"] == world.me.uid
    await client.tells("listening")
    await world.arrived(Connected)

    await stranger.says("xin chào 👋")
    heard = await client.tells("message")
    assert (heard["thread"], heard["threadId"], heard["text"]) == ("user", stranger.uid, "xin chào 👋")
    await lan.says("họp lúc 9 giờ", group=work)
    heard = await client.tells("message")
    assert (heard["thread"], heard["threadId"], heard["sender"]) == ("group", work.gid, "Trần Thị Lan")

    client.order("send", text="chào bạn", threadId=stranger.uid, thread="user")
    sent = await world.next_sent()
    assert (sent.thread, sent.thread_id, sent.text) == ("user", stranger.uid, "chào bạn")
    assert (await client.tells("sent"))["msgId"] == sent.msg_id
    assert (await client.tells("message"))["isSelf"]
    client.order("send", text="vâng ạ", threadId=work.gid, thread="group")
    sent = await world.next_sent()
    assert (sent.thread, sent.thread_id, sent.text) == ("group", work.gid, "vâng ạ")
    assert (await client.tells("message"))["msgId"] == sent.msg_id

    client.order("directory")
    there = await client.tells("directory")
    assert there["me"] == world.me.name
    assert there["friends"] == ["Trần Thị Lan"]
    assert there["groups"] == ["Nhóm Làm Việc"]
    client.order("old", thread="group")
    assert (await client.tells("old_messages"))["texts"] == ["họp lúc 9 giờ", "vâng ạ"]
    assert not [record for record in world.log.since() if isinstance(record, Refused)]


async def test_it_logs_in_with_a_qr_code_and_chats(node: str) -> None:
    async with Simulator() as sim, reference_client(sim, node, "qr") as client:
        client.order("login")
        shown = await client.tells("QRCodeGenerated")
        assert base64.b64decode(shown["image"]).startswith(b"\x89PNG")
        sim.world.phone.scan()
        assert (await client.tells("QRCodeScanned"))["name"] == sim.world.me.name
        sim.world.phone.confirm()
        await chats(sim, client)
        await sim.world.arrived(QrLogin)


async def test_it_logs_in_with_cookies_and_chats(node: str) -> None:
    async with Simulator() as sim, reference_client(sim, node, "cookie") as client:
        credentials = sim.world.credentials()
        client.order("login", credentials=credentials)
        await chats(sim, client)
        assert (await sim.world.arrived(Login)).imei == credentials["imei"]


async def test_it_hears_of_a_decline(node: str) -> None:
    async with Simulator() as sim, reference_client(sim, node, "qr") as client:
        client.order("login")
        await client.tells("QRCodeGenerated")
        sim.world.phone.scan()
        await client.tells("QRCodeScanned")
        sim.world.phone.decline()
        await client.tells("QRCodeDeclined")


async def test_a_second_client_makes_the_first_one_go(node: str) -> None:
    async with (
        Simulator() as sim,
        reference_client(sim, node, "cookie") as first,
        reference_client(sim, node, "cookie") as second,
    ):
        credentials = sim.world.credentials()
        first.order("login", credentials=credentials)
        await first.tells("listening")
        second.order("login", credentials=credentials)
        await second.tells("listening")
        assert (await first.tells("closed"))["code"] == 3000


async def test_a_kick_is_told_with_its_code(node: str) -> None:
    async with Simulator() as sim, reference_client(sim, node, "cookie") as client:
        client.order("login", credentials=sim.world.credentials())
        await client.tells("listening")
        await sim.kick()
        assert (await client.tells("closed"))["code"] == 3003
