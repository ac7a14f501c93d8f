"""Answers that an agent elsewhere gives later: checked, kept for their turn, and told to who waits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from clawlane.ops.operation import Request, operation

if TYPE_CHECKING:
    from clawlane.ops.context import OpContext

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallBack(Request["CalledBack"]):
    """An answer to a turn, as it came: its signature is over the id of the turn, the time and the body."""

    turn: str
    id: str
    timestamp: str
    signature: str = field(repr=False)
    kind: str
    charset: str | None
    body: bytes = field(repr=False)


class Fate(StrEnum):
    """What became of it. Only somebody with the key learns more than that it was not signed."""

    TAKEN = "taken"
    UNSIGNED = "unsigned"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    ANSWERED = "answered"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class CalledBack:
    """What became of an answer, and what is wrong with one that cannot be read."""

    fate: Fate
    problem: str = ""


@operation(changes=True)
async def called_back(ctx: OpContext, request: CallBack) -> CalledBack:
    """The signature is checked before anything is looked up."""
    from clawlane.agents.written_answer import AnswerUnreadable, read_posted
    from clawlane.store import callbacks

    agents = set(_signers(ctx, request)) if request.id == request.turn else set()
    if not agents:
        return CalledBack(Fate.UNSIGNED)
    try:
        answer = read_posted(request.body, request.kind, request.charset)
    except AnswerUnreadable as error:
        return CalledBack(Fate.UNREADABLE, str(error))
    place = await ctx.ask(lambda reader: reader.callback(request.turn))
    if place is None or place.agent not in agents:
        return CalledBack(Fate.UNKNOWN)
    async with ctx.own(place.account) as account_store:
        bare = account_store.unrecorded()
        fate = Fate(await bare.attempt(callbacks.take, request.turn, answer.as_json()))
    log.info("turn %d: an answer came later: %s", place.turn, fate)
    if fate is Fate.TAKEN and (live := ctx.live.get(place.account)):
        live.answered(place.turn)
    return CalledBack(fate)


def _signers(ctx: OpContext, request: CallBack) -> Iterator[str]:
    """The agents whose key has signed it, within the time that a signature counts."""
    from clawlane.config.agents import WebhookBrain
    from clawlane.config.secrets import SecretMissing
    from clawlane.webhook_sender import is_signed, signing_key

    for agent in ctx.config.agents:
        if not isinstance(agent.brain, WebhookBrain):
            continue
        try:
            key = signing_key(agent.brain.secret.read(ctx.environ))
        except (SecretMissing, ValueError):
            continue
        if is_signed(key, request.id, request.timestamp, request.body, request.signature, ctx.now_ms()):
            yield agent.id


def is_signed_by_agent(ctx: OpContext, request: CallBack) -> bool:
    """Whether an agent of the config has signed it."""
    return request.id == request.turn and any(True for _ in _signers(ctx, request))
