"""The simulator as a program: the line it prints, its control interface over HTTP, and its end."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from packages.zaloweb.tests.sim_client import Bare, cookies_of

from zaloweb.sim.control import Control
from zaloweb.sim.event_log import Record
from zaloweb.sim.faults import CallFault, PushFault
from zaloweb.sim.server import ROUTES, Simulator
from zaloweb.sim.world import starting_world
from zaloweb.transport.network import Network
from zaloweb.wire.frames import Cmd


class Handle:
    """What a person with curl has."""

    def __init__(self, port: int, http: aiohttp.ClientSession) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._http = http

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        async with self._http.post(self._address + path, json=body) as answer:
            return answer.status, await answer.json()

    async def delete(self, path: str) -> tuple[int, dict[str, Any]]:
        async with self._http.delete(self._address + path) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        async with self._http.get(self._address + path, headers=headers) as answer:
            return answer.status, await answer.json()


class Program(Handle):
    """A running simulator and what it printed."""

    def __init__(
        self, process: asyncio.subprocess.Process, ready: dict[str, Any], http: aiohttp.ClientSession
    ) -> None:
        super().__init__(ready["control"], http)
        self.process = process
        self.ready = ready


async def start(*options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "zaloweb.sim",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    process = await start("--port", "0", "--control-port", "0", "--ca", str(tmp_path / "ca.pem"))
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as http:
            yield Program(process, json.loads(await process.stdout.readline()), http)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@pytest.fixture
async def control() -> AsyncIterator[Handle]:
    """The interface of the program's world, without the program around it."""
    async with Control(starting_world()) as served, aiohttp.ClientSession() as http:
        yield Handle(served.port, http)


async def test_it_prints_one_line_when_ready_and_ends_with_0(program: Program, tmp_path: Path) -> None:
    assert program.ready.keys() == {"port", "control", "ca"}
    assert Path(program.ready["ca"]) == tmp_path / "ca.pem"
    Network.loopback(program.ready["port"], program.ready["ca"])
    program.process.send_signal(signal.SIGINT)
    assert program.process.stdout is not None
    assert await program.process.stdout.read() == b""
    assert await program.process.wait() == 0


async def test_its_certificates_are_for_whatever_name_is_asked_for(program: Program) -> None:
    trust = ssl.create_default_context(cafile=program.ready["ca"])
    for name in ("chat.zalo.me", "something.else.example"):
        _, writer = await asyncio.open_connection(
            "127.0.0.1", program.ready["port"], ssl=trust, server_hostname=name
        )
        writer.close()
        await writer.wait_closed()


async def test_sigterm_ends_it_while_somebody_waits(program: Program) -> None:
    waiting = asyncio.create_task(program.get("/arrived?wait=60"))
    await program.get("/world")
    program.process.terminate()
    assert await program.process.wait() == 0
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_port_that_is_taken_is_one_clear_line(program: Program, tmp_path: Path) -> None:
    second = await start("--port", str(program.ready["port"]), "--ca", str(tmp_path / "second.pem"))
    _, told = await second.communicate()
    assert second.returncode == 1
    assert told.decode().startswith("cannot start the simulator: ")
    assert len(told.decode().splitlines()) == 1


async def test_a_certificate_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    process = await start("--ca", str(tmp_path / "nowhere" / "ca.pem"))
    _, told = await process.communicate()
    assert process.returncode == 1
    assert told.decode().startswith("cannot start the simulator: No such file or directory (")
    assert len(told.decode().splitlines()) == 1


async def test_the_world_is_shown(control: Handle) -> None:
    _, world = await control.get("/world")
    assert world["accounts"] == [
        {"uid": "8200000000000000001", "name": "Nguyễn Minh Anh", "loggedIn": False, "connected": False}
    ]
    assert {"uid": "8200000000000000004", "name": "Phạm Quốc Bảo", "friendOf": []} in world["people"]
    assert world["groups"][0]["members"] == ["Nguyễn Minh Anh", "Trần Thị Lan", "Lê Văn Hùng"]


