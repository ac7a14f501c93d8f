"""The config in force: what becomes of an edit that cannot be tried out, and of the agents opened for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from packages.clawlane.tests.test_ops_pause import LANE, House, Installed

from clawlane.agents.echo import EchoAgent
from clawlane.agents.errors import AgentsUnusable
from clawlane.config.errors import ConfigError
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.gateway.agent_host import OpenAgents
from clawlane.gateway.config_in_force import ConfigInForce
from clawlane.gateway.reload import look
from clawlane.lane.live_agents import LiveAgents
from clawlane.ops.audit import Audit, audit
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Caller, OpError
from clawlane.ops.process import Restart, restart
from clawlane.ops.ritual.steps import Report, StepName, StepResult, StepState
from clawlane.ops.speakers import Member
from clawlane.ops.status import GetStatus, status
from clawlane.ops.verification import GetFacts, LaneFacts, Record, facts, record
from clawlane.ops.verification_state import VerificationState
from clawlane.store import inbox
from clawlane.store.events import ConfigChanged, Edit

AGENTS = "agents: { list: [{ id: 'x', default: true }] }"
ZALO = "channels: { zalouser: { dmPolicy: 'open' } }"
BY = ("cli", "config.apply")


class Opened:
    """Agents by how often they were opened, and which of them are open."""

    def __init__(self) -> None:
        self.all: list[OpenAgents] = []

    async def __call__(self, _config: Config) -> OpenAgents:
        self.all.append(OpenAgents(EchoAgent(), asyncio.Event()))
        return self.all[-1]

    @property
    def still(self) -> int:
        return sum(not one.over.is_set() for one in self.all)


def nothing(_config: Config, _names: Sequence[str]) -> None:
    """Nobody reads the log."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "state").mkdir(mode=0o700)
    return House(Paths(tmp_path / "state", tmp_path / "config.json5"))


@asynccontextmanager
async def following(
    house: House,
    open_agents: Callable[[Config], Awaitable[OpenAgents]],
    announce: Callable[[Config, Sequence[str]], None] = nothing,
) -> AsyncIterator[ConfigInForce]:
    def read() -> Config:
        return load(house.paths, Installed(house.paths), {})

    async with house.gateway() as accounts:
        live = LiveAgents(EchoAgent())
        in_force = ConfigInForce(accounts, live, read, open_agents, announce, accounts.config)
        accounts.live_config = in_force
        yield in_force


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError("no access to agents"), "PermissionError: no access to agents"),
        (ExceptionGroup("two", [ImportError("no module mcp")]), "ImportError: no module mcp"),
        (RuntimeError(), "it could not be tried out: RuntimeError"),
    ],
)
async def test_whatever_fails_while_an_edit_is_tried_out_refuses_it(
    house: House, error: Exception, line: str
) -> None:
    async def fail(_config: Config) -> OpenAgents:
        raise error

    async with following(house, fail) as in_force:
        before = in_force.applied
        house.configure(f"{{ {ZALO}, {AGENTS} }}")
        await in_force.take(look(house.paths.config_file))
        assert in_force.refused
        assert line in in_force.refused.problems[0]
        assert in_force.applied is before
        house.configure(f"{{ {ZALO} }}")
        await in_force.take(look(house.paths.config_file))
        assert in_force.refused is None


async def test_what_may_be_wrong_outside_the_file_is_tried_again_and_later_each_time(house: House) -> None:
    there = False

    async def open_agents(_config: Config) -> OpenAgents:
        if there:
            return OpenAgents(EchoAgent(), asyncio.Event())
        raise AgentsUnusable(["agents.list[0]: the key file /key cannot be read"])

    async with following(house, open_agents) as in_force:
        ctx = replace(in_force.accounts.context(Caller.CLI), plugins=Installed(house.paths))

        async def take(text: str) -> float | None:
            house.configure(text)
            return await in_force.take(look(house.paths.config_file))

        assert [await take(f"{{ {ZALO}, {AGENTS} }}") for _ in range(3)] == [2.0, 4.0, 8.0]
        told = (await status(ctx, GetStatus())).config
        assert in_force.refused is not None
        assert (told.error, told.again_ms) == (in_force.refused.problems[0], in_force.refused.again_ms)
        assert told.again_ms is not None
        assert await take(f"{{ {ZALO}, {AGENTS} }} // saved anew") == 2.0
        assert await take("{ channels: { zalouser: { dmPolicy: 'clsed' } } }") is None
        assert (await status(ctx, GetStatus())).config.again_ms is None, "only another file helps"
        assert await take(f"{{ {ZALO}, {AGENTS} }}") == 2.0
        there = True
        assert await take(f"{{ {ZALO}, {AGENTS} }}") is None
        assert in_force.refused is None


async def test_a_log_that_fails_after_the_swap_leaves_the_edit_in_force_and_told(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_config: Config, _names: Sequence[str]) -> None:
        raise OSError("disk full")

    async with following(house, Opened(), fail) as in_force:
        house.configure("{ channels: { zalouser: { dmPolicy: 'disabled' } } }")
        await in_force.take(look(house.paths.config_file))
        assert in_force.applied.source.revision == look(house.paths.config_file).revision
        assert in_force.refused is None
        account_store = in_force.accounts.supervisors[LANE].account_store
        assert account_store is not None
        await account_store.run(inbox.admit_all, [])  # what was posted before it is stored then
        with in_force.accounts.store.read() as reader:
            told = reader.events("", LANE, 100).events
        assert [one.edit for one in told if isinstance(one, ConfigChanged)] == [Edit.IN_FORCE]
    assert "the config is in force, but" in caplog.text


