"""The first start of another version: what it changed is told, and what widens waits for the operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from packages.clawlane.tests.test_gateway_accounts import until
from packages.clawlane.tests.test_ops_pause import LANE, House, Installed

from clawlane import __version__
from clawlane.access.decision import Rule
from clawlane.access.policy import AccessPolicy
from clawlane.access.policy_record import policy_of, policy_text, say_the_same
from clawlane.alarm_kinds import AlarmKind
from clawlane.config.choices import DmPolicy
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.accounts import Accounts
from clawlane.ops import upgrade
from clawlane.ops.operation import Caller
from clawlane.ops.pause import BeginPause, EndPause, pause, resume
from clawlane.store import alarms
from clawlane.store.alarm_told import Raised
from clawlane.store.errors import PauseRefused
from clawlane.store.in_force import InForce, record
from clawlane.store.told import PauseLevel
from clawlane.store.transaction import Tx
from clawlane.texts import in_locale, t

BACKLOG = "channels.zalouser.backlogMaxAge"
RESEND = "channels.zalouser.resendUnknown"
TOOLS = "agents.defaults.tools.alsoAllow"
RICH = """
{
  channels: { zalouser: {
    dmPolicy: 'allowlist', allowFrom: ['111111111111', 'Lan'], groupAllowFrom: ['*'],
    groups: {
      '9001': { requireMention: false }, 'Nhóm việc': { allowFrom: ['Bình'] }, '*': { allow: false },
    },
  } },
  messages: { groupChat: { mentionPatterns: ['@bot', '\\\\bem ơi\\\\b'] } },
  commands: { ownerAllowFrom: ['222222222222'] },
}
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "state").mkdir(mode=0o700)
    return House(Paths(tmp_path / "state", tmp_path / "config.json5"))


def overwrite(tx: Tx, was: InForce) -> None:
    record(tx, was)


async def before(
    house: House, version: str = "0.0.9", policy: AccessPolicy | None = None, **settings: str
) -> None:
    """Let the account have worked by something else, as an older version would have recorded it."""
    async with house.gateway():
        pass
    async with house.alone() as ctx, ctx.own(LANE) as account_store:
        was = await ctx.ask(lambda reader: reader.in_force(LANE))
        assert was is not None
        told = policy_text(policy) if policy else was.policy
        changed = replace(was, version=version, policy=told, settings={**was.settings, **settings})
        await account_store.run(overwrite, changed)


async def epoch(accounts: Accounts) -> int:
    await accounts.supervisors[LANE].tried.wait()
    with accounts.store.read() as reader:
        [owner] = reader.owners()
    return owner.epoch


async def shown(accounts: Accounts) -> list[upgrade.UpgradeInfo]:
    return await upgrade.show(accounts.context(Caller.CLI), upgrade.GetUpgrades())


def paused(accounts: Accounts) -> list[tuple[PauseLevel, int | None]]:
    return [(one.level, one.until_ms) for one in accounts.supervisors[LANE].pauses]


async def test_a_first_start_and_a_start_of_the_same_version_say_nothing(house: House) -> None:
    for _ in range(2):
        async with house.gateway() as accounts:
            assert (await shown(accounts), paused(accounts)) == ([], [])
            found = await accounts.context(Caller.CLI).ask(lambda reader: reader.in_force(LANE))
            assert found is not None
            assert (found.version, found.settings[BACKLOG]) == (__version__, '"15m"')


async def test_each_start_claims_an_account_once_whatever_has_to_be_done_before_it_runs(house: House) -> None:
    async with house.gateway() as accounts:
        assert await epoch(accounts) == 1
    await before(house, **{RESEND: '"another"'})
    async with house.alone() as ctx:
        await pause(ctx, BeginPause(thread="dm:11", until_ms=house.ms + 1))
        with ctx.place.reading() as reader:
            [owner] = reader.owners()
    house.ms += 10
    async with house.gateway() as accounts:
        await until(lambda: [one.thread for one in accounts.supervisors[LANE].pauses] == [None])
        assert await epoch(accounts) == owner.epoch + 1