async def test_people_and_groups_are_made_and_write(control: Handle) -> None:
    assert (await control.post("/person", name="Người Lạ", friend=False))[0] == 200
    assert (await control.post("/group", name="Gia Đình", members=["Người Lạ"]))[0] == 200
    status, told = await control.post(
        "/say",
        **{"from": "Người Lạ", "group": "Gia Đình", "text": "@Nguyễn Minh Anh ơi"},
        mentions=["Nguyễn Minh Anh"],
    )
    assert (status, told["msgId"]) == (200, "6800000000001")


async def test_a_new_friend_is_pushed_to_who_listens_and_a_stranger_is_not() -> None:
    async with Simulator() as sim, Control(sim.world) as served, Bare(sim, cookies_of(sim.world)) as client:
        socket = await client.connect()
        async with aiohttp.ClientSession() as http:
            control = Handle(served.port, http)
            await control.post("/person", name="Người Lạ", friend=False)
            _, lan = await control.post("/person", name="Trần Thị Lan")
        control_event = (await socket.event(Cmd.CONTROLS))["controls"][0]["content"]
        assert control_event == {"act_type": "fr", "act": "add", "data": lan["uid"]}
        assert [friend.uid for friend in sim.world.registry.friends(sim.world.me)] == [lan["uid"]]


async def test_hidden_members_are_counted_and_not_listed() -> None:
    async with Simulator() as sim, Control(sim.world) as served, Bare(sim, cookies_of(sim.world)) as client:
        async with aiohttp.ClientSession() as http:
            control = Handle(served.port, http)
            _, lan = await control.post("/person", name="Trần Thị Lan")
            _, group = await control.post("/group", name="Hội", members=["Trần Thị Lan"], hidden=337)
            status, error = await control.post("/group", name="Hội", hidden=-1)
        await client.login()
        asked = {"gridVerMap": json.dumps({group["gid"]: 0})}
        answer = await client.data("POST", "group", "/api/group/getmg-v2", asked)
        info = answer["gridInfoMap"][group["gid"]]
        assert info["totalMember"] == 339
        assert info["memVerList"] == [f"{sim.world.me.uid}_1", f"{lan['uid']}_1"]
        assert info["setting"]["lockViewMember"] == 1
        assert (status, "the body does not fit" in error["error"]) == (400, True)


async def test_what_arrived_is_waited_for_without_polling(program: Program) -> None:
    assert await program.get("/arrived") == (200, {"arrived": [], "last": 0})
    waiting = asyncio.create_task(program.get("/arrived?after=0&wait=20"))
    network = Network.loopback(program.ready["port"], program.ready["ca"])
    async with (
        aiohttp.ClientSession(connector=network.connector()) as client,
        client.post("https://id.zalo.me/account/authen/qr/generate") as answer,
    ):
        code = (await answer.json())["data"]["code"]
    _, told = await waiting
    assert [(record["seq"], record["kind"], record["code"]) for record in told["arrived"]] == [
        (1, "qrshown", code)
    ]
    assert await program.get("/arrived?after=1") == (200, {"arrived": [], "last": 1})
    assert (await program.post("/scan"))[0] == 200
    assert (await program.post("/decline"))[0] == 200
    assert (await program.post("/decline"))[0] == 409


async def test_credentials_are_handed_out_and_expire(control: Handle) -> None:
    status, credentials = await control.post("/credentials")
    assert (status, set(credentials)) == (200, {"imei", "cookie", "userAgent", "language"})
    assert (await control.post("/refresh-cookies"))[0] == 200
    assert (await control.post("/expire-session"))[0] == 200
    assert (await control.post("/refresh-cookies"))[0] == 409


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/scan", {}, 409, "no QR code is waiting to be scanned: start a login first"),
        ("/expire", {}, 409, "no QR code is open: start a login first"),
        ("/kick", {}, 409, "no client is listening to this account"),
        ("/kick", {"account": "Ai"}, 404, "no account is called 'Ai'; there are: Nguyễn Minh Anh"),
        ("/drop", {"code": "x"}, 400, "the body does not fit: Expected `int`, got `str` - at `$.code`"),
        ("/say", {"text": "x"}, 400, "the body does not fit: Object missing required field `from`"),
        ("/say", {"from": "Ai", "text": "x", "speed": 9}, 400, "contains unknown field `speed`"),
        ("/dance", {}, 404, "there is no /dance; docs/simulator.md lists what there is"),
        ("/world", {}, 405, "/world takes GET, HEAD"),
    ],
)
async def test_errors_are_one_clear_line(
    control: Handle, path: str, body: dict[str, Any], status: int, told: str
) -> None:
    answered, error = await control.post(path, **body)
    assert answered == status
    assert told in error["error"]
    assert "\n" not in error["error"]


