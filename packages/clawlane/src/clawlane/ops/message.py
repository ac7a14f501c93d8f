"""What the operator sends: texts and files, reactions, and messages that are taken back.

Everything is queued in the outbox of a running gateway, where pauses and pacing hold for it as for replies.
The rules of access are about others; the operator may write to anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from clawlane.access.context import plain, shortened
from clawlane.capabilities import Reacts
from clawlane.channel import Capability, Channel
from clawlane.invisible import says_nothing
from clawlane.lane.hours import QuietHours
from clawlane.messages import (
    Link,
    Media,
    Outgoing,
    Person,
    Photos,
    Reaction,
    Reply,
    Text,
    Thread,
    ThreadKind,
    Undo,
)
from clawlane.ops.context import OpContext
from clawlane.ops.operation import AccountRequest, OpError, Request, operation
from clawlane.ops.probing import rehearsal_of
from clawlane.ops.sending_account import SendingAccount
from clawlane.ops.targets import Recipient, target_words
from clawlane.store import operator_sends, plain_forms, reactions
from clawlane.store.operator_sends import ChunkStatus
from clawlane.store.private_file import discard
from clawlane.store.states import ChunkState
from clawlane.texts import later

LONGEST_TEXT = 20_000
"""Characters of one text that is sent: ten messages of Zalo's length."""

LONGEST_WAIT_MS = 20_000
"""The longest that one question for the outcome waits."""

_LONGEST_ID = 200
_MOST_NUMBERS = 100
_LOOK_EVERY_S = 0.1


class SendWarning(StrEnum):
    """Something that the operator should know about whom he writes to."""

    STRANGER = "stranger"  # nobody whom the account knows as a friend
    NOT_A_MEMBER = "not_a_member"  # no group that the account is known to be in
    REJECTED = "rejected"  # somebody whom the owner turned away
    QUIET_HOURS = "quiet_hours"  # it leaves although it is quiet now


@dataclass(frozen=True, slots=True)
class Send(AccountRequest["Queued"]):
    """Send a text and files to a target: `user:ID`, `group:ID`, the id or name of one friend or group.

    The text is markdown unless it is `plain`. `media` are absolute paths on this machine, which only the
    command line may name. `reply_to` is the id of a message to quote. With `dry_run` nothing is sent.
    """

    target: str = ""
    text: str = ""
    media: tuple[str, ...] = ()
    reply_to: str = ""
    plain: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class React(AccountRequest["Queued"]):
    """Put a reaction on a message of a thread: a name, an emoji or a code; empty takes the own ones back."""

    target: str = ""
    message_id: str = ""
    emoji: str = ""


@dataclass(frozen=True, slots=True)
class TakeBack(AccountRequest["Queued"]):
    """Take back a message of the account by its id, or by its `number` in the outbox.

    What has not left is cancelled. `whole` means all parts of the text that it belongs to. A `target` has to
    be that of the message, and names whom `messages.Sent` names.
    """

    target: str = ""
    message_id: str = ""
    number: int = 0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One message: its number in the outbox (0: nothing is sent), its kind, and what it says."""

    number: int
    kind: Capability
    text: str


@dataclass(frozen=True, slots=True)
class Queued:
    """What is queued, in order: on which account (`channel/id`), and for whom (`user:ID`, and a name).

    `paused` is the command that ends the pause that holds it, empty if there is none. `cancelled` is how many
    messages were cancelled before they left.
    """

    account: str
    target: str
    name: str
    parts: tuple[Part, ...]
    warnings: tuple[SendWarning, ...] = ()
    paused: str = ""
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Outcome(Request["Outcomes"]):
    """What became of what was queued on an account (`channel/id`), by its numbers in the outbox.

    Waits up to `wait_ms` as long as something may happen by itself, and by `until_ms` if a rule of pacing
    holds it (0: by the end of this wait).
    """

    account: str
    numbers: tuple[int, ...]
    wait_ms: int = 0
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Where each message stands. `paused` as in `Queued`.

    `trouble` says why the account cannot send now, and `help` which command mends it; `stopped` that this
    does not change by itself.
    """

    parts: tuple[ChunkStatus, ...]
    paused: str = ""
    trouble: str = ""
    help: str = ""
    stopped: bool = False

    @property
    def open(self) -> list[ChunkStatus]:
        """What may still change by itself, and does not wait for a decision of the operator."""
        stuck = any(part.needs_decision for part in self.parts)
        waits = (part for part in self.parts if not part.settled)
        return [part for part in waits if not (stuck and part.state is ChunkState.HELD)]


