"""Pause and resume as operations: in a gateway's accounts, where they hold at once, and without a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.agents.echo import EchoAgent
from clawlane.channel import Account, Host, Manifest, Phase, State
from clawlane.config.choices import PairingReply
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.credentials.profile import Takeover
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.node_accounts import NodeAccounts
from clawlane.lane.live_agents import LiveAgents
from clawlane.messages import Inbound, Outgoing, Receipt, Reply, Text, Thread, ThreadKind
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Caller, decode, encode
from clawlane.ops.pause import BeginPause, EndPause, PauseEnded, PauseInfo, Pauses, pause, pauses, resume
from clawlane.plugins.registry import Registry
from clawlane.store import inbox
from clawlane.store.account_store import AccountStore
from clawlane.store.database import open_store
from clawlane.store.errors import PauseRefused
from clawlane.store.models import NewMessage
from clawlane.store.told import Pause, PauseLevel

LANE = "zalouser/default"
NOW = 1_700_000_000_000
MINUTE = 60_000
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
MANIFEST = Manifest("zalouser", "Zalo", ("zlu",), "clawlane.config.settings:ChannelSettings", "unused:Unused")


class Installed(Registry):
    """One channel, without its package."""

    def manifests(self) -> tuple[Manifest, ...]:
        return (MANIFEST,)

    def broken(self) -> Mapping[str, object]:  # type: ignore[override]
        return {}

    def installable(self) -> Mapping[str, str]:
        return {}


class Quiet:
    """A channel that connects, and takes whatever is sent."""

    async def run(self, account: Account, host: Host) -> None:
        host.report(State(Phase.READY, user_id="1"))
        await asyncio.Event().wait()

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        return Receipt(("r1",))

    async def signal(self, account: Account, signal: object) -> None:
        """Nobody looks."""

    def plan(self, account: Account, thread: Thread, reply: Reply) -> list[Outgoing]:
        return [Text(thread, reply.text)]


class House:
    """A state directory with one account, on a clock that goes on by a millisecond whenever it is read."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.ms = NOW
        self.configure("{ channels: { zalouser: { dmPolicy: 'open' } } }")

    def configure(self, text: str) -> None:
        self.paths.config_file.write_text(text)

    def now_ms(self) -> int:
        self.ms += 1
        return self.ms

    def alone(self) -> OpContext:
        return OpContext(self.paths, {}, self.now_ms, Caller.CLI, plugins=Installed(self.paths))

    @asynccontextmanager
    async def gateway(self, kind: type[Accounts] = Accounts) -> AsyncIterator[Accounts]:
        """The accounts of a gateway, without its control socket."""
        config = load(self.paths, Installed(self.paths), {})
        async with (
            open_store(self.paths.store, self.paths.lock_file, self.now_ms) as store,
            asyncio.TaskGroup() as group,
        ):
            accounts = kind(
                config, self.paths, store, {"zalouser": Quiet()}, LiveAgents(EchoAgent()), self.now_ms, {}
            )
            if isinstance(accounts, NodeAccounts):
                accounts.join(str)
            task = group.create_task(accounts.run())
            await accounts.begun.wait()
            yield accounts
            task.cancel()

    async def hear(self, account_store: AccountStore, count: int = 1) -> None:
        for number in range(count):
            message = Inbound(
                "default", f"m{number}", Thread(ThreadKind.DM, "11"), "11", "", "hello", self.ms
            )
            await account_store.run(inbox.admit_all, [NewMessage(message, ADMIT, PairingReply.CODE, self.ms)])

    async def stored(self) -> list[Pause]:
        return await self.alone().ask(lambda reader: reader.pauses())


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "state").mkdir(mode=0o700)
    return House(Paths(tmp_path / "state", tmp_path / "config.json5"))


async def test_without_a_gateway_a_pause_is_written_down_and_its_end_says_what_expired(house: House) -> None:
    async with house.alone() as ctx:
        begun = await pause(ctx, BeginPause("zlu", level=PauseLevel.OFFLINE))
    assert (begun.running, begun.paused) == (
        False,
        [PauseInfo(LANE, None, PauseLevel.OFFLINE, NOW + 1, None)],
    )
    async with house.alone() as ctx, ctx.own(LANE) as account_store:
        await house.hear(account_store)
    house.ms += 20 * MINUTE
    async with house.alone() as ctx:
        ended = await resume(ctx, EndPause())
        [one] = ended.resumed
        assert (ended.running, one.was, one.taken_back) == (False, begun.paused[0], False)
        assert [(expired.thread, expired.message_id) for expired in one.expired] == [("dm:11", "m0")]
        assert decode(encode(ended), PauseEnded) == ended, "it travels"
        [flushed] = (await resume(ctx, EndPause(flush=True))).resumed
        assert (flushed.was, flushed.flushed) == (None, [one.expired[0].turn])
    assert await house.stored() == []


