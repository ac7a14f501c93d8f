"""The plugin's way to the people of the simulator, over its real control interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from clawlane.capabilities import Cast, CastError, Done, HasCast
from clawlane.channel import Account
from clawlane_zalouser.cast import SimulatedPeople, control_port
from clawlane_zalouser.channel import ZaloUserChannel
from clawlane_zalouser.settings import ZaloUserSettings
from zaloweb.sim.control import Control
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World

WORK = Account("zalouser", "work", "work", ZaloUserSettings())
HOME = Account("zalouser", "home", "home", ZaloUserSettings())


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with Simulator(ca_file=tmp_path / "ca.pem") as sim, Control(sim.world) as control:
        monkeypatch.setenv("ZALOWEB_NETWORK", f"127.0.0.1:{sim.port},{tmp_path / 'ca.pem'}")
        monkeypatch.setenv("ZALOWEB_CONTROL", f"127.0.0.1:{control.port}")
        yield sim.world


def people(channel: ZaloUserChannel) -> Cast:
    cast = channel.cast()
    assert cast is not None
    return cast


async def log_in(channel: ZaloUserChannel, cast: Cast, account: Account) -> str:
    """The id that an account logs in as, its phone held by the cast."""

    async def last_step() -> Done:
        steps = [step async for step in channel.steps(account)]
        assert isinstance(steps[-1], Done)
        return steps[-1]

    async with asyncio.TaskGroup() as tasks:
        login = tasks.create_task(last_step())
        tasks.create_task(cast.scan(account))
    return login.result().user_id


async def test_the_phone_waits_for_the_code_and_each_account_is_somebody_else(world: World) -> None:
    channel = ZaloUserChannel()
    assert isinstance(channel, HasCast)
    cast = people(channel)
    first, second = await log_in(channel, cast, WORK), await log_in(channel, cast, HOME)
    assert first == world.me.uid
    assert second != first
    assert (await cast.enroll(HOME)).name == "home"
    assert await log_in(channel, cast, HOME) == second


async def test_everybody_is_listed_with_what_they_are(world: World) -> None:
    cast = people(ZaloUserChannel())
    await cast.group("Họp", [await cast.person("Lan", friend=True), await cast.person("Lạ")])
    assert [(one.kind, one.name, one.about) for one in await cast.everybody()] == [
        ("account", world.me.name, "not logged in, not connected"),
        ("person", "Lan", "friend"),
        ("person", "Lạ", "stranger"),
        ("group", "Họp", f"{world.me.name}, Lan, Lạ"),
    ]


async def test_people_and_groups_have_the_ids_that_were_asked_for(world: World) -> None:
    cast = people(ZaloUserChannel())
    lan = await cast.person("Lan", friend=True, id="1471383327500481391")
    assert lan == "1471383327500481391"
    assert world.me.uid in world.find_person("Lan").friend_of
    stranger = await cast.person("Lạ")
    assert await cast.group("Họp", [lan, stranger], id="5234567890123456789") == "5234567890123456789"
    assert await cast.group("Chơi", [lan]) != "5234567890123456789"
    with pytest.raises(CastError, match="has the gid"):
        await cast.group("Khác", [lan], id="5234567890123456789")
    with pytest.raises(CastError, match="is no uid"):
        await cast.person("Work Chat", id="Work Chat")


async def test_a_mention_is_put_before_a_text_that_has_none(world: World) -> None:
    cast = people(ZaloUserChannel())
    lan = await cast.person("Lan", friend=True)
    group = await cast.group("Họp", [lan])
    bare = await cast.write(WORK, lan, "mấy giờ?", group=group, mention=True)
    placed = await cast.write(WORK, lan, f"này @{world.me.name} ơi", group=group, mention=True)
    plain = await cast.write(WORK, lan, "chào")
    texts = [world.message_store.find(message) for message in (bare, placed, plain)]
    assert [message.content for message in texts] == [
        f"@{world.me.name} mấy giờ?",
        f"này @{world.me.name} ơi",
        "chào",
    ]
    assert [len(message.mentions) for message in texts] == [1, 1, 0]


async def test_what_only_zalo_has_goes_by_its_name(world: World) -> None:
    cast = people(ZaloUserChannel())
    lan = await cast.person("Lan", friend=True)
    said = await cast.act(WORK, "say", {"from": lan, "kind": "photo", "text": "hôm qua"})
    await cast.act(WORK, "undo", {"from": lan, "message": said["msgId"]})
    await cast.act(WORK, "fault", {"does": "silence"})
    assert len(world.faults.active()) == 1
    with pytest.raises(CastError, match="has no 'scan'; it has ask-friend,"):
        await cast.act(WORK, "scan", {})
    with pytest.raises(CastError, match="no client is listening"):
        await cast.cut(WORK)


async def test_what_was_seen_comes_with_its_number_once_it_is_there(world: World) -> None:
    channel = ZaloUserChannel()
    cast = people(channel)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(cast.seen(0, 10))
        tasks.create_task(log_in(channel, cast, WORK))
    assert [(one.seq, one.kind) for one in waiting.result()][:1] == [(1, "qrshown")]
    later = await cast.seen(1)
    assert {"login", "qrlogin"} <= {one.kind for one in later}
    assert later[0].seq == 2
    assert later[-1].fields["account"] == world.me.uid
    assert await cast.seen(later[-1].seq) == []


@pytest.mark.parametrize("value", ["127.0.0.1", "localhost:80", "10.0.0.1:80", "127.0.0.1:0", "127.0.0.1:x"])
def test_only_a_port_of_this_machine_is_a_control_interface(value: str) -> None:
    with pytest.raises(CastError, match=r"ZALOWEB_CONTROL: .* is not of the shape 127\.0\.0\.1:PORT"):
        control_port({"ZALOWEB_CONTROL": value})


async def test_without_a_simulator_or_its_control_interface_there_is_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZALOWEB_CONTROL", "")
    assert ZaloUserChannel().cast() is None
    monkeypatch.setenv("ZALOWEB_CONTROL", "127.0.0.1:4000")
    monkeypatch.setenv("ZALOWEB_NETWORK", "")
    assert ZaloUserChannel().cast() is None


async def test_whoever_else_answers_there_is_refused_in_one_line() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        match request.query.get("after"):
            case "1":
                return web.Response(text="[" * 100_000)
            case "2":
                return web.json_response({"arrived": [{"kind": "sent"}]})
            case "3":
                return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
        return web.Response(body=b" " * (33 * 2**20))

    app = web.Application()
    app.router.add_get("/arrived", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        cast = SimulatedPeople(runner.addresses[0][1])
        for after, words in enumerate(
            ["longer than 32 MiB", "not what it should", "no number", "not what it"]
        ):
            with pytest.raises(CastError, match=words):
                await cast.seen(after)
    finally:
        await runner.cleanup()
    with pytest.raises(CastError, match="no simulator answers at"):
        await cast.seen()
