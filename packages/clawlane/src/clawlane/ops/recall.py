"""Takes back what left in the owner's name: message after message, the newest first.

The run is in the process of the command, and the gateway sends each undo through its gate. What was taken
back is in the store, so that a run that was stopped goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from clawlane.channel import Capability
from clawlane.ops.client import Client, ControlError, NoAnswer
from clawlane.ops.context import OpContext
from clawlane.ops.message import Outcome, Outcomes
from clawlane.ops.messages import MOST_SENT, Sent, search_of
from clawlane.ops.operation import AccountRequest, OpError, Request, operation
from clawlane.ops.outcome import wait_for
from clawlane.ops.sending_account import SendingAccount
from clawlane.store import operator_sends
from clawlane.store.errors import NotInOutbox, TakenBack
from clawlane.store.outbox_listing import Listed
from clawlane.store.reader import Reader
from clawlane.store.states import ChunkState
from clawlane.texts import later, told

MOST_FAILED = 3
"""So many failures in a row end a run: what is older fails as well, and asking on draws attention."""

_WAIT_S = 90.0
"""How long one message is waited for: longer than a budget of a minute holds it."""

_WAITS = (ChunkState.SENDING, ChunkState.QUEUED, ChunkState.HELD)
_REACTION = later("a reaction; remove it: openclaw message react --remove")
_UNDECIDED = later("nobody knows whether it arrived; decide first: openclaw outbox list")


class Fate(StrEnum):
    """What became of a message that was to be taken back."""

    PLANNED = "planned"  # nothing yet
    RECALLED = "recalled"
    ALREADY = "already_recalled"
    REFUSED = "refused"  # by the platform, mostly because it is too old
    UNKNOWN = "unknown"  # whether it arrived at all, or whether it is gone
    WAITS = "waits"  # it is in the outbox, and is taken back later
    CANNOT = "cannot_be_recalled"  # its id on the platform is not known
    NOT_A_MESSAGE = "not_a_message"  # a reaction
    NOT_TRIED = "not_tried"  # the run had ended


@dataclass(frozen=True, slots=True)
class FindRecallable(Request["Recallable"]):
    """What `Sent` finds, as far as it can be taken back."""

    sent: Sent


@dataclass(frozen=True, slots=True)
class Recalled:
    """One message, what became of it, and why."""

    message: Listed
    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Recallable:
    """The newest first. `more` says that there was more than is told."""

    messages: list[Recalled]
    more: bool


@dataclass(frozen=True, slots=True)
class RecallOne(AccountRequest["Begun"]):
    """Take the message back that has this number in the outbox."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Begun:
    """The numbers of what takes it back, or why nothing can; `already` where it is gone meanwhile."""

    numbers: tuple[int, ...] = ()
    reason: str = ""
    already: bool = False


@operation
async def find(ctx: OpContext, request: FindRecallable) -> Recallable:
    """Raises `OpError`."""
    asked = request.sent
    limit = min(asked.limit or MOST_SENT, MOST_SENT)
    search = search_of(ctx, asked)

    def found(reader: Reader) -> tuple[list[Listed], list[Listed]]:
        meant = search(reader)
        return reader.to_take_back(meant, limit + 1), reader.sent(meant, MOST_SENT)

    there, all_sent = await ctx.ask(found)
    if missing := set(asked.numbers) - {one.id for one in all_sent}:
        numbers = ", ".join(map(str, sorted(missing)))
        unknown = later("nothing of that channel that left has the number {numbers}", numbers=numbers)
        raise OpError(unknown, "openclaw sent")
    more = len(there) > limit
    there = there[-limit:]
    known = {one.id for one in there}
    # With a limit, what is older than the last that counts is left alone.
    oldest_ms = there[0].sent_ms or 0 if there and (more or asked.limit) else 0
    others = [one for one in all_sent if one.id not in known and (one.sent_ms or 0) >= oldest_ms]
    listed = [*there, *(one for one in others if one.kind != Capability.UNDO and not _is_open(one))]
    listed.sort(key=lambda one: (one.sent_ms or 0, one.id), reverse=True)
    return Recallable([_planned(one) for one in listed], more)