async def test_a_pause_of_a_thread_stays_when_the_account_is_resumed(house: House) -> None:
    async with house.alone() as ctx:
        await pause(ctx, BeginPause(thread="dm:7", until_ms=NOW * 2))
        [one] = (await resume(ctx, EndPause())).resumed
    assert (one.thread, one.was) == (None, None)
    assert [(still.thread, still.until_ms) for still in one.still] == [("dm:7", NOW * 2)]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (BeginPause(account="nobody"), "there is no account 'nobody'; the accounts are: zalouser/default"),
        (BeginPause(thread="7"), "zalouser/default has read nothing from a thread '7'"),
        (BeginPause(thread="dm:7", level=PauseLevel.OFFLINE), "a thread can only be muted"),
    ],
)
async def test_what_cannot_be_paused_is_refused_and_no_store_is_made(
    house: House, request_: BeginPause, told: str
) -> None:
    async with house.alone() as ctx:
        with pytest.raises(PauseRefused, match=told):
            await pause(ctx, request_)
    assert not house.paths.store.exists()


async def test_what_is_paused_is_listed_without_what_has_ended(house: House) -> None:
    async with house.alone() as ctx:
        await pause(ctx, BeginPause(thread="dm:7"))
        await pause(ctx, BeginPause(thread="dm:8", until_ms=NOW + MINUTE))
        both = await pauses(ctx, Pauses())
        assert [(one.thread, one.until_ms) for one in both.pauses] == [("dm:7", None), ("dm:8", NOW + MINUTE)]
        assert [one.thread for one in (await pauses(ctx, Pauses(thread="dm:8"))).pauses] == ["dm:8"]
        house.ms += MINUTE
        assert [one.thread for one in (await pauses(ctx, Pauses())).pauses] == ["dm:7"]
        with pytest.raises(PauseRefused, match="there is no account 'nobody'"):
            await pauses(ctx, Pauses(account="nobody"))


async def test_an_account_that_is_named_is_taken_back_without_a_gateway_too(house: House) -> None:
    mark = profiles_in(house.paths).takeover("zalouser", "default")
    async with house.alone() as ctx:
        async with ctx.own(LANE) as owner:
            await mark.set(Takeover("1", "another client took the account over", NOW), owner)
        assert not (await resume(ctx, EndPause())).resumed[0].taken_back
        assert (await resume(ctx, EndPause(account="default"))).resumed[0].taken_back
    assert mark.read("1") is None


async def test_a_gateway_begins_with_what_is_stored_and_ends_what_ended_meanwhile(house: House) -> None:
    async with house.alone() as ctx:
        await pause(ctx, BeginPause(thread="dm:7"))
        await pause(ctx, BeginPause(until_ms=NOW + MINUTE))
    house.ms += 2 * MINUTE
    async with house.gateway() as accounts:
        account = accounts.supervisors[LANE]
        assert list(map(str, account.pauses)) == [f"{LANE} dm:7"]
        assert await house.stored() == account.pauses
        begun = await pause(accounts.context(Caller.CLI), BeginPause())
        assert begun.running
        assert list(map(str, account.pauses)) == [f"{LANE} dm:7", LANE]
        assert {str(one) for one in await house.stored()} == {f"{LANE} dm:7", LANE}


async def test_a_pause_ends_by_itself_in_a_gateway(house: House) -> None:
    async with house.gateway() as accounts:
        gate = accounts.supervisors[LANE].deps.gate
        await pause(accounts.context(Caller.CLI), BeginPause(until_ms=house.ms + 100))
        async with asyncio.timeout(60):
            while gate.pauses:
                await gate.changed()
        assert await house.stored() == []


@pytest.mark.parametrize("waiting", [0, 250, 450])
async def test_a_pause_that_begins_while_another_ends_holds(house: House, waiting: int) -> None:
    """What expires is written in batches: the new pause comes before the first, between two, or after all."""
    async with house.gateway() as accounts:
        ctx, account = accounts.context(Caller.CLI), accounts.supervisors[LANE]
        await pause(ctx, BeginPause())
        assert account.account_store is not None
        await house.hear(account.account_store, waiting)
        house.ms += 20 * MINUTE
        ended, begun = await asyncio.gather(resume(ctx, EndPause()), pause(ctx, BeginPause()))
        assert len(ended.resumed[0].expired) == waiting
        assert ended.resumed[0].still == begun.paused
        assert (await pauses(ctx, Pauses())).pauses == begun.paused
        assert await house.stored() == account.pauses
