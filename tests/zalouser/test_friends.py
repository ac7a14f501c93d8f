"""Thousands of friends are in the store of the gateway, and not in its memory."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import CoroutineType, FrameType, FunctionType, ModuleType

import pytest
from packages.clawlane.tests.lane_bench import OPEN, at_once, until
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.access.in_force import Rules
from clawlane.access.policy import Grants
from clawlane.agents.contract import TurnInput
from clawlane.channel import Account
from clawlane.clock import now_ms
from clawlane.config.choices import ResendUnknown
from clawlane.config.paths import Paths
from clawlane.config.settings import Pacing
from clawlane.lane.account_deps import AccountDeps
from clawlane.lane.gate import Gate
from clawlane.lane.live_agents import LiveAgents
from clawlane.lane.live_settings import LaneSettings, LiveSettings
from clawlane.lane.pacing import Pacer
from clawlane.lane.runner import runner
from clawlane.messages import Person, Reply
from clawlane.store.database import open_store
from clawlane_zalouser.channel import ZaloUserChannel
from clawlane_zalouser.settings import ZaloUserSettings
from zaloweb import Credentials, log_in
from zaloweb.calls.account import User
from zaloweb.sim.server import Simulator

FRIENDS = 5_000
ACCOUNT = Account("zalouser", "default", "default", ZaloUserSettings())
PACING = Pacing.model_validate({"gap": "0s", "gapJitter": "0s"})
ELSEWHERE = (
    *(ModuleType, type, FunctionType, FrameType, CoroutineType),
    *(asyncio.AbstractEventLoop, asyncio.Future, logging.Logger),
)
"""What leads from an account to everything else in this process, the simulator included."""


@dataclass
class Listener:
    """An agent that answers, and notes who was a friend."""

    friends: list[bool | None] = field(default_factory=list)

    async def run(self, turn: TurnInput) -> Reply | None:
        self.friends.append(turn.message.sender_is_friend)
        return Reply("chào bạn")


@pytest.mark.long
async def test_a_list_of_friends_is_in_the_store_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "clawlane_zalouser")
    async with (
        Simulator() as sim,
        open_store(tmp_path / "store.sqlite", tmp_path / "lock", now_ms) as store,
        store.own(str(ACCOUNT)) as account_store,
    ):
        for name, value in sim.environment.items():
            monkeypatch.setenv(name, value)
        friends = [sim.world.person(f"Bạn {number}") for number in range(FRIENDS)]
        stranger = sim.world.person("Người lạ", friend=False)
        session = await log_in(Credentials.from_object(sim.world.credentials()))
        vault = profiles_in(Paths(tmp_path, tmp_path / "config.json5")).vault("zalouser", "default")
        vault.replace(session.to_json(), (session.uid, "Tôi"))
        channel, agent = ZaloUserChannel(), Listener()
        async with runner(deps(channel, agent, session.uid), account_store, vault) as made:
            running = asyncio.create_task(made.run())
            await until(lambda: f"has {FRIENDS} friends" in caplog.text)
            for sender in (friends[7], friends[4_321], stranger):
                await sender.says("chào")
                await sim.world.next_sent()
            held = reached_from([made, channel], {one.uid for one in friends})
            people = [one for one in gc.get_objects() if is_list_of_people(one)]
            running.cancel()
            await asyncio.wait([running])
    assert agent.friends == [True, True, False]
    assert 0 < len(held) < 100
    assert not people


def deps(channel: ZaloUserChannel, agent: Listener, own_id: str) -> AccountDeps:
    """What the account runs with: pacing is on, for it has to tell friends from strangers, too."""
    return AccountDeps(
        settings=LiveSettings(LaneSettings(ACCOUNT, Rules(OPEN), ResendUnknown.NEVER)),
        channel=channel,
        agents=LiveAgents(agent),
        gate=Gate(ACCOUNT, channel, Pacer(PACING, random.random)),
        grants=lambda: Grants(own_id),
        ready=at_once,
        slots=asyncio.Semaphore(4),
        now_ms=now_ms,
        jitter=lambda: 0.0,
        report=lambda _: None,
    )


def reached_from(roots: list[object], ids: Collection[str]) -> set[str]:
    """Which of these ids the objects refer to, over any number of others."""
    found, seen, left = set[str](), set[int](), list(roots)
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, ELSEWHERE):
            continue
        seen.add(id(one))
        if isinstance(one, str) and one in ids:
            found.add(one)
        left += gc.get_referents(one)
    return found


def is_list_of_people(one: object) -> bool:
    return isinstance(one, list | tuple) and len(one) >= FRIENDS and isinstance(one[0], Person | User)