async def test_a_changed_value_is_told_and_holds_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await before(house, **{BACKLOG: '"10m"'})
    async with house.gateway() as accounts:
        [found] = await shown(accounts)
        assert (found.was_version, found.changes) == ("0.0.9", [f'{BACKLOG} was "10m", is "15m"'])
        assert (found.waits, paused(accounts)) == (False, [])
        with in_locale("vi"):
            assert t(found.changes[0]) == f'{BACKLOG} trước đây là "10m", nay là "15m"'
    assert f'since version 0.0.9: {BACKLOG} was "10m", is "15m"' in caplog.text
    async with house.gateway() as accounts:
        assert len(await shown(accounts)) == 1, "it is told until the next upgrade"


@pytest.mark.parametrize("path", [RESEND, TOOLS])
async def test_resending_and_tools_that_changed_hold_the_account(house: House, path: str) -> None:
    await before(house, **{path: '"another"'})
    async with house.gateway() as accounts:
        [found] = await shown(accounts)
        assert (found.waits, paused(accounts)) == (True, [(PauseLevel.MUTE, None)])


async def test_an_account_whose_reach_widened_is_paused_until_that_is_accepted(house: House) -> None:
    narrow = replace(
        AccessPolicy.of(config := load(house.paths, Installed(house.paths), {}), config.accounts[0]),
        dm=DmPolicy.DISABLED,
    )
    await before(house, policy=narrow)
    async with house.gateway() as accounts:
        ctx = accounts.context(Caller.CLI)
        [found] = await shown(accounts)
        assert found.changes == ["opens: DMs: anybody is answered (was: ignored)"]
        with in_locale("vi"):
            assert t(found.changes[0]).startswith("mở thêm: Tin nhắn riêng: ")
        with pytest.raises(PauseRefused, match="openclaw upgrade accept"):
            await resume(ctx, EndPause(account="default"))
        [kept] = (await resume(ctx, EndPause())).resumed
        assert (kept.was, len(kept.still)) == (None, 1)
        await pause(ctx, BeginPause(until_ms=house.ms + 1))
        await until(lambda: paused(accounts) == [(PauseLevel.MUTE, None)])
    async with house.gateway() as accounts:  # a restart does not help
        assert paused(accounts) == [(PauseLevel.MUTE, None)]
        [done] = await upgrade.accept(accounts.context(Caller.CLI), upgrade.AcceptUpgrade())
        assert (done.account, done.still, paused(accounts)) == (LANE, False, [])
        assert [one.waits for one in await shown(accounts)] == [False]
    async with house.gateway() as accounts:
        assert paused(accounts) == []


async def test_a_pause_of_the_operator_holds_on_after_that(house: House) -> None:
    await before(house, **{RESEND: '"another"'})
    async with house.alone() as ctx:
        await pause(ctx, BeginPause(level=PauseLevel.OFFLINE))
    async with house.gateway() as accounts:
        assert paused(accounts) == [(PauseLevel.OFFLINE, None)]
        [done] = await upgrade.accept(accounts.context(Caller.CLI), upgrade.AcceptUpgrade())
        assert (done.still, paused(accounts)) == (True, [(PauseLevel.OFFLINE, None)])


async def test_a_pause_that_came_while_the_account_waited_holds_on(house: House) -> None:
    await before(house, **{RESEND: '"another"'})
    async with house.gateway() as accounts:
        await pause(accounts.context(Caller.CLI), BeginPause(level=PauseLevel.OFFLINE))
    async with house.gateway() as accounts:
        [done] = await upgrade.accept(accounts.context(Caller.CLI), upgrade.AcceptUpgrade())
        assert (done.still, paused(accounts)) == (True, [(PauseLevel.OFFLINE, None)])


