"""The recorded logins with a QR code: a timeline of requests, of what the caller is told and what he does.

Our events are steps, and what a caller does is done with the iterator: closing it is `abort`, a new one is
`retry`.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from random import Random
from typing import Any

import pytest

from vectors_harness.vector_server import (
    VectorServer,
    assert_same_error,
    playing,
    said_by_server,
    sent_in_timeline,
)
from vectors_harness.vectors import Case
from zaloweb.errors import ApiError, LoginFailed
from zaloweb.transport.qr import (
    DEFAULT_USER_AGENT,
    Declined,
    Done,
    Expired,
    Failed,
    Scanned,
    ShowQr,
    Step,
    qr_login,
)

TOLD = {
    ShowQr: "QRCodeGenerated",
    Scanned: "QRCodeScanned",
    Expired: "QRCodeExpired",
    Declined: "QRCodeDeclined",
}


@pytest.mark.family("qr")
async def test_qr_login(case: Case, differs: Callable[[str], None]) -> None:
    expected = sent_in_timeline(case)
    async with playing(case, expected) as server, asyncio.TaskGroup() as tasks:
        waits = [item["clock_moves_ms"] for item in case["timeline"] if "clock_moves_ms" in item]
        tasks.create_task(_let_time_pass(server, waits))
        player = _Caller(case, server)
        await player.play()
        if player.assert_same_end(said_by_server(case, expected)):
            differs("code")
        if player.expired_at_zalo:
            differs("expired")


async def _let_time_pass(server: VectorServer, waits: list[int]) -> None:
    for milliseconds in waits:
        await server.hung.wait()
        server.hung.clear()
        server.clock.advance(milliseconds / 1000)


class _Caller:
    """Does what the recorded caller did, and compares what it is told."""

    def __init__(self, case: Case, server: VectorServer) -> None:
        self._case = case
        self._server = server
        self._timeline = deque(item for item in case["timeline"] if "event" in item or "we_call" in item)
        self._steps: list[Step] = []
        self._aborted = False
        self._random = Random(3)

    async def play(self) -> None:
        again = True
        while again and not self._aborted:
            again = await self._one_run()

    async def _one_run(self) -> bool:
        """Follow one code. Says whether the caller wants another."""
        async with aclosing(self._start()) as steps:
            async for step in steps:
                self._steps.append(step)
                self._compare(step)
                if self._timeline and "we_call" in self._timeline[0]:
                    action = self._timeline.popleft()["we_call"]
                    self._aborted = action == "abort"
                    return True
        return False

    def _start(self) -> AsyncGenerator[Step, None]:
        agent = self._case["options"].get("userAgent", DEFAULT_USER_AGENT)
        return qr_login(
            self._server.network, random=self._random, clock=self._server.clock, user_agent=agent, pause=0
        )

    def _compare(self, step: Step) -> None:
        untold = isinstance(step, Expired) and self._over_at_zalo
        if self._case["callback"] and type(step) in TOLD and not untold:
            told = self._timeline.popleft()
            assert TOLD[type(step)] == told["event"]
            _assert_same_event(step, told["data"])
        if isinstance(step, ShowQr) and "saved_file" in self._case:
            recorded = self._case["saved_file"]
            assert len(step.png) == recorded["size"]
            assert hashlib.md5(step.png).hexdigest() == recorded["md5"]

    @property
    def expired_at_zalo(self) -> bool:
        """Whether the login ended because Zalo said that the code has run out."""
        return self._over_at_zalo and isinstance(self._steps[-1], Expired)

    @property
    def _over_at_zalo(self) -> bool:
        """Whether Zalo answers that the code has run out: what the reference tells as a failure."""
        return bool(self._case["name"] == "qr/failed/scan-refused")

    def assert_same_end(self, said: list[tuple[int | None, str]]) -> bool:
        """Says whether our error tells a code that the reference keeps to itself."""
        last = self._steps[-1]
        if "result" in self._case:
            assert isinstance(last, Done)
            assert last.session.uid == self._case["result"]["own_id"]
            self._assert_same_credentials(last)
        elif self._case["error"]["name"].endswith("Aborted"):
            assert self._aborted
        elif self._case["error"]["name"].endswith("Declined"):
            assert isinstance(last, Declined)
        elif isinstance(last, Expired):
            assert self._over_at_zalo or any("clock_moves_ms" in item for item in self._case["timeline"])
        else:
            assert isinstance(last, Failed)
            code = last.error.code if isinstance(last.error, ApiError | LoginFailed) else None
            return assert_same_error(self._case["error"], code, str(last.error), said)
        return False

    def _assert_same_credentials(self, done: Done) -> None:
        """The event of the reference that hands out the credentials is part of our last step."""
        if not self._case["callback"]:
            return
        told = self._timeline.popleft()
        assert told["event"] == "GotLoginInfo"
        assert not self._timeline
        assert done.session.credentials.user_agent == told["data"]["userAgent"]
        assert len(done.session.credentials.imei) == len(told["data"]["imei"])
        assert done.session.jar.to_list() == told["data"]["cookie"]


def _assert_same_event(step: Step, data: dict[str, Any] | None) -> None:
    if isinstance(step, ShowQr):
        assert data is not None
        assert (step.code, b64encode(step.png).decode()) == (data["code"], data["image"])
    elif isinstance(step, Scanned):
        assert data == {"avatar": step.avatar, "display_name": step.name}