class Told:
    """What ends the gateway, and whether it was told to."""

    restarts = False

    def restart(self) -> None:
        self.restarts = True

    def stop(self) -> None:
        """Nobody asks for it."""


async def test_a_restart_into_a_file_that_is_gone_or_agents_that_do_not_open_is_refused(house: House) -> None:
    async def fail(_config: Config) -> OpenAgents:
        raise AgentsUnusable(["agents.list[0]: no such program", "mcp.servers.x: it is off"])

    async with following(house, fail) as in_force:
        ending = Told()
        ctx = replace(in_force.accounts.context(Caller.CLI), ending=ending)
        house.configure(f"{{ {ZALO}, {AGENTS} }}")
        with pytest.raises(OpError, match=r"no such program; mcp\.servers\.x"):
            await restart(ctx, Restart())
        house.paths.config_file.unlink()
        with pytest.raises(ConfigError, match="the file is gone"):
            await restart(ctx, Restart())
        assert not ending.restarts
        house.configure(f"{{ {ZALO} }}")
        await restart(ctx, Restart())
        assert ending.restarts


async def test_an_edit_that_waits_keeps_no_agents_open_however_often_it_is_looked_at(house: House) -> None:
    house.configure(f"{{ gateway: {{ reload: 'ask' }}, {ZALO} }}")
    opened = Opened()
    async with following(house, opened) as in_force:
        house.configure(f"{{ gateway: {{ reload: 'auto' }}, {ZALO}, {AGENTS} }}")
        for _ in range(4):
            await in_force.take(look(house.paths.config_file))
        assert in_force.waiting
        assert (len(opened.all) > 0, opened.still) == (True, 0)
        await in_force.apply(BY)
        assert opened.still == 1


WIDE = """{ gateway: { reload: 'ask' }, channels: { zalouser: {
  dmPolicy: 'open', groupPolicy: 'allowlist', groupAllowFrom: ['*'],
  groups: { '900': { requireMention: false }, '901': {} },
} } }"""
MIXED = """{ gateway: { reload: 'ask' }, channels: { zalouser: {
  dmPolicy: 'pairing', allowFrom: ['11'], groupPolicy: 'open', groupAllowFrom: ['22'],
  groups: { '900': {}, '902': {} },
} } }"""


async def test_while_an_edit_waits_proof_audit_and_ritual_speak_of_the_rules_in_force(house: House) -> None:
    house.configure(WIDE)
    async with following(house, Opened()) as in_force:
        ctx = replace(in_force.accounts.context(Caller.CLI), plugins=Installed(house.paths))
        before = await facts(ctx, GetFacts())
        await prove(ctx, before)
        assert await proven(ctx) == {VerificationState.VERIFIED}

        house.configure(WIDE.replace("'901': {}", "'901': { requireMention: false }"))
        await in_force.take(look(house.paths.config_file))
        assert (await facts(ctx, GetFacts())).waiting, "it only widens"
        assert await proven(ctx) == {VerificationState.VERIFIED}

        house.configure(MIXED)
        await in_force.take(look(house.paths.config_file))
        assert in_force.waiting
        found = await facts(ctx, GetFacts())
        assert (found.dm.value, found.allow_from, found.group.value) == ("pairing", ["11"], "allowlist")
        assert [(one.key, one.senders) for one in found.doors] == [("900", ["22"]), ("901", ["22"])]
        assert (found.mention_needed, found.mention_off) == (True, [])
        assert found.policy != before.policy
        assert await proven(ctx) == {VerificationState.POLICY_CHANGED}
        audited = await audit(ctx, Audit())
        codes = {one.code for one in audited.findings}
        assert codes.isdisjoint({"dm_open", "groups_open"}), "nothing of it is in force"
        assert {"pairing_codes", "config_waits"} <= codes
        told = {one.group: one.people for one in audited.accounts[LANE].speakers}
        assert told == {key: [Member("22", "")] for key in ("900", "901")}

        await in_force.apply(BY)
        assert (await facts(ctx, GetFacts())).policy not in (found.policy, before.policy)
        assert {one.code for one in (await audit(ctx, Audit())).findings} >= {"groups_open"}


async def prove(ctx: OpContext, facts: LaneFacts) -> None:
    """Keep the report of a ritual in which everything passed."""
    steps = tuple(StepResult(one, StepState.PASSED) for one in StepName)
    await record(ctx, Record(report=Report(LANE, 1, facts.policy, "", False, steps)))


async def proven(ctx: OpContext) -> set[VerificationState]:
    """How far the lane is proven, as the status and the audit tell it."""
    told = (await status(ctx, GetStatus())).channels["zalouser"].accounts["default"].verification.state
    return {told, (await audit(ctx, Audit())).accounts[LANE].verification.state}
