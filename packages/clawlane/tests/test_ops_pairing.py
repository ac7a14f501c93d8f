"""Pairing by operations in a process of their own, beside a gateway and without one."""

from __future__ import annotations

import pytest
from packages.clawlane.tests.ops_alone import NOW, context, owned

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.config.paths import Paths
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.ops.context import on_account
from clawlane.ops.pairing import Approve, Requests, approve, requests
from clawlane.store import inbox
from clawlane.store.errors import PairingUnknown, StoreOwned
from clawlane.store.models import NewMessage
from clawlane.store.people import Approved, PairingRequest

ASKS = Decision(
    Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("channels.zalouser.dmPolicy", "built-in", 0)
)


async def waiting(paths: Paths, channel: str = "zalouser") -> list[PairingRequest]:
    async with context(paths) as ctx:
        return await requests(ctx, Requests(channel))


async def let_in(paths: Paths, code: str) -> Approved:
    async with context(paths) as ctx:
        return (await approve(ctx, Approve("zalouser", code))).approved


async def test_requests_are_listed_and_approved_without_a_gateway(paths: Paths) -> None:
    assert await waiting(paths) == []
    with pytest.raises(PairingUnknown, match="openclaw pairing list zalouser"):
        await let_in(paths, "ABCD2345")
    assert not paths.store.exists()
    async with owned(paths) as account_store:
        message = Inbound("default", "m1", Thread(ThreadKind.DM, "11"), "11", "name of 11", "xin chào", NOW)
        await account_store.run(inbox.admit_all, [NewMessage(message, ASKS, PairingReply.CODE, NOW)])
        [request] = await waiting(paths)
        with pytest.raises(StoreOwned, match="another gateway runs"):
            await let_in(paths, request.code)
    assert on_account([request], "zalouser", "work") == []
    assert await waiting(paths, "telegram") == []
    approved = await let_in(paths, f" {request.code.lower()} ")
    assert approved.sender_id == "11"
    with pytest.raises(PairingUnknown, match=r"was used before: it let in name of 11 \(11\) on"):
        await let_in(paths, request.code)


async def test_a_code_that_waits_on_two_accounts_is_approved_on_neither(paths: Paths) -> None:
    for account in ("default", "work"):
        async with owned(paths, f"zalouser/{account}") as account_store:
            message = Inbound(account, "m1", Thread(ThreadKind.DM, "11"), "11", "Lan", "xin chào", NOW)
            await account_store.run(inbox.admit_all, [NewMessage(message, ASKS, PairingReply.CODE, NOW)])
    async with context(paths) as ctx:
        await ctx.change_store(lambda db, _: db.execute("UPDATE pairing SET code = 'ABCD2345'"))
    with pytest.raises(PairingUnknown, match="several accounts: zalouser/default, zalouser/work; name one"):
        await let_in(paths, "ABCD2345")
    assert len(await waiting(paths)) == 2
