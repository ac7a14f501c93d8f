"""Login with a QR code, step by step, with a phone that scans, confirms, declines or does nothing."""

from __future__ import annotations

import asyncio
import json
import struct
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from random import Random
from typing import Any

import pytest
from aiohttp import web

from zaloweb.errors import HttpStatusError, LoginFailed, NoAnswer, SessionExpired
from zaloweb.sim.clock import ManualClock
from zaloweb.sim.http_server import Handler
from zaloweb.transport.network import Network
from zaloweb.transport.qr import Confirmed, Declined, Done, Expired, Failed, Scanned, ShowQr, Step, qr_login
from zaloweb.wire import cipher

Serve = Callable[[Handler], Awaitable[Network]]

NOW = 1_700_000_000_000
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 300, 300, 8, 6, 0, 0, 0) + b" picture"
PAGE = '<script src="https://stc-zlogin.zdn.vn/main-2.48.7.js"></script>'
QR = {
    "code": "secret-code",
    "image": "data:image/png;base64," + b64encode(PNG).decode(),
    "token": "secret-token",
}
PERSON = {"display_name": "Nguyễn Văn Ánh", "avatar": "https://avatar.example/me.jpg"}
INFO = {"uid": "8200", "zpw_enk": b64encode(bytes(16)).decode()}

Answer = web.Response | None


def told(data: object = None, code: int = 0, message: str = "") -> web.Response:
    return web.json_response({"error_code": code, "error_message": message, "data": data})


