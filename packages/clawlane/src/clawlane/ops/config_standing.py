"""What the running gateway makes of the config file after an edit."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.config.errors import ConfigError
from clawlane.config.paths import Paths
from clawlane.ops.client import ControlError, GatewayDown, ask_gateway
from clawlane.ops.context import GONE, UNREADABLE, OpContext
from clawlane.ops.operation import Caller, Request, operation

if TYPE_CHECKING:
    from clawlane.config.load import Config

_LOOK_EVERY = 0.1
"""Seconds between two looks at what the gateway does."""

_SETTLED_WITHIN = 5.0
"""Seconds in which a gateway has read an edited file, and mostly opened its agents."""


class Verdict(StrEnum):
    """What becomes of a file. `pending` says that the gateway applies it, but has not yet."""

    NO_GATEWAY = "no_gateway"
    IN_FORCE = "in_force"
    WAITS = "waits"
    REFUSED = "refused"
    PENDING = "pending"
    OTHER_FILE = "other_file"
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a config file stands to the running gateway.

    `widens` says in sentences what waits to be applied, and `revision` is that of the file then. `error` is
    why the gateway cannot use the file, or why it did not tell. `file` is the other file that it works by.
    """

    verdict: Verdict
    widens: list[str] = field(default_factory=list)
    revision: str = ""
    error: str = ""
    file: str = ""

    @property
    def running(self) -> bool:
        return self.verdict is not Verdict.NO_GATEWAY


@dataclass(frozen=True, slots=True)
class Stand(Request[Standing]):
    """Ask the running gateway about a file: its own, or `config_file`.

    With a `draft` it is about the file as if that were its text already.
    """

    config_file: str = ""
    draft: str = field(default="", repr=False)


@operation
async def stand(ctx: OpContext, request: Stand) -> Standing:
    """Raises `ConfigError` for a draft that cannot be used."""
    live, file = ctx.live_config, ctx.paths.config_file
    if live is None:
        return Standing(Verdict.NO_GATEWAY)
    if request.config_file and not await asyncio.to_thread(_same, Path(request.config_file), file):
        return Standing(Verdict.OTHER_FILE, file=str(file))
    if request.draft:
        return await _foreseen(ctx, request.draft)
    revision = await asyncio.to_thread(_revision, file)
    if live.refused is not None and live.refused.revision == revision:
        return Standing(Verdict.REFUSED, revision=revision, error=live.refused.problems[0])
    if live.waiting is not None and live.waiting.revision == revision:
        return Standing(Verdict.WAITS, list(live.waiting.widens), revision)
    in_force = (live.applied.source.revision or GONE) == revision and live.waiting is None
    return Standing(Verdict.IN_FORCE if in_force else Verdict.PENDING, revision=revision)


def standing_of(paths: Paths) -> Standing:
    """What the gateway makes of the file that was just written, once it has decided. Never raises."""
    end = time.monotonic() + _SETTLED_WITHIN
    while True:
        found = _asked(paths, Stand(str(paths.config_file)))
        if found.verdict is not Verdict.PENDING or time.monotonic() > end:
            return found
        time.sleep(_LOOK_EVERY)


def foreseen(paths: Paths, text: str) -> Standing:
    """What the gateway would make of a text in the place of the file. Never raises."""
    return _asked(paths, Stand(str(paths.config_file), text))


def _asked(paths: Paths, request: Stand) -> Standing:
    try:
        return ask_gateway(paths, request, Caller.CLI)
    except GatewayDown:
        return Standing(Verdict.NO_GATEWAY)
    except (ControlError, ConfigError) as error:  # it may be busy, or older than this command
        return Standing(Verdict.NOT_TOLD, error=str(error))


async def _foreseen(ctx: OpContext, text: str) -> Standing:
    from clawlane.config.load import load_source
    from clawlane.config.source import parse_source

    def read() -> Config:
        source = parse_source(ctx.paths.config_file, text.encode())
        return load_source(source, ctx.loading or ctx.registry, ctx.environ)

    config = await asyncio.to_thread(read)
    live = ctx.live_config
    widens = await live.foresee(config) if live else ()
    return Standing(Verdict.WAITS if widens else Verdict.PENDING, list(widens), config.source.revision)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _revision(file: Path) -> str:
    from clawlane.config.source import revision_of

    try:
        return revision_of(file) or GONE
    except ConfigError:
        return UNREADABLE
