"""What agents remember: listed, shown to the operator, and begun anew."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.messages import Inbound
from clawlane.ops.context import OpContext, on_account
from clawlane.ops.operation import AccountRequest, OpError, operation
from clawlane.store import sessions
from clawlane.store.reader import Reader
from clawlane.store.sessions import Listed, Remembered, Session
from clawlane.texts import joined, later

_SEE = "openclaw sessions list"


@dataclass(frozen=True, slots=True)
class ListSessions(AccountRequest[list[Listed]]):
    """The sessions on a channel, or on one account of it, the latest first."""


@dataclass(frozen=True, slots=True)
class ShowSession(AccountRequest["SessionShown"]):
    """The conversation of one thread: `dm:ID`, `group:ID`, or the id alone."""

    thread: str = ""
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class ResetSessions(AccountRequest["SessionsReset"]):
    """Begin the sessions of one thread anew, or all of them; those of one agent if that is named."""

    thread: str | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote. `attachments` are their kinds."""

    message_id: str
    sender_id: str
    sender_name: str
    sent_ms: int
    text: str
    attachments: list[str]

    @classmethod
    def of(cls, inbound: Inbound) -> Said:
        kinds = [one.kind for one in inbound.attachments]
        who = inbound.sender_id, inbound.sender_name
        return cls(inbound.message_id, *who, inbound.sent_ms, inbound.text, kinds)


@dataclass(frozen=True, slots=True)
class TurnShown:
    """A turn: what the group had said (`history`), what was asked, and the answer.

    `note` says what became of an answer that did not arrive.
    """

    at_ms: int
    history: list[Said]
    messages: list[Said]
    answer: str | None
    note: str

    @classmethod
    def of(cls, turn: Remembered) -> TurnShown:
        history, messages = ([Said.of(one) for one in part] for part in (turn.history, turn.messages))
        return cls(turn.at_ms, history, messages, turn.answer, turn.note)


@dataclass(frozen=True, slots=True)
class SessionShown:
    """A conversation. `summary` stands for turns that are not there any more."""

    account: str
    agent: str
    thread: str
    summary: str
    turns: list[TurnShown]


@dataclass(frozen=True, slots=True)
class SessionReset:
    """A session that has begun anew, and how many turns it has forgotten."""

    account: str
    agent: str
    thread: str
    forgotten: int


@dataclass(frozen=True, slots=True)
class SessionsReset:
    """What has begun anew."""

    reset: list[SessionReset]


@operation
async def listed(ctx: OpContext, request: ListSessions) -> list[Listed]:
    channel, account = ctx.named(request.channel, request.account)
    return await ctx.ask(lambda reader: on_account(reader.sessions(), channel, account))


@operation
async def show(ctx: OpContext, request: ShowSession) -> SessionShown:
    """Raises `OpError` if there is no such session, or more than one."""
    found = await found_sessions(ctx, request, request.thread, request.agent)
    if len(found) > 1:
        which = joined(later("{agent} on {account}", agent=one.agent, account=one.account) for one in found)
        raise OpError(
            later("several agents remember {thread}: {which}", thread=request.thread, which=which),
            later("name one with --agent and --account"),
        )
    one = found[0]

    def read(reader: Reader) -> Session:
        return reader.session(one.account, one.agent, one.thread)

    session = await ctx.ask(read)
    turns = list(map(TurnShown.of, session.turns))
    return SessionShown(one.account, one.agent, str(one.thread), session.summary, turns)


@operation(changes=True)
async def reset(ctx: OpContext, request: ResetSessions) -> SessionsReset:
    """Raises `OpError` if a thread is named that no agent remembers."""
    found = await found_sessions(ctx, request, request.thread, request.agent)
    done = []
    for one in found:
        if not ctx.includes(one.account):
            continue
        async with ctx.own(one.account) as account_store:
            forgotten = await account_store.attempt(sessions.reset, one.agent, one.thread)
        done.append(SessionReset(one.account, one.agent, str(one.thread), forgotten))
    return SessionsReset(done)


async def found_sessions(
    ctx: OpContext, request: ShowSession | ResetSessions, thread: str | None, agent: str | None
) -> list[Listed]:
    """The sessions that are meant. Raises `OpError` if a thread is named and there are none."""
    everything = await listed(ctx, ListSessions(request.channel, request.account))
    found = [
        one
        for one in everything
        if agent in (None, one.agent) and thread in (None, str(one.thread), one.thread.id)
    ]
    if found or thread is None:
        return found
    told = later("no agent remembers anything of a thread '{thread}'", thread=thread)
    if agent:
        told = later("agent '{agent}' remembers nothing of a thread '{thread}'", agent=agent, thread=thread)
    raise OpError(told, _SEE)
