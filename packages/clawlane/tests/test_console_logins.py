"""What browsers begin and nobody looks at any more, and how many may watch one thing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from aiohttp import web

from clawlane.capabilities import ShowQr
from clawlane.clock import now_ms
from clawlane.console.logins import AccountLogin, Stage
from clawlane.console.watching import MOST_READERS, Watched
from clawlane.ops.accounts import FoundAccount
from clawlane.ops.login import LogIn, LoginEvent

FOUND = FoundAccount("zalouser", "default", "default", "--channel zalouser", 1)


class Asks:
    """A lane on which a code is shown that nobody scans."""

    def __init__(self) -> None:
        self.open = 0
        self.asked: list[LogIn] = []

    @asynccontextmanager
    async def follow(self, request: LogIn) -> AsyncIterator[AsyncIterator[LoginEvent]]:
        async def events() -> AsyncIterator[LoginEvent]:
            yield ShowQr(b"png", now_ms() + 100_000)
            await asyncio.Event().wait()

        self.asked.append(request)
        self.open += 1
        try:
            yield events()
        finally:
            self.open -= 1


async def until(login: AccountLogin, stage: Stage) -> None:
    async with asyncio.timeout(10):
        while login.stage is not stage:
            await login.other_than(login.version, 10)


async def test_a_login_that_nobody_looks_at_is_ended_and_one_that_is_watched_goes_on() -> None:
    asks = Asks()
    login = AccountLogin(asks, FOUND, alone_s=0.01)  # type: ignore[arg-type]
    with login.reading():
        login.begin(force=False)
        await until(login, Stage.CODE)
        picture = login.picture
        login.begin(force=True)  # there is one
        await login.other_than(login.version, 0.1)
        assert (login.stage, login.picture, len(asks.asked)) == (Stage.CODE, picture, 1)
    await until(login, Stage.CANCELLED)
    assert login.code is None
    await login.cancel()
    assert asks.open == 0
    assert "Nobody looked" in login.problem[0]

    with login.reading():
        login.begin(force=True)
        await until(login, Stage.CODE)
        assert asks.asked[-1].force
        await login.cancel()
        assert (login.stage, asks.open) == (Stage.CANCELLED, 0)


def test_only_so_many_pages_watch_one_thing() -> None:
    watched = Watched()
    with ExitStack() as pages:
        for _ in range(MOST_READERS):
            pages.enter_context(watched.reading())
        with pytest.raises(web.HTTPServiceUnavailable), watched.reading():
            pass
    with watched.reading():
        pass
