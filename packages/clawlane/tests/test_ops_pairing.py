"""Pairing by operations in a process of their own, beside a gateway and without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.channel import Manifest
from clawlane.config.choices import PairingReply
from clawlane.config.paths import Paths
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.ops.context import OpContext, on_account
from clawlane.ops.operation import Caller
from clawlane.ops.pairing import Approve, Requests, approve, requests
from clawlane.plugins.registry import Registry
from clawlane.store import inbox
from clawlane.store.account_store import AccountStore
from clawlane.store.database import open_store
from clawlane.store.errors import PairingUnknown, StoreOwned
from clawlane.store.models import Approved, NewMessage, PairingRequest

NOW = 1_700_000_000_000
ASKS = Decision(
    Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("channels.zalouser.dmPolicy", "built-in", 0)
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state", tmp_path / "config.json5")


class Installed(Registry):
    """Two channels, without their packages."""

    def find(self, name: str) -> Manifest:
        return Manifest(name, name.title(), (), "", "", frozenset())


def context(paths: Paths) -> OpContext:
    return OpContext(paths, {}, lambda: NOW, Caller.CLI, plugins=Installed(paths))


async def waiting(paths: Paths, channel: str = "zalouser") -> list[PairingRequest]:
    async with context(paths) as ctx:
        return await requests(ctx, Requests(channel))


async def let_in(paths: Paths, code: str) -> Approved:
    async with context(paths) as ctx:
        return (await approve(ctx, Approve("zalouser", code))).approved


@asynccontextmanager
async def running(paths: Paths) -> AsyncIterator[AccountStore]:
    """The store as a gateway holds it."""
    async with (
        open_store(paths.store, paths.lock_file, lambda: NOW) as store,
        store.own("zalouser/default") as account_store,
    ):
        yield account_store


async def test_requests_are_listed_and_approved_without_a_gateway(paths: Paths) -> None:
    assert await waiting(paths) == []
    with pytest.raises(PairingUnknown, match="openclaw pairing list zalouser"):
        await let_in(paths, "ABCD2345")
    assert not paths.store.exists()
    async with running(paths) as account_store:
        message = Inbound("default", "m1", Thread(ThreadKind.DM, "11"), "11", "name of 11", "xin chào", NOW)
        await account_store.run(inbox.admit_all, [NewMessage(message, ASKS, PairingReply.CODE, NOW)])
        [request] = await waiting(paths)
        with pytest.raises(StoreOwned, match="another gateway runs"):
            await let_in(paths, request.code)
    assert on_account([request], "zalouser", "work") == []
    assert await waiting(paths, "telegram") == []
    approved = await let_in(paths, f" {request.code.lower()} ")
    assert approved.sender_id == "11"
    with pytest.raises(PairingUnknown, match="was used before: it let in 11"):
        await let_in(paths, request.code)
