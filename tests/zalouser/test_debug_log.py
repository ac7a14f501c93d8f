"""What the debug log of an account says, from its login to a lost connection, and what it never says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from urllib.parse import quote

import pytest

from clawlane import capabilities
from clawlane.channel import Account, Cursor, NotSent, Phase, Refused, State
from clawlane.messages import Delivered, Fact, Inbound, Own, Person, Text, Thread, ThreadKind, Typing
from clawlane_zalouser.channel import ZaloUserChannel
from clawlane_zalouser.settings import ZaloUserSettings
from zaloweb import Session
from zaloweb.sim.faults import Error, Reset
from zaloweb.sim.people import Person as SimulatedPerson
from zaloweb.sim.server import Simulator

SAID, ANSWERED = "Bí mật của Lan", "Câu trả lời riêng tư"
FRIEND, GROUP = "Trần Thị Lan", "Nhóm kín"
ACCOUNT = Account("zalouser", "default", "default", ZaloUserSettings())


class MemoryVault:
    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    async def read(self) -> bytes | None:
        return self.secret

    async def write(self, secret: bytes) -> None:
        self.secret = secret


class Gateway:
    """The gateway as the channel sees it: takes everything, and lets a test wait for it."""

    def __init__(self, vault: MemoryVault) -> None:
        self.vault = vault
        self.admitted: asyncio.Queue[Inbound] = asyncio.Queue()
        self.facts: asyncio.Queue[Fact] = asyncio.Queue()
        self.states: asyncio.Queue[State] = asyncio.Queue()
        self.caught: asyncio.Queue[ThreadKind] = asyncio.Queue()
        self.peers: asyncio.Queue[Sequence[Person]] = asyncio.Queue()

    async def cursor(self, kind: ThreadKind) -> Cursor:
        return Cursor(0, "", 0, 0)

    async def caught_up(
        self, kind: ThreadKind, back_to_ms: int, own_ids: frozenset[str] = frozenset()
    ) -> None:
        self.caught.put_nowait(kind)

    async def admit(self, inbound: Inbound) -> None:
        self.admitted.put_nowait(inbound)

    async def observe(self, fact: Fact) -> None:
        self.facts.put_nowait(fact)

    async def keep_peers(self, people: Sequence[Person]) -> bool:
        self.peers.put_nowait(people)
        return True

    async def is_peer(self, user_id: str) -> bool:
        return False

    def report(self, state: State) -> None:
        self.states.put_nowait(state)

    async def until(self, phase: Phase) -> State:
        while (state := await self.states.get()).phase is not phase:
            pass
        return state


@pytest.fixture
async def sim(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        for name, value in simulator.environment.items():
            monkeypatch.setenv(name, value)
        yield simulator


async def log_in(sim: Simulator, channel: ZaloUserChannel) -> bytes:
    async for step in channel.steps(ACCOUNT):
        if isinstance(step, capabilities.ShowQr):
            sim.world.phone.scan()
        elif isinstance(step, capabilities.Scanned):
            sim.world.phone.confirm()
        elif isinstance(step, capabilities.Done):
            return step.secret
    raise AssertionError("the login did not end well")


async def converse(sim: Simulator, channel: ZaloUserChannel, gateway: Gateway, lan: SimulatedPerson) -> None:
    """A message in, replies out, lookups, and a connection that is lost; some of it going wrong."""
    await gateway.until(Phase.READY)
    await gateway.caught.get()
    await gateway.caught.get()
    await gateway.peers.get()
    await lan.says(SAID)
    heard = await gateway.admitted.get()
    assert heard.text == SAID
    await channel.signal(ACCOUNT, Typing(heard.thread))
    await channel.signal(ACCOUNT, Delivered(heard.thread, heard.message_id, True, heard.token))
    out = Text(heard.thread, ANSWERED, client_id="1700000000001")
    await channel.send(ACCOUNT, out)
    assert isinstance(await gateway.facts.get(), Own)
    sim.world.faults.add(Error(code=114, message=SAID, call="send text"))
    with pytest.raises(Refused):
        await channel.send(ACCOUNT, out)
    await channel.peers(ACCOUNT, gateway.vault)
    await channel.groups(ACCOUNT, gateway.vault)
    sim.world.faults.add(Reset(call="groups"))
    await channel.groups(ACCOUNT, gateway.vault)
    await sim.drop(1006)
    await gateway.until(Phase.DEGRADED)
    await gateway.until(Phase.READY)


async def test_it_tells_what_was_done_and_nothing_of_what_was_said(
    sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lan = sim.world.person(FRIEND)
    sim.world.group(GROUP, [lan])
    channel = ZaloUserChannel()
    gateway = Gateway(MemoryVault(await log_in(sim, channel)))
    assert (await channel.probe(ACCOUNT, gateway.vault)).ok
    assert len(await channel.peers(ACCOUNT, gateway.vault)) == 1
    running = asyncio.create_task(channel.run(ACCOUNT, gateway))
    try:
        await converse(sim, channel, gateway, lan)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    told = "\n".join(f"{one.name}: {one.getMessage()}" for one in caplog.records if one.name != "asyncio")
    own_id, thread = sim.world.me.uid, f"user:{lan.uid}"
    for line in (
        "clawlane_zalouser.login: zalouser/default: login by QR code: Scanned",
        "clawlane_zalouser.stored_session: zalouser/default: logged in with the stored session in ",
        "clawlane_zalouser.stored_session: zalouser/default: the session is accepted, in ",
        "clawlane_zalouser.account_session: zalouser/default: connecting (logging_in)",
        "clawlane_zalouser.account_session: zalouser/default: ready (ready)",
        "clawlane_zalouser.account_session: zalouser/default: degraded (connection_lost)",
        f"clawlane_zalouser.account_session: zalouser/default: Message in {thread}, live: True",
        "clawlane_zalouser.catch_up: catch-up dm: 0 items, complete: True, in ",
        f"clawlane_zalouser.friends: {own_id}: looked friends up in ",
        f"clawlane_zalouser.receipts: {own_id}: typing in {thread}",
        f"clawlane_zalouser.receipts: {own_id}: mark delivered in {thread}",
        f"clawlane_zalouser.outbound: {own_id}: chunk 1700000000001 to {thread}: 20 characters, ",
        f"chunk 1700000000001 to {thread}: InvalidParameters, which is Refused",
        "clawlane_zalouser.directory: zalouser/default: a lookup over the stored session",
        "clawlane_zalouser.directory: zalouser/default: a lookup over the live session",
    ):
        assert line in told
    session = Session.from_json(gateway.vault.secret)
    secrets = [SAID, ANSWERED, FRIEND, GROUP, sim.world.me.name, session.secret_key]
    secrets += [session.credentials.imei, *(cookie.value for cookie in session.jar)]
    secrets += [quote(secret) for secret in secrets]
    assert [secret for secret in secrets if secret in told] == []


async def test_nothing_is_told_while_it_is_off(sim: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    channel = ZaloUserChannel()
    gateway = Gateway(MemoryVault(await log_in(sim, channel)))
    assert (await channel.probe(ACCOUNT, gateway.vault)).ok
    with pytest.raises(NotSent):
        await channel.send(ACCOUNT, Text(Thread(ThreadKind.DM, "1"), ANSWERED, client_id="1"))
    assert [one.getMessage() for one in caplog.records if one.name.startswith("clawlane_zalouser")] == []
