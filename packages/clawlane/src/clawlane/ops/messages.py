"""Stuck messages: unsent, unconfirmed, and those that the agent could not answer. What was sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clawlane.ops.context import OpContext, on_account
from clawlane.ops.operation import AccountRequest, OpError, Request, operation
from clawlane.ops.pause import PauseInfo
from clawlane.store import turns, unknown_sends
from clawlane.store.errors import NoDeadLetter, NotInOutbox
from clawlane.store.outbox_listing import Listed, Search
from clawlane.store.reader import Reader
from clawlane.store.states import ChunkState
from clawlane.store.transaction import Tx
from clawlane.store.turns import DeadLetter
from clawlane.texts import later

MOST_SENT = 200
"""Messages that are told of what was sent."""


@dataclass(frozen=True, slots=True)
class Outbox(Request["Waiting"]):
    """What waits to be sent, over all accounts; with `settled` also the newest that did not arrive."""

    settled: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, in order, and the pauses. `running` says whether a gateway sends what it can."""

    running: bool
    messages: list[Listed]
    pauses: list[PauseInfo]

    def pause_of(self, one: Listed) -> PauseInfo | None:
        """The pause that holds a message that has not left."""
        if one.state not in (ChunkState.QUEUED, ChunkState.HELD):
            return None
        here = (pause for pause in self.pauses if pause.account == one.account)
        return next((pause for pause in here if pause.thread in (None, str(one.thread))), None)


@dataclass(frozen=True, slots=True)
class Sent(AccountRequest["SentLately"]):
    """What left in the owner's name since a time, on a channel or on one account of it.

    `thread` is a target as `message send` takes it, on that account or the default one. `numbers` are those
    of the outbox, `limit` how many of the newest are told (0: `MOST_SENT`).
    """

    since_ms: int = 0
    thread: str = ""
    numbers: tuple[int, ...] = ()
    limit: int = 0


@dataclass(frozen=True, slots=True)
class SentLately:
    """The newest of it, in the order in which it left. `more` says that there was more than is told."""

    messages: list[Listed]
    more: bool


@dataclass(frozen=True, slots=True)
class Resend(Request["ChunkDecided"]):
    """Resend an unconfirmed chunk, because it did not arrive; the rest of its reply follows."""

    id: int


@dataclass(frozen=True, slots=True)
class Arrived(Request["ChunkDecided"]):
    """An unconfirmed chunk did arrive: the rest of its reply follows."""

    id: int


@dataclass(frozen=True, slots=True)
class Drop(Request["ChunkDecided"]):
    """Do not send a chunk, nor the rest of its reply."""

    id: int


@dataclass(frozen=True, slots=True)
class ChunkDecided:
    """Whose chunk it was. `running` says whether a gateway goes on with it now, or the next one will."""

    running: bool
    account: str
    id: int


@dataclass(frozen=True, slots=True)
class DeadLetters(AccountRequest[list[DeadLetter]]):
    """What was set aside on a channel, or on one account of it, in the order of admission."""


@dataclass(frozen=True, slots=True)
class Resubmit(Request["LetterDecided"]):
    """Give a dead letter to the agent again, with a full set of tries."""

    channel: str | None
    message_id: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class DropDeadLetter(Request["LetterDecided"]):
    """Give a dead letter up; its text is deleted."""

    channel: str | None
    message_id: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class LetterDecided:
    """Whose message it was. `running` says whether a gateway goes on with it now, or the next one will."""

    running: bool
    account: str
    message_id: str


@operation
async def outbox(ctx: OpContext, request: Outbox) -> Waiting:
    def found(reader: Reader) -> Waiting:
        messages = reader.outbox(settled=request.settled)
        return Waiting(
            ctx.lane_runs(reader), messages, [PauseInfo.of(one, reader) for one in reader.pauses()]
        )

    return await ctx.ask(found)


@operation
async def sent(ctx: OpContext, request: Sent) -> SentLately:
    """Raises `OpError`."""
    limit = min(request.limit or MOST_SENT, MOST_SENT)
    search = search_of(ctx, request)
    messages = await ctx.ask(lambda reader: reader.sent(search(reader), limit + 1))
    return SentLately(messages[-limit:], len(messages) > limit)


def search_of(ctx: OpContext, request: Sent) -> Callable[[Reader], Search]:
    """What is asked for, once the store says whom a target means. Raises `OpError`."""
    channel, account = ctx.named(request.channel, request.account)
    target = ctx.target(channel, account) if request.thread else None

    def search(reader: Reader) -> Search:
        from clawlane.ops.targets import thread_stored

        about = (request.since_ms, channel)
        if target is None:
            return Search(*about, account, numbers=request.numbers)
        thread = thread_stored(reader, target, request.thread).thread
        return Search(*about, target.account.id, thread, request.numbers)

    return search


