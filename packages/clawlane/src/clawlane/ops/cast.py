"""The people of a simulator, who write to an account in a rehearsal. There are none on the real platform."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.capabilities import Cast, CastError, HasCast
from clawlane.channel import Account
from clawlane.ops.context import OpContext
from clawlane.ops.operation import AccountRequest, OpError, operation
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class Introduce(AccountRequest[str]):
    """A new person, a stranger unless `friend`, with the id that is asked for. Gives their id."""

    name: str = ""
    friend: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class Gather(AccountRequest[str]):
    """A new group of the account and these people, with the id that is asked for. Gives its id."""

    name: str = ""
    members: tuple[str, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class WriteAs(AccountRequest[str]):
    """Somebody writes to the account, or in a `group`. Gives the id of the message."""

    sender: str = ""
    text: str = ""
    group: str = ""
    mention: bool = False


@operation
async def introduce(ctx: OpContext, request: Introduce) -> str:
    """Raises `OpError` where there is no simulator."""
    cast, account = _cast(ctx, request.channel, request.account)
    try:
        return await cast.person(request.name, friend=request.friend, id=request.id, account=account)
    except CastError as error:
        raise OpError(str(error)) from error


@operation
async def gather(ctx: OpContext, request: Gather) -> str:
    cast, account = _cast(ctx, request.channel, request.account)
    try:
        return await cast.group(request.name, request.members, id=request.id, account=account)
    except CastError as error:
        raise OpError(str(error)) from error


@operation
async def write(ctx: OpContext, request: WriteAs) -> str:
    cast, account = _cast(ctx, request.channel, request.account)
    group, mention = request.group, request.mention
    try:
        return await cast.write(account, request.sender, request.text, group=group, mention=mention)
    except CastError as error:
        raise OpError(str(error)) from error


def _cast(ctx: OpContext, channel: str | None, account: str | None) -> tuple[Cast, Account]:
    target = ctx.target(channel, account)
    runtime = ctx.runtime(target.manifest)
    try:
        cast = runtime.cast() if isinstance(runtime, HasCast) else None
    except CastError as error:
        raise OpError(str(error)) from error
    if cast is None:
        raise OpError(
            later("{id} has no simulator whose people could write", id=target.manifest.id),
            later("start one and use both lines that it prints: openclaw sim"),
        )
    return cast, target.account
