"""The answers so far of a setup that was interrupted, kept in the state directory. They hold no secrets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, decode, encode, operation
from clawlane.ops.setup_answers import Answers

_LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers about one account, and when the last one was given."""

    channel: str
    account: str
    answers: Answers
    at_ms: int


@dataclass(frozen=True, slots=True)
class Drafted(Request["Draft | None"]):
    """The draft of an account, if there is one that can be read."""

    channel: str
    account: str


@dataclass(frozen=True, slots=True)
class KeepDraft(Request[None]):
    """Keep the answers so far."""

    channel: str
    account: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class DropDraft(Request[bool]):
    """Remove the draft of an account. False if there was none."""

    channel: str
    account: str


@operation
async def drafted(ctx: OpContext, request: Drafted) -> Draft | None:
    path = _path(ctx, request.channel, request.account)
    return await asyncio.to_thread(_read, path)


@operation(changes=True)
async def keep_draft(ctx: OpContext, request: KeepDraft) -> None:
    from clawlane.credentials.files import write_private

    path = _path(ctx, request.channel, request.account)
    draft = Draft(request.channel, request.account, request.answers, ctx.now_ms())
    await asyncio.to_thread(write_private, path, encode(draft))


@operation(changes=True)
async def drop_draft(ctx: OpContext, request: DropDraft) -> bool:
    try:
        _path(ctx, request.channel, request.account).unlink()
    except FileNotFoundError:
        return False
    return True


def _path(ctx: OpContext, channel: str, account: str) -> Path:
    from clawlane.credentials.files import file_name

    return ctx.paths.setup_dir / f"{file_name(channel, account)}.json"


def _read(path: Path) -> Draft | None:
    """A damaged draft is none: the questions are asked again."""
    try:
        raw = path.read_bytes()
        return None if len(raw) > _LONGEST else decode(raw, Draft)
    except (FileNotFoundError, OpError):
        return None