@operation(changes=True)
async def send(ctx: OpContext, request: Send) -> Queued:
    """Raises `OpError`, `DirectoryError` and `StoreError`."""
    account = SendingAccount.of(ctx, request.channel, request.account, sends=not request.dry_run)
    if len(request.text) > LONGEST_TEXT:
        raise OpError(
            later(
                "the text has {n} characters, at most {most} are sent", n=len(request.text), most=LONGEST_TEXT
            )
        )
    if says_nothing(request.text) and not request.media:
        what = later("the text says nothing") if request.text else later("there is nothing to send")
        raise OpError(what, later("write a text, or name a file with --media"))
    to = await account.recipient(request.target)
    await account.may_leave(to.thread)
    warnings = await _warnings(account, to)
    reply = await _reply(account, to.thread, request)
    try:
        outs = await _planned(account, to.thread, reply)
        if not outs:
            raise OpError(later("the text says nothing"), later("write a text, or name a file with --media"))
        numbers = [] if request.dry_run else await _queue(account, outs)
    except BaseException:
        discard(reply.files)
        raise
    if request.dry_run:
        discard(reply.files)
    return _queued(account, to.thread, to.name, outs, numbers, warnings)


@operation(changes=True)
async def react(ctx: OpContext, request: React) -> Queued:
    """Raises `OpError`, `DirectoryError` and `StoreError`."""
    account = SendingAccount.of(ctx, request.channel, request.account)
    account.needs(Capability.REACTION)
    icon = icon_of(account.channel, request.emoji)
    to = await account.recipient(request.target)
    await account.may_leave(to.thread)
    async with ctx.own(account.name) as store:
        found = await store.attempt(reactions.target, to.thread, _id(request.message_id))
        if found is None:
            unknown, id_ = later("no message {id} of {thread} is known"), plain(request.message_id)
            raise OpError(later(unknown, id=id_, thread=str(to.thread)), "openclaw why --last 20")
        if not found.client_id:
            ids = later(
                "message {id} cannot be reacted to: the platform did not tell all of its ids",
                id=found.message_id,
            )
            raise OpError(ids)
        outs = [Reaction(to.thread, found.message_id, icon, found.client_id)]
        numbers = await store.attempt(operator_sends.queue, outs)
    return _queued(account, to.thread, to.name, outs, numbers)


@operation(changes=True)
async def undo(ctx: OpContext, request: TakeBack) -> Queued:
    """Raises `OpError`, `DirectoryError` and `StoreError`."""
    account = SendingAccount.of(ctx, request.channel, request.account)
    account.needs(Capability.UNDO)
    thread = (await account.correspondent(request.target)).thread if request.target else None
    async with ctx.own(account.name) as store:
        whole = request.whole
        if request.number:
            back = await store.attempt(operator_sends.take_back_chunk, request.number, thread, whole=whole)
        else:
            id_ = _id(request.message_id)
            back = await store.attempt(operator_sends.take_back, id_, thread, whole=whole)
    if account.live and back.turn is not None:
        account.live.settled(back.turn)
    name = await account.name_of(back.thread)
    undos = [Undo(back.thread, "", "") for _ in back.queued]
    return _queued(account, back.thread, name, undos, back.queued, cancelled=back.cancelled)


@operation
async def outcome(ctx: OpContext, request: Outcome) -> Outcomes:
    """Raises `OpError`."""
    if not 0 < len(request.numbers) <= _MOST_NUMBERS:
        raise OpError(later("the outcome of 1 to {n} messages can be asked for", n=_MOST_NUMBERS))
    account = SendingAccount.of(ctx, *request.account.split("/", 1), sends=False)
    ends_ms = ctx.now_ms() + min(request.wait_ms, LONGEST_WAIT_MS)
    while True:
        found = await _outcome(account, request.numbers)
        if not _may_change(found, max(ends_ms, request.until_ms)) or ctx.now_ms() >= ends_ms:
            return found
        await asyncio.sleep(_LOOK_EVERY_S)


async def _outcome(account: SendingAccount, numbers: Sequence[int]) -> Outcomes:
    parts = await account.ctx.ask(lambda reader: reader.sent_by_operator(account.name, numbers))
    trouble, help = account.trouble()
    held = (part for part in parts if not part.settled and part.kind != Capability.UNDO)
    paused = (account.paused(part.thread) for part in held)
    return Outcomes(tuple(parts), next(filter(None, paused), ""), trouble, help, account.stopped)


