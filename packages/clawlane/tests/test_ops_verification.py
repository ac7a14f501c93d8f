"""What the ritual asks of a gateway: facts, evidence, a lost connection, and its kept reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from packages.clawlane.tests.test_ops_pause import LANE, NOW, House, Installed, Quiet

from clawlane.agents.echo import EchoAgent
from clawlane.channel import Account, Host
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.accounts import Accounts
from clawlane.lane.evidence import FetchedHistory
from clawlane.messages import Seen, Thread, ThreadKind
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Caller, OpError, decode, encode
from clawlane.ops.ritual.steps import Report, StepName, StepResult, StepState
from clawlane.ops.verification import (
    Fetched,
    GetEvidence,
    GetFacts,
    GetFetched,
    GetReports,
    LaneFacts,
    LookUp,
    Reconnect,
    Record,
    evidence,
    facts,
    fetched,
    look_up,
    reconnect,
    record,
    reports,
)
from clawlane.store.database import open_store

REPORT = Report(
    LANE, NOW, "0123456789abcdef", "", False, (StepResult(StepName.PROBE, StepState.PASSED, "ok"),)
)
CONFIG = """{ channels: { zalouser: {
  dmPolicy: 'pairing', allowFrom: ['11'],
  groupPolicy: 'allowlist', groupAllowFrom: ['22'],
  groups: { '900': {}, '901': { requireMention: false, allowFrom: ['33'] }, '902': { allow: false } },
} } }"""


class Dropping(Quiet):
    """A channel that can lose its connection on purpose, and past messages be asked of."""

    def __init__(self) -> None:
        self.lost = 0
        self.asked: list[ThreadKind] = []
        self.runs = asyncio.Event()

    async def run(self, account: Account, host: Host) -> None:
        self.runs.set()
        await super().run(account, host)

    async def reconnect(self, account: Account) -> bool:
        self.lost += 1
        return True

    async def look_up(self, account: Account, kind: ThreadKind) -> None:
        self.asked.append(kind)


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "state").mkdir(mode=0o700)
    made = House(Paths(tmp_path / "state", tmp_path / "config.json5"))
    made.configure(CONFIG)
    return made


@asynccontextmanager
async def running(house: House, channel: Quiet) -> AsyncIterator[OpContext]:
    """The context of the operations of a gateway that runs one account."""
    config = load(house.paths, Installed(house.paths), {})
    async with (
        open_store(house.paths.store, house.paths.lock_file, house.now_ms) as store,
        asyncio.TaskGroup() as group,
    ):
        accounts = Accounts(config, house.paths, store, {"zalouser": channel}, EchoAgent(), house.now_ms, {})
        task = group.create_task(accounts.run())
        await accounts.begun.wait()
        yield replace(accounts.context(Caller.CLI), plugins=Installed(house.paths))
        task.cancel()


async def test_the_facts_say_what_can_be_proven(house: House) -> None:
    async with running(house, Dropping()) as ctx:
        found = await facts(ctx, GetFacts())
    assert decode(encode(found), LaneFacts) == found, "they travel"
    assert (str(found), found.dm.value, found.dm.line) == (LANE, "pairing", 2)
    assert found.allow_from == ["11"]
    assert {one.key: one.senders for one in found.doors} == {"900": ["22"], "901": ["33"]}
    assert found.mention_needed
    assert found.mention_off == ["line 4 channels.zalouser.groups['901'].requireMention"]
    assert (found.can_reconnect, found.can_look_up, found.cast, found.session) == (True, True, False, "")
    assert found.echoes == ["main"]


async def test_without_a_gateway_there_are_no_facts_but_kept_reports(house: House) -> None:
    async with house.alone() as ctx:
        with pytest.raises(OpError, match="the gateway is not running"):
            await facts(ctx, GetFacts())
        assert await reports(ctx, GetReports()) == []
        assert await record(ctx, Record(report=REPORT)) == REPORT
        second = structs.replace(REPORT, at_ms=NOW + 1, stopped=True)
        await record(ctx, Record(report=second))
        assert await reports(ctx, GetReports(last=5)) == [second, REPORT]
        assert await reports(ctx, GetReports()) == [second]
        with pytest.raises(OpError, match="no report of zalouser/default to keep"):
            await record(ctx, Record(report=structs.replace(REPORT, account="zalouser/other")))


async def test_a_connection_is_lost_on_purpose_only_where_the_channel_can(house: House) -> None:
    able = Dropping()
    async with running(house, able) as ctx:
        assert await reconnect(ctx, Reconnect())
    assert able.lost == 1
    async with running(house, Quiet()) as ctx:
        with pytest.raises(OpError, match="cannot close its connection on purpose"):
            await reconnect(ctx, Reconnect())


async def test_evidence_of_a_message_and_of_a_fetch_comes_from_the_running_account(house: House) -> None:
    lan = Thread(ThreadKind.DM, "11")
    asked = GetEvidence(message_id="m1", thread_kind=lan.kind, thread_id=lan.id)
    able = Dropping()
    async with running(house, able) as ctx:
        assert (await evidence(ctx, asked)).signals == []
        assert await fetched(ctx, GetFetched()) is None
        kept = ctx.live[LANE].evidence
        kept.note_signal(Seen(lan, "m1", ""), NOW, "code 114")
        kept.note_fetched(ThreadKind.DM, FetchedHistory(NOW, NOW + 5, frozenset({"r1"})))
        found = await evidence(ctx, asked)
        assert [(one.kind, one.error) for one in found.signals] == [("seen", "code 114")]
        assert (found.in_history, found.sends, found.agent) == (False, [], "main")
        assert await fetched(ctx, GetFetched()) == Fetched(NOW, 1, []), "nothing was sent"
        await able.runs.wait()
        assert await look_up(ctx, LookUp(kind=ThreadKind.GROUP)) > NOW
        assert able.asked == [ThreadKind.GROUP]
    async with running(house, Quiet()) as ctx:
        with pytest.raises(OpError, match="cannot be asked for past messages"):
            await look_up(ctx, LookUp())
