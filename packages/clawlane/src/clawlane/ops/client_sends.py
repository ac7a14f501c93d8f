"""What agents elsewhere send through the MCP server.

It is bound like an agent of the lane: a known conversation, access as it is now, pauses, pacing, quiet hours
and the outbound mode, takeovers by the owner, and what people are told of a program.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.access.context import shortened
from clawlane.channel import Capability
from clawlane.config.choices import OutboundMode
from clawlane.invisible import says_nothing
from clawlane.messages import Outgoing, Reaction, Reply, Thread
from clawlane.ops.context import OpContext
from clawlane.ops.conversations import no_conversation
from clawlane.ops.message import icon_of
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.sending_account import SendingAccount
from clawlane.ops.targets import target_words
from clawlane.store import client_sends, reactions
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.access.policy import Grants
    from clawlane.agents.contract import Lane
    from clawlane.lane.live_settings import LaneSettings
    from clawlane.store.account_store import AccountStore

LONGEST_TEXT = 10_000
"""Characters of one text that is sent."""

MOST_WAITING = 20
"""How many messages and drafts of clients wait on an account at most."""

_LONGEST_ID = 200
_LONGEST_ICON = 40


@dataclass(frozen=True, slots=True)
class Send(Request["Taken"]):
    """Send a text, which is markdown, to a conversation of an account (`channel/id`)."""

    account: str
    thread: Thread
    text: str


@dataclass(frozen=True, slots=True)
class React(Request["Taken"]):
    """Put a reaction on a message of a conversation; empty takes the account's own ones back."""

    account: str
    thread: Thread
    message_id: str
    emoji: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What becomes of it: numbers in the outbox, or else the number of the `draft` that waits for approval.

    `paused` is the command that ends the pause that holds it, empty if there is none.
    """

    account: str
    target: str
    name: str
    numbers: tuple[int, ...] = ()
    draft: int | None = None
    paused: str = ""


@operation(changes=True)
async def send(ctx: OpContext, request: Send) -> Taken:
    """Raises `OpError` and `StoreError`."""
    from clawlane.agents.reply import chunks_of

    if len(request.text) > LONGEST_TEXT:
        raise OpError(
            later(
                "the text has {n} characters, at most {most} are sent", n=len(request.text), most=LONGEST_TEXT
            )
        )
    if says_nothing(request.text):
        raise OpError(later("the text says nothing"))
    async with _client(ctx, request.account, request.thread) as client:
        lane = client.lane()
        outs = await chunks_of(Reply(request.text), request.thread, lane)
        if not outs:
            raise OpError(later("the text says nothing"))
        return await client.take(outs, request.text, lane.discloses.lead(outs))


@operation(changes=True)
async def react(ctx: OpContext, request: React) -> Taken:
    """Raises `OpError` and `StoreError`."""
    thread, id_ = request.thread, request.message_id.strip()
    async with _client(ctx, request.account, thread) as client:
        client.account.needs(Capability.REACTION)
        icon = icon_of(client.account.channel, request.emoji[:_LONGEST_ICON])
        known = 0 < len(id_) <= _LONGEST_ID
        found = await client.store.attempt(reactions.target, thread, id_) if known else None
        if found is None:
            raise OpError(later("that is no message of this conversation"))
        if not found.client_id:
            told = later("this message cannot be reacted to: the platform did not tell all of its ids")
            raise OpError(told)
        return await client.take([Reaction(thread, found.message_id, icon, found.client_id)])


@dataclass(frozen=True, slots=True)
class _Client:
    """A client that may write to a thread now."""

    account: SendingAccount
    store: AccountStore
    thread: Thread
    settings: LaneSettings
    grants: Grants

    def lane(self) -> Lane:
        """The account's lane as an agent that answers in the thread has it."""
        from clawlane.agents.contract import Lane
        from clawlane.agents.disclosure import Discloses, disclosure_text

        settings = self.settings
        text = disclosure_text(settings.disclosure, self.grants.language, settings.disclosure_text)
        discloses = Discloses(settings.disclosure, text, thread=self.thread)
        account, channel = self.account.target.account, self.account.channel
        return Lane(account, self.store, channel, 0, 0, prefix=settings.prefix, discloses=discloses)

    async def take(self, outs: Sequence[Outgoing], text: str = "", lead: str = "") -> Taken:
        """Queue it, or keep it as a draft where the thread needs approval.

        Raises `OpError` if it is off, and where too much of clients waits already.
        """
        from clawlane.store.drafts import NewDraft

        account, name, words = self.account, self.account.name, target_words(self.thread)
        called = shortened(await account.name_of(self.thread))
        mode, rule = self.settings.rules.outbound(self.thread, self.grants.pins)
        if mode is OutboundMode.APPROVE:
            new = NewDraft(rule.path, self.settings.draft_ms, text, text, lead)
            draft = await self.store.attempt(client_sends.draft, outs, new, MOST_WAITING)
            if draft is None:
                raise _too_many()
            return Taken(name, words, called, draft=draft)
        numbers = await self.store.attempt(client_sends.queue, outs, MOST_WAITING)
        if numbers is None:
            raise _too_many()
        if not numbers:
            help = f"openclaw channels capabilities {account.target.words}"
            raise OpError(later("this is switched off on {name}", name=name), help)
        if account.live:
            account.live.wake()
        return Taken(name, words, called, tuple(numbers), paused=account.paused(self.thread))


@asynccontextmanager
async def _client(ctx: OpContext, name: str, thread: Thread) -> AsyncIterator[_Client]:
    """Raises `OpError` for an account that cannot send, and where a client may not write now."""
    from clawlane.lane.access_checker import AccessChecker
    from clawlane.lane.correspondence import may_go_on
    from clawlane.lane.live_settings import LaneSettings
    from clawlane.ops.policy import grants_of
    from clawlane.ops.rules_from import rules_in_force

    channel, _, id_ = name.partition("/")
    account = SendingAccount.of(ctx, channel, id_)
    of = account.target.account
    if not await ctx.ask(lambda reader: reader.has_conversation(account.name, thread)):
        raise no_conversation(account.name, thread)
    await account.may_leave(thread)
    rules = rules_in_force(ctx, of)
    grants = await ctx.ask(lambda reader: grants_of(ctx, reader, of))
    async with ctx.own(account.name) as store:
        if not await may_go_on(store, AccessChecker(store, lambda: rules, lambda: grants), thread):
            told = later("the account may not write to {thread} any more", thread=str(thread))
            raise OpError(told, "openclaw policy explain --help")
        await _not_taken_over(account, thread)
        yield _Client(account, store, thread, LaneSettings.of(ctx.config, of, rules), grants)


async def _not_taken_over(account: SendingAccount, thread: Thread) -> None:
    """Raises `OpError` where the owner writes by hand."""
    ctx, name = account.ctx, account.name
    taken = await ctx.ask(lambda reader: reader.taken_over(name, ctx.now_ms()))
    if any(one.thread == thread for one in taken):
        told = later("the owner writes in {thread} by hand, so agents hold back there", thread=str(thread))
        raise OpError(told)


def _too_many() -> OpError:
    told = later("{n} messages of MCP clients wait already: to be sent or approved", n=MOST_WAITING)
    return OpError(told, "openclaw outbox list")