def _is_open(one: Listed) -> bool:
    """Whether it could be taken back, and is only beyond the limit."""
    return not one.taken_back and one.kind != Capability.REACTION


def _planned(one: Listed) -> Recalled:
    if one.taken_back:
        return Recalled(one, Fate.ALREADY)
    if one.kind == Capability.REACTION:
        return Recalled(one, Fate.NOT_A_MESSAGE, _REACTION)
    if one.state is ChunkState.SENDING:
        return Recalled(one, Fate.UNKNOWN, later("it is on its way; run the command again"))
    if one.state is ChunkState.UNKNOWN:
        return Recalled(one, Fate.UNKNOWN, _UNDECIDED)
    return Recalled(one, Fate.PLANNED)


@operation(changes=True)
async def recall(ctx: OpContext, request: RecallOne) -> Begun:
    """Raises `OpError`."""
    account = SendingAccount.of(ctx, request.channel, request.account)
    account.needs(Capability.UNDO)
    async with ctx.own(account.name) as store:
        try:
            back = await store.attempt(operator_sends.take_back_chunk, request.number, join=True)
        except TakenBack:
            return Begun(already=True)
        except NotInOutbox as error:
            return Begun(reason=told(error))
    if account.live:
        account.live.wake()
    return Begun(back.queued)


class Recall:
    """One run. `stopped` says why it ended before the last message, `help` what to do then."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._failed = 0
        self.stopped = ""
        self.help = ""

    def run(self, messages: Iterable[Recalled]) -> Iterator[Recalled]:
        """Each message, once it is known what became of it."""
        for one in messages:
            if one.fate is not Fate.PLANNED:
                yield one
            elif self.stopped:
                yield replace(one, fate=Fate.NOT_TRIED)
            else:
                yield self._counted(self._taken_back(one))

    def _taken_back(self, one: Recalled) -> Recalled:
        channel, _, account = one.message.account.partition("/")
        try:
            begun = self._client.call(RecallOne(channel, account, one.message.id))
            if begun.already:
                return replace(one, fate=Fate.ALREADY)
            if begun.reason:
                return replace(one, fate=Fate.CANNOT, reason=begun.reason)
            found = wait_for(self._client, Outcome(one.message.account, begun.numbers), _WAIT_S)
        except NoAnswer as error:
            self.stopped, self.help = told(error), error.help
            return replace(one, fate=Fate.UNKNOWN, reason=later("the gateway ended before it was known"))
        except (ControlError, OpError) as error:
            self.stopped, self.help = told(error), error.help
            return replace(one, fate=Fate.NOT_TRIED)
        return self._judged(one, found)

    def _judged(self, one: Recalled, found: Outcomes) -> Recalled:
        """What became of it, from what became of the undo of each of its messages."""
        reasons = {part.state: part.reason for part in found.parts}
        if waiting := next((state for state in _WAITS if state in reasons), None):
            why = found.trouble or reasons[waiting] or later("it was not sent in time")
            self.stopped, self.help = why, found.help or "openclaw outbox list"
            fate = Fate.UNKNOWN if waiting is ChunkState.SENDING else Fate.WAITS
            return replace(one, fate=fate, reason=why)
        if ChunkState.UNKNOWN in reasons or not reasons:
            why = reasons.get(ChunkState.UNKNOWN, later("it is not kept any more"))
            return replace(one, fate=Fate.UNKNOWN, reason=why)
        failed = [part for part in found.parts if part.state is not ChunkState.SENT]
        if not failed:
            return replace(one, fate=Fate.RECALLED, reason="")
        why = later(failed[0].reason or str(failed[0].state))
        if len(found.parts) > 1:
            why = later("{n} of {all}: {reason}", n=len(failed), all=len(found.parts), reason=why)
        return replace(one, fate=Fate.REFUSED, reason=why)

    def _counted(self, one: Recalled) -> Recalled:
        self._failed = self._failed + 1 if one.fate in (Fate.REFUSED, Fate.UNKNOWN) else 0
        if self._failed >= MOST_FAILED and not self.stopped:
            failed = later("{n} in a row could not be taken back: {reason}")
            self.stopped = later(failed, n=self._failed, reason=later(one.reason))
            self.help = later("look at the conversation on the phone")
        return one
