"""The debug level of an account, by the operation: how much of a flood is told, and that it ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packages.clawlane.tests.ops_alone import LANE, context

from clawlane.capabilities import Traced, TraceObserver
from clawlane.channel import Account, Manifest
from clawlane.config.choices import LogLevel
from clawlane.config.paths import Paths
from clawlane.gateway.log_level import LEVEL
from clawlane.ops.debug import Alive, Began, Debug, Ended, LeftOut, Line, debug
from clawlane.ops.operation import OpError
from clawlane.plugins.registry import Registry
from clawlane_zalouser.manifest import MANIFEST

PING = Traced("frame", "ping", sent=29)


class Telling:
    """A channel that tells whatever a test says."""

    def __init__(self) -> None:
        self.observers: list[TraceObserver] = []

    @contextmanager
    def trace(self, account: Account, observer: TraceObserver) -> Iterator[None]:
        self.observers.append(observer)
        try:
            yield
        finally:
            self.observers.remove(observer)

    def tell(self, times: int) -> None:
        for observer in self.observers:
            for _ in range(times):
                observer(PING)


class Personal(Registry):
    """The channel of personal accounts, without its libraries."""

    def manifests(self) -> list[Manifest]:
        return [MANIFEST]

    def find(self, name: str) -> Manifest:
        return MANIFEST


def running(folder: Path, channel: object) -> Any:
    paths = Paths(folder, folder / "config.json5")
    paths.config_file.write_text("{ channels: { zalouser: { enabled: true } } }")
    ctx = replace(context(paths), plugins=Personal(paths))
    account = ctx.target("zalouser", None).account
    live = SimpleNamespace(account=account, channel=channel, debug_lines=lambda: LEVEL.debugging(LANE))
    return replace(ctx, live={LANE: live})


async def test_a_flood_leaves_out_lines_and_says_how_many(tmp_path: Path) -> None:
    channel = Telling()
    async with aclosing(debug(running(tmp_path, channel), Debug("zalouser", None, 60))) as events:
        assert isinstance(await anext(events), Began)
        channel.tell(5000)
        told = [await anext(events) for _ in range(201)]
    assert [type(one) for one in told] == [Line] * 200 + [LeftOut]
    assert told[-1] == LeftOut(4800)
    assert channel.observers == []


async def test_it_ends_at_its_time_and_sets_the_level_back(tmp_path: Path) -> None:
    channel = Telling()
    LEVEL.set(LogLevel.WARN)
    try:
        events = [one async for one in debug(running(tmp_path, channel), Debug("zalouser", None, 0.01))]
        assert logging.getLogger().level == logging.WARNING
    finally:
        LEVEL.set(LogLevel.INFO)
    assert [type(one) for one in events if not isinstance(one, Alive)] == [Began, Ended]
    assert channel.observers == []


async def test_only_lines_of_the_account_pass_below_the_level_of_the_config() -> None:
    def passes(text: str, level: int) -> bool:
        return bool(LEVEL.filter(logging.LogRecord("x", level, "", 0, text, (), None)))

    with LEVEL.debugging(LANE), LEVEL.debugging(LANE):
        pass
    assert not passes(f"{LANE}: frame ping", logging.DEBUG)
    with LEVEL.debugging(LANE):
        assert passes(f"{LANE}: frame ping", logging.DEBUG)
        assert not passes("zalouser/other: frame ping", logging.DEBUG)
        assert not passes("zalouser/default2: frame ping", logging.DEBUG)
        assert passes("anything", logging.INFO)


@pytest.mark.parametrize("seconds", [0, -1, 86_401])
async def test_a_time_has_limits(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(OpError, match="between 1s and"):
        await anext(aiter(debug(running(tmp_path, Telling()), Debug("zalouser", None, seconds))))


async def test_a_channel_that_cannot_tell_says_so(tmp_path: Path) -> None:
    with pytest.raises(OpError, match="tells of no frames or calls"):
        await anext(aiter(debug(running(tmp_path, object()), Debug("zalouser"))))
