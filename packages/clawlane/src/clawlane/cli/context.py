"""What commands begin with: where everything is, and the way to the operations."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from clawlane.channel import Channel, Manifest
from clawlane.cli.failure import CliError
from clawlane.config.paths import Paths
from clawlane.ops.client import GatewayDown, ask_gateway, follow_gateway
from clawlane.ops.context import OpContext, Target
from clawlane.ops.operation import Caller, Request, Stream, operation_of

if TYPE_CHECKING:
    from clawlane.config.load import ChannelConfig, Config
    from clawlane.plugins.registry import Registry

R = TypeVar("R")
STATE_HELP = "set CLAWLANE_STATE_DIR to a folder of your own"


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class CliContext:
    """Everything is read when it is first asked for, and once."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @cached_property
    def paths(self) -> Paths:
        """Where everything is. Raises `CliError` if the state directory is none."""
        found = Paths.from_env(self.environ)
        if os.path.lexists(found.state) and not found.state.is_dir():
            what = "is a link that leads nowhere" if found.state.is_symlink() else "is not a folder"
            raise CliError(f"the state directory {found.state} {what}", STATE_HELP)
        if found.state.is_dir() and not os.access(found.state, os.R_OK | os.X_OK):
            raise CliError(f"the state directory {found.state} cannot be read", STATE_HELP)
        return found

    @cached_property
    def ops(self) -> OpContext:
        """What operations are given when no gateway runs."""
        return OpContext(self.paths, self.environ, now_ms, Caller.CLI)

    def call(self, request: Request[R]) -> R:
        """What an operation gives, run by the gateway if there is one, else here."""

        try:
            return ask_gateway(self.paths, request, Caller.CLI)
        except GatewayDown:
            return self.run_here(request)

    def run_here(self, request: Request[R]) -> R:
        """What an operation gives, run in this process beside any gateway."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._here(request))
        with ThreadPoolExecutor(1) as elsewhere:  # between two events of an operation that runs here
            return elsewhere.submit(asyncio.run, self._here(request)).result()

    def follow(self, request: Stream[R], show: Callable[[R], None]) -> None:
        """Show the events of an operation as they come. What `show` raises ends it."""
        try:
            with closing(follow_gateway(self.paths, request, Caller.CLI)) as events:
                for event in events:
                    show(event)
        except GatewayDown:
            asyncio.run(self._follow_here(request, show))

    async def _follow_here(self, request: Stream[R], show: Callable[[R], None]) -> None:
        async with self.ops as ctx, aclosing(operation_of(request).run(ctx, request)) as events:
            async for event in events:
                show(event)

    async def _here(self, request: Request[R]) -> R:
        async with self.ops as ctx:
            return cast(R, await operation_of(request).run(ctx, request))

    @property
    def registry(self) -> Registry:
        return self.ops.registry

    @property
    def config(self) -> Config:
        """The checked config. Raises `ConfigError`."""
        return self.ops.config

    def manifest(self, channel: str | None) -> Manifest:
        """The installed channel of that id or alias; without one, the only channel there is."""
        return self.ops.manifest(channel)

    def block(self, manifest: Manifest) -> tuple[ChannelConfig, bool]:
        """The accounts of a channel, and whether the config has a block for it."""
        return self.ops.block(manifest)

    def meant(self, channel: str | None, account: str | None) -> Target:
        """The channel and account that a command names, or the default ones."""
        return self.ops.target(channel, account)

    def runtime(self, manifest: Manifest) -> Channel:
        """The channel itself, with its libraries."""
        return self.ops.runtime(manifest)
