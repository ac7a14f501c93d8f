"""The kill switch: pauses that begin at once, hold over restarts, and end by a command or by their time.

The gate of an account holds what is in force, the store what a restart finds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct, field

from clawlane.ops.alarm_info import AlarmInfo
from clawlane.ops.operation import AccountRequest, operation
from clawlane.store.errors import PauseRefused, StoreFailed
from clawlane.store.told import Overdue, Pause, PauseLevel, Resumed
from clawlane.texts import later
from clawlane.threads import Thread, ThreadKind

if TYPE_CHECKING:
    import logging

    from clawlane.channel import Account
    from clawlane.ops.context import OpContext
    from clawlane.store.account_store import AccountStore
    from clawlane.store.owner_takeovers import Takeover
    from clawlane.store.reader import Reader

_KINDS = {"dm": ThreadKind.DM, "user": ThreadKind.DM, "group": ThreadKind.GROUP}


@dataclass(frozen=True, slots=True)
class BeginPause(AccountRequest["PauseBegun"]):
    """Pause an account or a thread of it; without a channel and an account, all accounts.

    A thread is `dm:ID`, `group:ID`, or the id of one that was read from. `until_ms` is when the pause ends by
    itself.
    """

    thread: str | None = None
    level: PauseLevel = PauseLevel.MUTE
    until_ms: int | None = None


class PauseInfo(Struct, frozen=True):
    """A pause, of a thread (`dm:ID`, `group:ID`) or of the whole account.

    `reason` is the kind of alarm that began it, empty for an operator. `name` is that of the person or group
    of the thread, empty if nobody knows.
    """

    account: str
    thread: str | None
    level: PauseLevel
    since_ms: int
    until_ms: int | None
    reason: str = ""
    name: str = ""

    @classmethod
    def of(cls, pause: Pause, reader: Reader) -> PauseInfo:
        thread = pause.thread
        name = reader.thread_name(pause.account, thread) if thread else ""
        until_ms, reason = pause.until_ms, pause.reason
        return cls(pause.account, _name(thread), pause.level, pause.since_ms, until_ms, reason, name)


class TakeoverInfo(Struct, frozen=True):
    """A thread (`dm:ID`, `group:ID`) in which the agent holds back because the owner wrote there by hand."""

    account: str
    thread: str
    name: str
    since_ms: int
    until_ms: int

    @classmethod
    def of(cls, takeover: Takeover) -> TakeoverInfo:
        thread = str(takeover.thread)
        return cls(takeover.account, thread, takeover.name, takeover.since_ms, takeover.until_ms)


class PauseBegun(Struct, frozen=True):
    """What is paused now. `running` says whether a gateway holds to it, or the next one will."""

    running: bool
    paused: list[PauseInfo]


@dataclass(frozen=True, slots=True)
class Pauses(AccountRequest["PausesInForce"]):
    """The pauses and takeovers in force, named as for `BeginPause`; with a thread, what holds that back."""

    thread: str | None = None


class PausesInForce(Struct, frozen=True):
    """What is held back. `waits` are the accounts (`channel/id`) whose pause ends with `upgrade accept`."""

    running: bool
    pauses: list[PauseInfo]
    takeovers: list[TakeoverInfo]
    waits: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EndPause(AccountRequest["PauseEnded"]):
    """End a pause, named as for `BeginPause`.

    What waited and is too old by now expires; with `flush` it goes on, and so does what expired at the last
    resume. An account that is named is also taken back from another client, and in a thread that is named
    the agent goes on where its owner has written by hand.
    """

    thread: str | None = None
    flush: bool = False


class Expired(Struct, frozen=True):
    """Something that a pause made too old: a message with its `turn`, or a text of the gateway itself."""

    thread: str
    age_ms: int
    turn: int | None
    message_id: str

    @classmethod
    def of(cls, overdue: Overdue) -> Expired:
        return cls(str(overdue.thread), overdue.age_ms, overdue.turn, overdue.message_id)


class AccountResumed(Struct, frozen=True):
    """What the end of a pause came to. `was` is None where nothing was paused, `still` is paused on.

    `flushed` are the turns that had expired at the last resume, and go on now; `acknowledged` are the alarms
    that had muted the account. `given_back` says that a takeover of the thread has ended; `takeovers` are in
    force still.
    """

    account: str
    thread: str | None
    was: PauseInfo | None
    expired: list[Expired]
    flushed: list[int]
    still: list[PauseInfo]
    taken_back: bool
    given_back: bool
    takeovers: list[TakeoverInfo]
    acknowledged: list[AlarmInfo] = field(default_factory=list)


class PauseEnded(Struct, frozen=True):
    """The result for each account. `running` says whether a gateway did it."""

    running: bool
    resumed: list[AccountResumed]


@operation
async def pauses(ctx: OpContext, request: Pauses) -> PausesInForce:
    """Raises `PauseRefused` for an account that is not there."""
    accounts, thread = await meant(ctx, request.channel, request.account, request.thread)
    held = {str(one): await _paused(ctx, str(one)) for one in accounts}
    now_ms = ctx.now_ms()

    def found(reader: Reader) -> PausesInForce:
        pauses = [
            PauseInfo.of(one, reader)
            for one in chain.from_iterable(held.values())
            if (one.until_ms is None or one.until_ms > now_ms) and thread in (None, one.thread or thread)
        ]
        taken = chain.from_iterable(reader.taken_over(name, now_ms) for name in held)
        takeovers = [TakeoverInfo.of(one) for one in taken if thread in (None, one.thread)]
        return PausesInForce(ctx.in_gateway, pauses, takeovers, [*filter(reader.held_by_upgrade, held)])

    return await ctx.ask(found)


@operation(changes=True)
async def pause(ctx: OpContext, request: BeginPause) -> PauseBegun:
    """It holds at once, and is stored on return.

    Raises `PauseRefused`, and `StoreFailed` where it holds, but could not be written down.
    """
    from clawlane.store import pauses

    accounts, thread = await meant(ctx, request.channel, request.account, request.thread)
    if thread is not None and request.level is PauseLevel.OFFLINE:
        raise PauseRefused(later("a thread can only be muted; offline is for whole accounts"))
    now_ms = ctx.now_ms()
    new = [Pause(str(one), thread, request.level, now_ms, request.until_ms) for one in accounts]
    if thread is None:
        new = [_not_weaker(one, await _paused(ctx, one.account)) for one in new]
    for one in new:
        if live := ctx.live.get(one.account):
            live.hold([*(held for held in live.pauses if held.thread != thread), one])
    for one in new:
        live = ctx.live.get(one.account)
        try:
            async with ctx.own(one.account) as account_store:
                await account_store.attempt(pauses.pause, one)
        except StoreFailed as error:
            if live is None:
                raise
            raise StoreFailed(
                later("{one} is paused, but a restart would forget it: {error}", one=one, error=error.args[0])
            ) from error
        if live is not None:
            await live.connect()
        _log().info("%s is paused (%s)", one, one.level)
    return PauseBegun(ctx.in_gateway, await _told(ctx, new))


@operation(changes=True)
async def resume(ctx: OpContext, request: EndPause) -> PauseEnded:
    """Raises `PauseRefused`, and `StoreFailed` where the pause holds on because nothing can be written."""
    accounts, thread = await meant(ctx, request.channel, request.account, request.thread)
    told = []
    if thread is None and request.account is not None and await _waits(ctx, str(accounts[0])):
        raise PauseRefused(
            later("{account} waits until you accept an upgrade: openclaw upgrade accept", account=accounts[0])
        )
    for account in accounts:
        given_back = thread is not None and await _give_back(ctx, account, thread)
        resumed = await end(ctx, account, thread, flush=request.flush)
        live = ctx.live.get(str(account))
        held = live.pauses if live else await ctx.ask(lambda reader: reader.pauses())
        still = await _told(ctx, [one for one in held if one.account == str(account)])
        was = await _told(ctx, [resumed.was] if resumed.was else [])
        whole = request.account is not None and thread is None
        taken_back = whole and await _take_back(ctx, account)
        name, now_ms = str(account), ctx.now_ms()
        takeovers = await ctx.ask(partial(_taken_over, name, now_ms))
        told.append(
            AccountResumed(
                account=resumed.account,
                thread=_name(resumed.thread),
                was=was[0] if was else None,
                expired=list(map(Expired.of, resumed.expired)),
                flushed=list(resumed.flushed),
                still=still,
                taken_back=taken_back,
                given_back=given_back,
                takeovers=list(map(TakeoverInfo.of, takeovers)),
                acknowledged=await _alarms(ctx, resumed.acknowledged),
            )
        )
    return PauseEnded(ctx.in_gateway, told)


async def _told(ctx: OpContext, found: Collection[Pause]) -> list[PauseInfo]:
    """Pauses with the names of their threads."""
    return await ctx.ask(lambda reader: [PauseInfo.of(one, reader) for one in found])


def _not_weaker(new: Pause, former: list[Pause]) -> Pause:
    """A pause in place of that of an alarm, which does not end by itself."""
    of_alarm = next((one for one in former if one.thread is None and one.reason), None)
    return replace(new, until_ms=None, reason=of_alarm.reason) if of_alarm else new


async def end(
    ctx: OpContext, account: Account, thread: Thread | None, *, flush: bool = False, patient: bool = False
) -> Resumed:
    """End the pause of an account, or of one of its threads. One that begins meanwhile holds on.

    The alarms that muted the account are acknowledged by that. While the account waits for the operator to
    accept an upgrade, its pause holds on without an end.
    Raises `StoreFailed` while the disk is in the way, unless it is `patient`.
    """
    from clawlane.store import alarms, pauses

    name = str(account)
    live = ctx.live.get(name)
    ended = [held for held in live.pauses if held.thread == thread] if live else []
    if thread is None and await _waits(ctx, name):
        for held in [one for one in await _paused(ctx, name) if one.thread is None]:
            await put_back(ctx, replace(held, until_ms=None))
        return Resumed(name, None, None)
    oldest_ms = ctx.now_ms() - int(account.settings.backlog_max_age.total_seconds() * 1000)
    async with ctx.own(name) as account_store:
        write = account_store.run if patient else account_store.attempt
        seen = [] if thread else await write(alarms.acknowledge)
        resumed = await end_pause(account_store, thread, oldest_ms, flush=flush, patient=patient)
        resumed = replace(resumed, acknowledged=tuple(alarm.id for alarm in seen))
        if live is not None:
            for later in (held for held in live.pauses if held.thread == thread and held not in ended):
                await write(pauses.begin, later)
    if resumed.was is not None:
        _log().info("%s is resumed; %d expired meanwhile", resumed.was, len(resumed.expired))
    if live is not None:
        live.acknowledged(seen)
        await live.resumed(resumed)
        live.hold([held for held in live.pauses if held not in ended])
        await live.connect()
    return resumed


async def end_pause(
    account_store: AccountStore, thread: Thread | None, oldest_ms: int, *, flush: bool, patient: bool = False
) -> Resumed:
    """End a pause in the store. What is about messages from before `oldest_ms` expires, or goes on (`flush`).

    A batch at a time, so that others may write in between; the pause holds until the last one. Raises
    `StoreFailed` while the disk is in the way, unless it is `patient`.
    """
    from clawlane.store import pauses

    write = account_store.run if patient else account_store.attempt
    steps: list[Resumed] = []
    while not steps or not steps[-1].done:
        steps.append(await write(pauses.resume, thread, oldest_ms, flush=flush))
    return pauses.joined(steps)


async def _alarms(ctx: OpContext, ids: Collection[int]) -> list[AlarmInfo]:
    """The alarms with these numbers."""
    found = await ctx.ask(lambda reader: reader.alarms()) if ids else []
    return [AlarmInfo.of(one) for one in found if one.id in ids]


async def put_back(ctx: OpContext, held: Pause) -> None:
    """Have a pause in the place of the one of the same account or thread."""
    from clawlane.store import pauses

    async with ctx.own(held.account) as account_store:
        await account_store.attempt(pauses.begin, held)
    if live := ctx.live.get(held.account):
        live.hold([*(one for one in live.pauses if one.thread != held.thread), held])
        await live.connect()


async def _paused(ctx: OpContext, name: str) -> list[Pause]:
    """The pauses of an account in force, or as they are stored."""
    if live := ctx.live.get(name):
        return list(live.pauses)
    return [one for one in await ctx.ask(lambda reader: reader.pauses()) if one.account == name]


async def _waits(ctx: OpContext, name: str) -> bool:
    """Whether an account waits for the operator to accept an upgrade."""
    return await ctx.ask(lambda reader: reader.held_by_upgrade(name))


def _taken_over(account: str, now_ms: int, reader: Reader) -> list[Takeover]:
    return reader.taken_over(account, now_ms)


async def _give_back(ctx: OpContext, account: Account, thread: Thread) -> bool:
    """End what the owner took over in a thread. False where that was nothing."""
    from clawlane.store import owner_takeovers

    async with ctx.own(str(account)) as account_store:
        given_back = await account_store.attempt(owner_takeovers.end, thread)
    if given_back:
        _log().info("%s goes on in %s, where its owner had written", account, thread)
        if live := ctx.live.get(str(account)):
            live.give_back(thread)
    return given_back


async def _take_back(ctx: OpContext, account: Account) -> bool:
    """Run an account again that another client took over, now or with the next gateway. False if none did."""
    if live := ctx.live.get(str(account)):
        return await live.take_back()
    import asyncio

    mark = ctx.profiles.takeover(account.channel, account.profile)
    return await asyncio.to_thread(mark.clear)


async def meant(
    ctx: OpContext, channel: str | None, account: str | None, thread: str | None
) -> tuple[list[Account], Thread | None]:
    """The accounts that are named, and the thread. A thread belongs to one account: the default one."""
    channel = ctx.manifest(channel).id if channel else None
    channels = ctx.config.channels
    if not channels:
        raise PauseRefused(
            later(
                "no account is configured, so there is nothing to pause or resume; set one up:"
                " openclaw onboard"
            )
        )
    if thread is None:
        return _accounts(ctx, channel, account), None
    if account is None and (channel or len(channels) == 1):
        block = channels.get(channel or next(iter(channels)))
        account = block.default_account if block else None
    accounts = _accounts(ctx, channel, account)
    if len(accounts) > 1:
        raise PauseRefused(later("a thread belongs to one account; name it with --account"))
    return accounts, await _thread(ctx, str(accounts[0]), thread)


def _accounts(ctx: OpContext, channel: str | None, account: str | None) -> list[Account]:
    everything = [one for block in ctx.config.channels.values() for one in block.accounts]
    wanted = account.strip().lower() if account else None
    found = [one for one in everything if channel in (None, one.channel) and wanted in (None, one.id)]
    if len(found) == 1 or (found and wanted is None):
        return [one for one in found if ctx.includes(str(one))]
    if wanted and not found and (waits := ctx.account_waits(channel, wanted)):
        raise waits
    what = later("several channels have an account") if found else later("there is no account")
    named = "/".join(word for word in (channel, wanted) if word)
    raise PauseRefused(
        later(
            "{what} '{named}'; the accounts are: {names}",
            what=what,
            named=named,
            names=", ".join(map(str, everything)),
        )
    )


async def _thread(ctx: OpContext, account: str, named: str) -> Thread:
    kind, colon, id_ = named.strip().rpartition(":")
    if colon and kind in _KINDS and id_:
        return Thread(_KINDS[kind], id_)
    known = [] if colon else await ctx.ask(lambda reader: reader.threads(account, id_))
    if len(known) == 1:
        return known[0]
    raise PauseRefused(
        later(
            "{account} has read nothing from a thread '{named}'; write dm:ID or group:ID",
            account=account,
            named=named,
        )
    )


def _name(thread: Thread | None) -> str | None:
    return str(thread) if thread else None


def _log() -> logging.Logger:
    import logging

    return logging.getLogger(__name__)