async def test_two_with_one_name_are_told_apart_by_their_uids(control: Handle) -> None:
    (_, lan), (_, other) = [await control.post("/person", name="Lan") for _ in range(2)]
    status, error = await control.post("/say", **{"from": "Lan", "text": "tôi đây"})
    assert status == 409
    assert error["error"].startswith("several are called 'Lan': name the person by id, one of ")
    assert error["error"].endswith(f"{lan['uid']}, {other['uid']}")
    assert (await control.post("/say", **{"from": other["uid"], "text": "tôi đây"}))[0] == 200


async def test_numbers_in_the_query_are_checked(control: Handle) -> None:
    for query in ("after=x", "wait=-1", "wait=nan"):
        status, told = await control.get(f"/arrived?{query}")
        assert (status, "must be a number from 0 on" in told["error"]) == (400, True)


async def test_only_loopback_names_are_answered(control: Handle) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example"):
        assert (await control.get("/world", Host=host))[0] == 403
    for host in ("localhost", "LOCALHOST:1", "[::1]:1", "127.0.0.1"):
        assert (await control.get("/world", Host=host))[0] == 200


PAGE = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()


async def test_the_documented_requests_are_those_there_are() -> None:
    documented = re.findall(r"^\| `(GET|POST|DELETE) (/[a-z-]+)", PAGE, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == Control(starting_world()).requests


def test_the_documented_calls_are_those_there_are() -> None:
    answered: dict[str, list[str]] = {}
    for route in ROUTES:
        answered.setdefault(route.name, []).append(route.path)
    table = PAGE.partition("| name | paths |")[2].partition("\n\n")[0]
    documented = re.findall(r"^\| ([a-z ]+) \| (`.*`) \|$", table, re.MULTILINE)
    assert {name: re.findall(r"`(.+?)`", paths) for name, paths in documented} == answered


def test_the_documented_records_are_those_there_are() -> None:
    table = PAGE.partition("| kind | further fields |")[2].partition("\n\n")[0]
    documented = re.findall(r"^\| `(\w+)` \| ?(.*)\|$", table, re.MULTILINE)
    kinds = {kind.__struct_config__.tag: kind for kind in Record.__subclasses__()}
    assert {name for name, _ in documented} == set(kinds)
    of_all = {field.name for field in msgspec.structs.fields(Record)}
    for name, fields in documented:
        own = {field.name for field in msgspec.structs.fields(kinds[name])} - of_all
        assert own <= set(re.findall(r"`(\w+)`", fields)), name


def test_the_documented_faults_are_those_there_are() -> None:
    documented = re.findall(r"^\| `([a-z]+)` \| .*\| .* \|$", PAGE.partition("### Faults")[2], re.MULTILINE)
    faults = {one.__struct_config__.tag for kind in (CallFault, PushFault) for one in kind.__subclasses__()}
    assert {name for name in documented if name in faults} == faults


def documented_posts() -> list[Any]:
    lines = re.findall(r"^curl -s \$C(/[a-z-]+) -d '(\{.*\})'$", PAGE, re.MULTILINE)
    return [
        pytest.param(path, json.loads(body), id=f"{path} {number}")
        for number, (path, body) in enumerate(lines)
    ]


@pytest.mark.parametrize(("path", "body"), documented_posts())
async def test_the_documented_lines_work(control: Handle, path: str, body: dict[str, Any]) -> None:
    await control.post("/say", **{"from": "Trần Thị Lan", "text": "tin nhắn đầu tiên"})
    status, told = await control.post(path, **body)
    if path == "/drop":
        assert told == {"error": "no client is listening to this account"}
    else:
        assert (status, "error" in told) == (200, False), told


KINDS = [
    "text",
    "photo",
    "album",
    "gif",
    "video",
    "voice",
    "file",
    "sticker",
    "link",
    "contact",
    "location",
    "todo",
    "poll",
    "vote",
    "call",
    "banner",
    "reminder",
    "bankcard",
]


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_can_be_said(control: Handle, kind: str) -> None:
    told = {"from": "Trần Thị Lan", "group": "Nhóm Làm Việc", "kind": kind, "person": "Lê Văn Hùng"}
    status, said = await control.post("/say", **told, text="https://example.com/")
    assert (status, said["msgId"]) == (200, "6800000000003" if kind == "album" else "6800000000001")


async def test_messages_are_quoted_reacted_to_read_and_taken_back(control: Handle) -> None:
    lan = {"from": "Trần Thị Lan"}
    _, said = await control.post("/say", **lan, text="mấy giờ?")
    answer = {"from": "Nguyễn Minh Anh", "to": "Trần Thị Lan", "text": "9 giờ", "quote": said["msgId"]}
    _, answered = await control.post("/say", **answer)
    for path in ("/react", "/receive", "/see"):
        assert await control.post(path, **lan, message=answered["msgId"]) == (200, {"ok": True})
    assert await control.post("/type", **lan) == (200, {"ok": True})
    assert await control.post("/read", message=said["msgId"]) == (200, {"ok": True})
    assert await control.post("/delete", message=answered["msgId"]) == (200, {"ok": True})
    assert (await control.post("/delete", message="1"))[0] == 404
    assert (await control.post("/undo", **lan, message=answered["msgId"]))[0] == 409
    assert (await control.post("/undo", **lan, message=said["msgId"]))[0] == 200
    status, told = await control.post("/undo", **lan, message=said["msgId"])
    assert (status, told) == (404, {"error": "there is no message 6800000000001, or none any more"})
    assert await control.post("/forget", keep=0) == (200, {"ok": True})


async def test_circles_change(control: Handle) -> None:
    bao, group = "Phạm Quốc Bảo", "Nhóm Làm Việc"
    assert (await control.post("/account", name="Hoàng Gia Huy"))[0] == 200
    assert (await control.post("/ask-friend", person=bao, text="chào"))[0] == 200
    assert (await control.post("/befriend", person=bao))[0] == 200
    assert (await control.post("/unfriend", person=bao))[0] == 200
    assert (await control.post("/unfriend", person=bao))[0] == 409
    assert (await control.post("/join", group=group, person=bao))[0] == 200
    assert (await control.post("/leave", group=group, person=bao, by="Lê Văn Hùng"))[0] == 409
    assert (await control.post("/leave", group=group, person=bao, by="Nguyễn Minh Anh"))[0] == 200
    assert (await control.post("/leave", group=group, person="Trần Thị Lan"))[0] == 200
    assert (await control.post("/rename", group=group, by="Lê Văn Hùng", name="Nhóm Hai"))[0] == 200
    _, world = await control.get("/world")
    assert [(one["name"], one["members"]) for one in world["groups"]] == [
        ("Nhóm Hai", ["Nguyễn Minh Anh", "Lê Văn Hùng"])
    ]


async def test_faults_are_added_shown_and_cleared(control: Handle) -> None:
    fault = {"does": "error", "call": "sms", "code": 221, "account": "Nguyễn Minh Anh"}
    assert await control.post("/fault", **fault) == (200, {"ok": True})
    _, told = await control.get("/faults")
    (shown,) = told["faults"]
    assert (shown["does"], shown["code"], shown["account"]) == ("error", 221, "8200000000000000001")
    assert await control.delete("/faults") == (200, {"ok": True})
    assert await control.get("/faults") == (200, {"faults": []})
    assert (await control.post("/fault", does="magic"))[0] == 400
    assert (await control.post("/fault", does="error"))[0] == 400
    assert (await control.post("/fault", does="lost", account="Ai"))[0] == 404


@pytest.mark.parametrize("path", ["/half-open", "/second-listener", "/kick", "/drop"])
async def test_a_connection_that_is_not_there_cannot_be_troubled(control: Handle, path: str) -> None:
    assert (await control.post(path))[0] == 409
    assert (await control.post("/push", cmd=501))[0] == 409
    assert (await control.post("/second-login"))[0] == 200