def _may_change(found: Outcomes, until_ms: int) -> bool:
    """Whether waiting makes sense: not for what is held longer than that, nor without a gateway."""
    held = found.paused or found.stopped or any((part.held_until_ms or 0) > until_ms for part in found.open)
    waits = all(part.state in (ChunkState.QUEUED, ChunkState.HELD) for part in found.open)
    return bool(found.open) and not (held and waits)


async def _reply(account: SendingAccount, thread: Thread, request: Send) -> Reply:
    """What is sent, with private copies of its files."""
    quote, people = None, tuple[Person, ...]()
    if request.reply_to:
        account.needs(Capability.QUOTE)
        if says_nothing(request.text):
            raise OpError(later("only a text can quote a message"), later("write one beside --reply-to"))
        id_ = _id(request.reply_to)
        quote = await account.ctx.ask(lambda reader: reader.quotable(account.name, thread, id_))
    if thread.kind is ThreadKind.GROUP and "@" in request.text:
        people = await account.members(thread.id)
    files = await account.copies(request.media)
    return Reply(request.text, markdown=not request.plain, files=files, people=people, quote=quote)


async def _planned(account: SendingAccount, thread: Thread, reply: Reply) -> list[Outgoing]:
    """The chunks of a text and its files, without what is switched off."""
    simulated = bool(rehearsal_of(account.channel))
    off = await account.ctx.ask(lambda reader: reader.abilities_off(account.name, simulated=simulated))
    outs = account.channel.plan(account.target.account, thread, reply)
    return plain_forms.plain(outs, [one.ability for one in off])


async def _queue(account: SendingAccount, outs: Sequence[Outgoing]) -> list[int]:
    async with account.ctx.own(account.name) as store:
        return await store.attempt(operator_sends.queue, outs)


async def _warnings(account: SendingAccount, to: Recipient) -> tuple[SendWarning, ...]:
    hours = QuietHours.of(account.target.account.settings.quiet_hours, account.ctx.zone())
    now_ms = account.ctx.now_ms()
    quiet = () if hours.now(now_ms) is None else (SendWarning.QUIET_HOURS,)
    return (*await _about(account, to, now_ms), *quiet)


async def _about(account: SendingAccount, to: Recipient, now_ms: int) -> tuple[SendWarning, ...]:
    turned_away = await account.ctx.ask(lambda reader: reader.rejected(now_ms))
    if any((one.account, one.sender_id) == (account.name, to.thread.id) for one in turned_away):
        return (SendWarning.REJECTED,)
    if to.known:
        return ()
    return (SendWarning.STRANGER if to.thread.kind is ThreadKind.DM else SendWarning.NOT_A_MEMBER,)


def icon_of(channel: Channel, written: str) -> str:
    """The name of a reaction; empty to take the account's own ones back. Raises `OpError`."""
    if not written.strip() or not isinstance(channel, Reacts):
        return written.strip()
    if found := channel.icon(written):
        return found
    known = ", ".join(f"{one.name} {one.emoji}".strip() for one in channel.icons())
    raise OpError(
        later("'{written}' is no reaction", written=plain(written)[:_LONGEST_ID]),
        later("the reactions are: {known}", known=known),
    )


def _id(written: str) -> str:
    """A message's id. Raises `OpError`."""
    id_ = written.strip()
    if not 0 < len(id_) <= _LONGEST_ID:
        raise OpError(later("the id of a message is missing"), later("openclaw why --last 20 shows them"))
    return id_


def _queued(
    account: SendingAccount,
    thread: Thread,
    name: str,
    outs: Sequence[Outgoing],
    numbers: Sequence[int],
    warnings: tuple[SendWarning, ...] = (),
    cancelled: int = 0,
) -> Queued:
    """The answer, once the sender knows that there is something new."""
    if account.live and (numbers or cancelled):
        account.live.wake()
    told = (_part(number, out) for number, out in zip(numbers or [0] * len(outs), outs, strict=True))
    back = all(isinstance(out, Undo) for out in outs)
    words, paused = target_words(thread), "" if back else account.paused(thread)
    return Queued(account.name, words, shortened(name), tuple(told), warnings, paused, cancelled)


def _part(number: int, out: Outgoing) -> Part:
    match out:
        case Text():
            return Part(number, Capability.TEXT, out.text)
        case Media():
            return Part(number, Capability(out.kind), "\n".join(filter(None, (out.caption, out.name))))
        case Photos():
            return Part(number, Capability.ALBUM, later("{n} photos", n=len(out.paths)))
        case Link():
            return Part(number, Capability.LINK, "\n".join(filter(None, (out.text, out.url))))
        case Reaction():
            return Part(number, Capability.REACTION, out.icon)
        case Undo():
            return Part(number, Capability.UNDO, "")