class Phone:
    """Plays Zalo's side. `replace` changes one answer; None holds the request for ever."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hung = asyncio.Event()
        self.let_go = asyncio.Event()
        self._answers: dict[str, list[Answer]] = {
            "account": [web.Response(text=PAGE)],
            "logininfo": [told({})],
            "verify-client": [told({})],
            "generate": [told(QR)],
            "waiting-scan": [told(PERSON)],
            "waiting-confirm": [told({})],
            "checksession": [
                _hop("https://jr.chat.zalo.me/jr/pushsession?token=t", "zpsid=1; Domain=zalo.me")
            ],
            "pushsession": [_hop("https://chat.zalo.me/index.html", "zpw_sek=1; Domain=.chat.zalo.me")],
            "index.html": [web.Response(text="chat")],
            "userinfo": [told({"logged": True})],
            "getServerInfo": [told({"setttings": {}})],
        }

    def replace(self, name: str, *answers: Answer) -> Phone:
        self._answers[name] = list(answers)
        return self

    async def __call__(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        self.asked.append(name)
        if name == "getLoginInfo" and name not in self._answers:
            key = cipher.login_key(request.query["zcid"], request.query["zcid_ext"])
            return told(cipher.encrypt(key, json.dumps({"error_code": 0, "data": INFO})))
        answer = self._answers[name].pop(0)
        return await self._hold() if answer is None else answer

    async def _hold(self) -> web.Response:
        self.hung.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.let_go.set()
        return web.Response()


def _hop(where: str, cookie: str) -> web.Response:
    return web.Response(status=302, headers={"location": where, "set-cookie": f"{cookie}; Path=/"})


def start(network: Network, **options: Any) -> AsyncGenerator[Step, None]:
    return qr_login(network, **{"random": Random(1), "clock": ManualClock(NOW), "pause": 0, **options})


async def all_steps(network: Network) -> list[Step]:
    async with aclosing(start(network)) as steps:
        return [step async for step in steps]


# The way through


async def test_the_steps_of_a_login(serve: Serve) -> None:
    steps = await all_steps(await serve(Phone()))
    *before, done = steps
    assert before == [
        ShowQr(PNG, "secret-code", NOW + 100_000),
        Scanned("Nguyễn Văn Ánh", "https://avatar.example/me.jpg"),
        Confirmed(),
    ]
    assert isinstance(done, Done)
    assert done.session.uid == "8200"


async def test_the_cookies_of_every_redirect_are_kept(serve: Serve) -> None:
    phone = Phone()
    steps = await all_steps(await serve(phone))
    assert isinstance(steps[-1], Done)
    assert {cookie.name for cookie in steps[-1].session.jar} == {"zpsid", "zpw_sek"}
    assert phone.asked[-6:] == [
        "checksession", "pushsession", "index.html", "userinfo", "getLoginInfo", "getServerInfo",
    ]  # fmt: skip


async def test_a_device_id_is_made_of_a_random_part_and_the_user_agent(serve: Serve) -> None:
    first, second = Phone(), Phone()
    made = []
    for phone, seed in ((first, 1), (second, 2)):
        async with aclosing(start(await serve(phone), random=Random(seed), user_agent="agent")) as steps:
            done = [step async for step in steps][-1]
            assert isinstance(done, Done)
            made.append(done.session.credentials.imei)
    one, other = (imei.rpartition("-") for imei in made)
    assert one[0] != other[0]
    assert one[2] == other[2] == "b33aed8f3134996703dc39f9a7c95783"


async def test_code_8_is_asked_again_until_the_phone_acts(serve: Serve) -> None:
    wait = [told(code=8) for _ in range(6)]
    phone = Phone()
    phone.replace("waiting-scan", *wait[:3], told(PERSON)).replace("waiting-confirm", *wait[3:], told({}))
    steps = await all_steps(await serve(phone))
    assert isinstance(steps[-1], Done)
    assert phone.asked.count("waiting-scan") == phone.asked.count("waiting-confirm") == 4


async def test_a_server_that_does_not_hold_its_answers_is_not_asked_in_a_hot_loop(serve: Serve) -> None:
    phone = Phone().replace("waiting-scan", told(code=8), told(PERSON))
    clock = ManualClock(NOW)
    async with aclosing(start(await serve(phone), clock=clock, pause=0.25)) as steps:
        assert isinstance(await anext(steps), ShowQr)
        async with asyncio.TaskGroup() as tasks:
            scanned = tasks.create_task(anext(steps))
            await clock.asleep(0.25)
            assert phone.asked.count("waiting-scan") == 1
            clock.advance(0.25)
        assert isinstance(scanned.result(), Scanned)


async def test_what_the_side_requests_answer_is_not_looked_at(serve: Serve) -> None:
    phone = Phone().replace("logininfo", web.Response(status=500)).replace("verify-client", told(code=-7))
    assert isinstance((await all_steps(await serve(phone)))[-1], Done)


# Other ends


@pytest.mark.parametrize("waiting", ["waiting-scan", "waiting-confirm"])
async def test_a_code_lives_for_100_seconds(serve: Serve, waiting: str) -> None:
    phone = Phone().replace(waiting, None)
    clock = ManualClock(NOW)
    async with aclosing(start(await serve(phone), clock=clock)) as steps, asyncio.TaskGroup() as tasks:
        told_to_us = tasks.create_task(_collect(steps))
        await phone.hung.wait()
        clock.advance(99.9)
        assert not phone.let_go.is_set()
        clock.advance(0.1)
    assert told_to_us.result()[-1] == Expired()
    await phone.let_go.wait()


async def _collect(steps: AsyncGenerator[Step, None]) -> list[Step]:
    return [step async for step in steps]


async def test_the_phone_says_no(serve: Serve) -> None:
    phone = Phone().replace("waiting-confirm", told(code=-13, message="Người dùng từ chối"))
    assert (await all_steps(await serve(phone)))[-1] == Declined()
    assert phone.asked[-1] == "waiting-confirm"


@pytest.mark.parametrize(
    ("name", "answer", "stage", "complaint"),
    [
        ("account", web.Response(text="<html>"), "page", "names no version"),
        (
            "generate",
            told(code=-2, message="Quá nhiều yêu cầu"),
            "generate",
            r"Quá nhiều yêu cầu \(code -2\)",
        ),
        ("generate", told({"code": "x", "image": "data:image/png;base64,A"}), "generate", "cannot be read"),
        ("generate", told({"code": "x"}), "generate", "another shape"),
        ("waiting-scan", told(code=-1, message="Lỗi"), "scan", r"Lỗi \(code -1\)"),
        ("waiting-confirm", told(code=-1005, message="Đăng nhập không hợp lệ."), "confirm", "-1005"),
        ("userinfo", told({"logged": False}), "account", "nobody is logged in"),
        ("userinfo", told(None), "account", "no reason"),
    ],
)
async def test_a_refusal_names_the_stage_and_what_zalo_said(
    serve: Serve, name: str, answer: web.Response, stage: str, complaint: str
) -> None:
    last = (await all_steps(await serve(Phone().replace(name, answer))))[-1]
    assert isinstance(last, Failed)
    assert last.stage == stage
    with pytest.raises(LoginFailed, match=complaint):
        raise last.error


async def test_errors_of_the_network_and_of_the_login_are_steps_too(serve: Serve) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    (last,) = await all_steps(await serve(hang_up))
    assert isinstance(last, Failed)
    assert isinstance(last.error, NoAnswer)
    last = (await all_steps(await serve(Phone().replace("userinfo", web.Response(status=503)))))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, HttpStatusError)
    last = (await all_steps(await serve(Phone().replace("getLoginInfo", told(code=102)))))[-1]
    assert isinstance(last, Failed)
    assert last.stage == "login"
    assert isinstance(last.error, SessionExpired)


@pytest.mark.parametrize("stage", ["waiting-scan", "waiting-confirm"])
@pytest.mark.parametrize(
    ("code", "message"), [(-3, "Mã hết hạn"), (-3, ""), (-1, "Mã QR đã hết hạn"), (-7, "QR code expired")]
)
async def test_a_code_that_zalo_calls_over_has_expired(
    serve: Serve, stage: str, code: int, message: str
) -> None:
    last = (await all_steps(await serve(Phone().replace(stage, told(code=code, message=message)))))[-1]
    assert last == Expired()


# Giving up


async def test_closing_gives_the_login_up_and_starting_anew_gives_a_new_code(serve: Serve) -> None:
    phone = Phone().replace("account", *(web.Response(text=PAGE) for _ in range(2)))
    phone.replace("logininfo", told({}), told({})).replace("verify-client", told({}), told({}))
    phone.replace("generate", told({**QR, "code": "first"}), told({**QR, "code": "second"}))
    network = await serve(phone)
    async with aclosing(start(network)) as steps:
        first = await anext(steps)
    assert isinstance(first, ShowQr)
    assert phone.asked[-1] == "generate"
    again = await all_steps(network)
    assert isinstance(again[0], ShowQr)
    assert again[0].code == "second"


async def test_a_cancelled_login_leaves_no_request_and_no_task_behind(serve: Serve) -> None:
    phone = Phone().replace("waiting-scan", None)
    running = asyncio.all_tasks()
    async with asyncio.TaskGroup() as tasks:
        login = tasks.create_task(all_steps(await serve(phone)))
        await phone.hung.wait()
        login.cancel()
    await phone.let_go.wait()
    assert {task for task in asyncio.all_tasks() - running if "_ring" in repr(task.get_coro())} == set()


def test_a_step_shows_no_secrets() -> None:
    assert repr(ShowQr(PNG, "secret-code", NOW)) == f"ShowQr(expires_ms={NOW})"