@operation(changes=True)
async def resend(ctx: OpContext, request: Resend) -> ChunkDecided:
    """Raises `NotInOutbox`."""
    return await _decide(ctx, request.id, unknown_sends.resend)


@operation(changes=True)
async def arrived(ctx: OpContext, request: Arrived) -> ChunkDecided:
    """Raises `NotInOutbox`."""
    return await _decide(ctx, request.id, unknown_sends.arrived)


@operation(changes=True)
async def drop(ctx: OpContext, request: Drop) -> ChunkDecided:
    """Raises `NotInOutbox`."""
    return await _decide(ctx, request.id, unknown_sends.drop)


@operation
async def dead_letters(ctx: OpContext, request: DeadLetters) -> list[DeadLetter]:
    channel, account = ctx.named(request.channel, request.account)
    return await ctx.ask(lambda reader: on_account(reader.dead_letters(), channel, account))


@operation(changes=True)
async def resubmit(ctx: OpContext, request: Resubmit) -> LetterDecided:
    """Raises `NoDeadLetter`, and `OpError` where nobody would be answered now: the letter stays as it is."""
    owner = await account_of_letter(ctx, request)
    await _may_be_answered(ctx, owner, request.message_id)
    async with ctx.own(owner) as account_store:
        turn = await account_store.attempt(turns.resubmit, request.message_id)
    if live := ctx.live.get(owner):
        live.again(turn)
    return LetterDecided(ctx.in_gateway, owner, request.message_id)


@operation(changes=True)
async def drop_dead_letter(ctx: OpContext, request: DropDeadLetter) -> LetterDecided:
    """Raises `NoDeadLetter`."""
    owner = await account_of_letter(ctx, request)
    async with ctx.own(owner) as account_store:
        await account_store.attempt(turns.drop_dead_letter, request.message_id)
    return LetterDecided(ctx.in_gateway, owner, request.message_id)


async def _may_be_answered(ctx: OpContext, owner: str, message_id: str) -> None:
    """Raises `OpError` where nothing may leave, or where the account's owner writes by hand."""
    from clawlane.ops.sending_account import SendingAccount

    letters = await ctx.ask(Reader.dead_letters)
    thread = next(one.thread for one in letters if (one.account, one.message_id) == (owner, message_id))
    channel, _, account = owner.partition("/")
    if ctx.config.account(channel, account):  # of one that the config no longer has, no rule is known
        await SendingAccount(ctx, ctx.target(channel, account), ctx.live.get(owner)).may_leave(thread)
    taken = await ctx.ask(lambda reader: reader.taken_over(owner, ctx.now_ms()))
    if any(one.thread == thread for one in taken):
        told = later("you write in {thread} by hand, so the agent holds back there", thread=str(thread))
        raise OpError(told, f"openclaw resume --thread {thread} --account {account}")


async def _decide(ctx: OpContext, id_: int, transition: Callable[[Tx, int], int | None]) -> ChunkDecided:
    """Run a transition that gives the turn it settled, if any. A running account goes on at once."""
    account = await ctx.ask(lambda reader: reader.account_of_chunk(id_))
    if account is None:
        raise NotInOutbox(later("there is no message {id}; see: openclaw outbox list", id=id_))
    async with ctx.own(account) as account_store:
        turn = await account_store.attempt(transition, id_)
    if live := ctx.live.get(account):
        live.settled(turn)
    return ChunkDecided(ctx.in_gateway, account, id_)


async def account_of_letter(ctx: OpContext, request: Resubmit | DropDeadLetter) -> str:
    """On which account a message was set aside (`channel/id`). Raises `NoDeadLetter` with what to do."""
    channel, account = ctx.named(request.channel, request.account)
    message_id = request.message_id
    letters = await ctx.ask(Reader.dead_letters)
    found = [one.account for one in on_account(letters, channel, account) if one.message_id == message_id]
    if len(found) == 1:
        return found[0]
    if found:
        raise NoDeadLetter(
            later(
                "{id!r} was set aside on {accounts}; name one with --account",
                id=message_id,
                accounts=", ".join(found),
            )
        )
    raise NoDeadLetter(
        later("no message {id!r} was set aside; see: openclaw channels dead-letters list", id=message_id)
    )