@pytest.mark.parametrize("while_it_waits", [False, True])
async def test_what_an_alarm_muted_stays_muted_once_the_upgrade_is_accepted(
    house: House, while_it_waits: bool
) -> None:
    await before(house, **{RESEND: '"another"'})
    if while_it_waits:
        async with house.gateway():
            pass
    async with house.alone() as ctx, ctx.own(LANE) as account_store:
        await account_store.run(alarms.apply, [Raised(AlarmKind.KICKED, {"kicks": 2})])
    async with house.gateway() as accounts:
        ctx = accounts.context(Caller.CLI)
        await upgrade.accept(ctx, upgrade.AcceptUpgrade())
        await pause(ctx, BeginPause(until_ms=house.ms + 1))
        [held] = accounts.supervisors[LANE].pauses
        assert (held.reason, held.until_ms) == ("kicked", None)
        [found] = await ctx.ask(lambda reader: reader.alarms())
        assert found.acknowledged_ms is None


async def test_it_is_accepted_without_a_gateway_too(house: House) -> None:
    await before(house, **{RESEND: '"another"'})
    async with house.gateway():
        pass
    async with house.alone() as ctx:
        assert len(await upgrade.accept(ctx, upgrade.AcceptUpgrade())) == 1
    async with house.gateway() as accounts:
        assert paused(accounts) == []


async def test_an_edit_between_two_starts_of_one_version_asks_nobody(house: House) -> None:
    house.configure("{ channels: { zalouser: { dmPolicy: 'disabled' } } }")
    async with house.gateway():
        pass
    house.configure("{ channels: { zalouser: { dmPolicy: 'open', resendUnknown: 'never' } } }")
    async with house.gateway() as accounts:
        assert (await shown(accounts), paused(accounts)) == ([], [])


async def test_nor_does_one_of_a_word_that_stands_for_two_values(house: House) -> None:
    for word in ("off", "auto"):
        house.configure(f"{{ channels: {{ zalouser: {{ outbound: '{word}' }} }} }}")
        async with house.gateway() as accounts:
            assert (await shown(accounts), paused(accounts)) == ([], [])


async def test_a_record_that_cannot_be_read_holds_the_account(house: House) -> None:
    async with house.gateway():
        pass
    async with house.alone() as ctx, ctx.own(LANE) as account_store:
        was = await ctx.ask(lambda reader: reader.in_force(LANE))
        assert was is not None
        await account_store.run(overwrite, replace(was, version="0.0.9", policy='{"dm": 7}'))
    async with house.gateway() as accounts:
        [found] = await shown(accounts)
        assert found.changes[0].startswith("who may write cannot be compared")
        assert found.waits


def test_a_policy_comes_back_from_its_record(house: House) -> None:
    house.configure(RICH)
    config = load(house.paths, Installed(house.paths), {})
    policy = AccessPolicy.of(config, config.accounts[0])
    found = policy_of(policy_text(policy))
    assert found is not None
    assert [one.source for one in found.mention_patterns] == [one.source for one in policy.mention_patterns]
    same: Mapping[str, object] = {"mention_patterns": (), "tools": None}
    assert replace(found, **same) == replace(policy, **same)  # type: ignore[arg-type]
    assert policy_of("{") is None


def test_where_a_policy_stands_is_no_difference() -> None:
    """Machines that share a store have each a file of their own."""
    here = AccessPolicy(dm_rule=Rule("dmPolicy", line=4), revision="a")
    there = AccessPolicy(dm_rule=Rule("dmPolicy", line=9), revision="b")
    assert say_the_same(policy_text(here), policy_text(there))
    assert not say_the_same(policy_text(here), policy_text(replace(there, dm=DmPolicy.OPEN)))
    assert not say_the_same(policy_text(here), policy_text(replace(there, dm_rule=Rule("allowFrom", line=4))))
