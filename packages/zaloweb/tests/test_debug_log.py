"""What the debug log of a whole conversation says, and what it never says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from urllib.parse import quote

import pytest
from packages.zaloweb.tests.live_account import hearing, until

from zaloweb import (
    ICONS,
    ApiError,
    Attachment,
    CipherKey,
    Connected,
    Disconnected,
    Done,
    Mention,
    Message,
    Pace,
    Photo,
    Quoted,
    Scanned,
    Session,
    ShowQr,
    Thread,
    ThreadKind,
    Zalo,
    log_in,
    qr_login,
)
from zaloweb.sim.faults import Error, Reset
from zaloweb.sim.server import Simulator

SAID, ANSWERED, CAPTION = "Bí mật của Lan", "Câu trả lời riêng tư", "chú thích ảnh"
FILE_NAME, GROUP_NAME, NEW_NAME = "hợp-đồng.pdf", "Nhóm kín", "Tên mới của nhóm"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


async def qr_session(sim: Simulator) -> tuple[Session, str]:
    """A session from a QR code, and the code."""
    code = ""
    async with aclosing(qr_login(sim.network)) as steps:
        async for step in steps:
            if isinstance(step, ShowQr):
                code = step.code
                sim.world.phone.scan()
            elif isinstance(step, Scanned):
                sim.world.phone.confirm()
            elif isinstance(step, Done):
                return step.session, code
    raise AssertionError("the login did not end well")


async def converse(sim: Simulator, zalo: Zalo, folder: Path) -> bytes:
    """Everything once, and some of it going wrong; gives the key of the connection."""
    lan = sim.world.person("Trần Thị Lan")
    group = sim.world.group(GROUP_NAME, [lan])
    person, team = Thread(ThreadKind.USER, lan.uid), Thread(ThreadKind.GROUP, group.gid)
    async with aclosing(zalo.events()) as events:
        key = (await until(CipherKey, events)).key
        await until(Connected, events)
        await lan.says(SAID)
        heard = await until(Message, events)
        sent = await zalo.send_text(person, ANSWERED, quote=Quoted.of(heard))
        await zalo.react(person, heard, ICONS["HEART"])
        await zalo.typing(person)
        await zalo.send_text(team, f"@Lan {ANSWERED}", mentions=[Mention(lan.uid, 0, 4)])
        await zalo.send_image(person, Attachment(b"x" * 5000, "ảnh.jpg", 1, 1), caption=CAPTION)
        while not isinstance((photo := await until(Message, events)).content, Photo):
            pass
        await zalo.send_file(person, Attachment(b"x" * 5000, FILE_NAME))
        await zalo.group(group.gid).rename(NEW_NAME)
        await zalo.find_stickers("mật khẩu")
        await zalo.undo(person, sent)
        await zalo.download(photo.content.url, folder / "got.png", max_bytes=10_000_000)
        sim.world.faults.add(Reset(call="friends"))
        await zalo.friends()
        sim.world.faults.add(Error(code=114, message=SAID, call="send text"))
        with pytest.raises(ApiError):
            await zalo.send_text(person, ANSWERED)
        await sim.drop(1006)
        await until(Disconnected, events)
    return key


async def test_it_tells_what_was_done_and_nothing_of_what_was_said(
    sim: Simulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "zaloweb")
    session, code = await qr_session(sim)
    session = await log_in(session.credentials, network=sim.network)
    async with Zalo(session, network=sim.network, pace=Pace.off()) as zalo:
        key = await converse(sim, zalo, tmp_path)
    told = "\n".join(
        f"{one.name}: {one.getMessage()}" for one in caplog.records if one.name.startswith("zaloweb")
    )
    for line in (
        "transport.login: logged in as",
        "transport.qr: QR login: Scanned",
        "transport.http: send text (chat /api/message/quote): code 0",
        "transport.http: send text (chat /api/message/sms): code 114",
        "transport.http: friends: attempt 1 of 3 ended with NoAnswer",
        "realtime.socket: frame 501 in: ",
        "realtime.socket: the key came",
        "realtime.socket: closed with 1006",
        "realtime.listener: ",
        "media.upload: upload of others: 5000 bytes in 1 chunks",
        "media.download: download: ",
        "status 200",
    ):
        assert line in told
    secrets = [
        SAID,
        ANSWERED,
        CAPTION,
        FILE_NAME,
        GROUP_NAME,
        NEW_NAME,
        "mật khẩu",
        "Trần Thị Lan",
        "ảnh.jpg",
    ]
    secrets += [session.secret_key, session.credentials.imei, code, key.hex(), repr(key)]
    secrets += [cookie.value for cookie in session.jar]
    secrets += [quote(secret) for secret in secrets]
    assert [secret for secret in secrets if secret in told] == []
    assert "?" not in told
    assert "params=" not in told


async def test_nothing_is_formatted_while_it_is_off(sim: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zaloweb")
    session, _ = await qr_session(sim)
    async with Zalo(session, network=sim.network) as zalo, hearing(zalo):
        await asyncio.gather(zalo.friends(), zalo.group_ids())
    assert [one.getMessage() for one in caplog.records if one.name.startswith("zaloweb.")] == []
