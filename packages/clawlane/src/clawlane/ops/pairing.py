"""Pairing: lists who asks to write to an account; approves, rejects and revokes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from clawlane.language import spoken
from clawlane.ops.context import OpContext, on_account
from clawlane.ops.operation import AccountRequest, Request, operation
from clawlane.store.errors import PairingUnknown
from clawlane.store.people import Approved, PairingRequest, Rejected
from clawlane.texts import in_each, later, t
from clawlane.threads import Thread, ThreadKind

if TYPE_CHECKING:
    from clawlane.ops.context import LiveAccount
    from clawlane.store.reader import Reader

T = TypeVar("T")
_NOTICE = later("The owner has approved you: you can write here now.")
"""What `notify` sends."""

_NOTHING_LEAVES = later("the person was not told: nothing may leave there while {rule} is 'off'")
_NOT_TOLD = later("the gateway is not running, so the person was not told")


@dataclass(frozen=True, slots=True)
class Requests(AccountRequest[list[PairingRequest]]):
    """Who waits for the owner, on one account or on all of a channel; the oldest first."""


@dataclass(frozen=True, slots=True)
class Approvals(AccountRequest[list[Approved]]):
    """The people the owner approved by pairing."""


@dataclass(frozen=True, slots=True)
class Rejections(AccountRequest[list[Rejected]]):
    """The people the owner rejected; the newest last."""


@dataclass(frozen=True, slots=True)
class Approve(Request["LetIn"]):
    """Approve the sender who was given `code`; with `notify` they get a text."""

    channel: str | None
    code: str
    account: str | None = None
    notify: bool = False


@dataclass(frozen=True, slots=True)
class LetIn:
    """Who may write now. `warning` says that they could not be told, or when they will be."""

    approved: Approved
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Revoke(Request[list[Approved]]):
    """Take the approvals of a sender back, on one account or on all."""

    channel: str | None
    sender_id: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Reject(Request[list[Rejected]]):
    """Reject somebody, by code or id, for 30 days or with `block` for good."""

    channel: str | None
    who: str
    account: str | None = None
    block: bool = False


@dataclass(frozen=True, slots=True)
class Unblock(Request[list[Rejected]]):
    """Let somebody who was rejected ask again."""

    channel: str | None
    sender_id: str
    account: str | None = None


@operation
async def requests(ctx: OpContext, request: Requests) -> list[PairingRequest]:
    channel, account = ctx.named(request.channel, request.account)
    return await ctx.ask(lambda reader: on_account(reader.requests(ctx.now_ms()), channel, account))


@operation
async def approvals(ctx: OpContext, request: Approvals) -> list[Approved]:
    channel, account = ctx.named(request.channel, request.account)
    return await ctx.ask(lambda reader: on_account(reader.approved(), channel, account))


@operation
async def rejections(ctx: OpContext, request: Rejections) -> list[Rejected]:
    channel, account = ctx.named(request.channel, request.account)
    return await ctx.ask(lambda reader: on_account(reader.rejected(ctx.now_ms()), channel, account))


@operation(changes=True)
async def approve(ctx: OpContext, request: Approve) -> LetIn:
    """It holds from the next message on. Raises `PairingUnknown`."""
    from clawlane.access.context import shortened
    from clawlane.access.pairing import normalise_code
    from clawlane.store import pairing

    channel, account = ctx.named(request.channel, request.account)
    code = normalise_code(request.code)
    waiting = on_account(await ctx.ask(lambda reader: reader.requests(ctx.now_ms())), channel, account)
    with_code = [one for one in waiting if one.code == code]
    if len(with_code) > 1:
        names = ", ".join(sorted(one.account for one in with_code))
        told = later("the code {code} waits on several accounts: {names}; name one with --account")
        raise PairingUnknown(later(told, code=code, names=names))
    asked = with_code[0] if with_code else None
    if asked is None:
        if used := await ctx.ask(lambda reader: reader.used_code(code)):
            name = shortened(used.sender_name)
            who = f"{name} ({used.sender_id})" if name else used.sender_id
            raise PairingUnknown(
                later(
                    "the code {code} was used before: it let in {who} on {account}",
                    code=code,
                    who=who,
                    account=used.account,
                )
            )
        raise PairingUnknown(
            later(
                "no pending request has the code {code!r}; see: openclaw pairing list {channel}",
                code=code,
                channel=channel,
            )
        )
    owner, sender_id = asked.account, asked.sender_id
    live = ctx.live.get(owner)
    tells, warning = False, ""
    if request.notify:
        tells, warning = await _told(ctx, owner, live, Thread(ThreadKind.DM, sender_id))
    notice = in_each(spoken(live.language), "\n", _NOTICE) if live and tells else ""
    async with ctx.own(owner) as account_store:
        approved = await account_store.attempt(pairing.approve, code, notice)
    if live is not None:
        await live.pairing_changed()
        live.wake()
    return LetIn(approved, warning)


async def _told(ctx: OpContext, owner: str, live: LiveAccount | None, thread: Thread) -> tuple[bool, str]:
    """Whether somebody who is let in can be told so, and what the operator should know about that."""
    from clawlane.config.choices import OutboundMode, QuietDo
    from clawlane.lane.hours import QuietHours
    from clawlane.ops.account_reading import holds_warm_up
    from clawlane.ops.sending_account import SendingAccount

    if live is None:
        return False, t(_NOT_TOLD)
    mode, rule = live.outbound(thread)
    if mode is OutboundMode.OFF:
        return False, t(_NOTHING_LEAVES, rule=rule.path)
    quiet = QuietHours.of(live.account.settings.quiet_hours, ctx.zone()).now(ctx.now_ms())
    if quiet and quiet.do is QuietDo.DROP:
        return False, t("the person was not told: quiet hours drop what would leave now")
    channel, _, account = owner.partition("/")
    if resume := SendingAccount(ctx, ctx.target(channel, account), live).paused(thread):
        return True, t("the person is told once the pause ends: {command}", command=resume)
    if quiet:
        return True, t("the person is told once the quiet hours end")
    if await ctx.ask(lambda reader: holds_warm_up(ctx, live.account, reader)):
        return True, t("the person is told once the warm-up of the new session lets it leave")
    return True, ""


@operation(changes=True)
async def revoke(ctx: OpContext, request: Revoke) -> list[Approved]:
    """It holds at once. Raises `PairingUnknown`."""
    from clawlane.store import pairing

    channel, account = ctx.named(request.channel, request.account)
    sender_id = request.sender_id
    approved = await ctx.ask(lambda reader: on_account(reader.approved(), channel, account))
    meant = [(one.account, sender_id) for one in approved if one.sender_id == sender_id]
    if not meant:
        raise PairingUnknown(
            later(
                "{sender_id!r} was not approved by pairing; see: openclaw pairing approved {channel}",
                sender_id=sender_id,
                channel=channel,
            )
        )
    return await _on_each(ctx, meant, pairing.revoke)


@operation(changes=True)
async def reject(ctx: OpContext, request: Reject) -> list[Rejected]:
    """It holds at once. Raises `PairingUnknown`."""
    from clawlane.store import pairing

    return await _on_each(ctx, await senders_meant(ctx, request), pairing.reject, block=request.block)


async def senders_meant(ctx: OpContext, request: Reject) -> list[tuple[str, str]]:
    """Whom a rejection means, as accounts with the sender's id. Raises `PairingUnknown`."""
    channel, account = ctx.named(request.channel, request.account)
    if account is None:
        block, _ = ctx.block(ctx.manifest(channel))
        account = block.accounts[0].id if len(block.accounts) == 1 else None
    who, now_ms = request.who, ctx.now_ms()
    return await ctx.ask(lambda reader: _senders_meant(reader, channel, account, who, now_ms))


@operation(changes=True)
async def unblock(ctx: OpContext, request: Unblock) -> list[Rejected]:
    """Raises `PairingUnknown`."""
    from clawlane.store import pairing

    channel, account = ctx.named(request.channel, request.account)
    sender_id = request.sender_id
    found = await ctx.ask(lambda reader: on_account(reader.rejected(ctx.now_ms()), channel, account))
    meant = [(one.account, sender_id) for one in found if one.sender_id == sender_id]
    if not meant:
        raise PairingUnknown(
            later(
                "{sender_id!r} is not rejected; see: openclaw pairing list {channel} --rejected",
                sender_id=sender_id,
                channel=channel,
            )
        )
    return await _on_each(ctx, meant, pairing.unblock)


async def _on_each(
    ctx: OpContext, meant: list[tuple[str, str]], transition: Callable[..., T], **options: bool
) -> list[T]:
    """Run a transition for every pair of an account and a sender's id."""
    done = []
    for owner, sender_id in meant:
        if not ctx.includes(owner):
            continue
        async with ctx.own(owner) as account_store:
            done.append(await account_store.attempt(transition, sender_id, **options))
        if live := ctx.live.get(owner):
            await live.pairing_changed()
    return done


def _senders_meant(
    reader: Reader, channel: str, account: str | None, who: str, now_ms: int
) -> list[tuple[str, str]]:
    """Who is meant by a code or an id, as accounts with the sender's id.

    Somebody who asked nowhere is meant on the account that is named. Raises `PairingUnknown` with what to do.
    """
    from clawlane.access.pairing import normalise_code
    from clawlane.config.senders import is_numeric_id
    from clawlane.store.pairing import approved_before

    waiting = on_account(reader.requests(now_ms), channel, account)
    if found := [(one.account, one.sender_id) for one in waiting if one.code == normalise_code(who)]:
        return found
    owners = {one.account for one in waiting if one.sender_id == who}
    rejected = on_account(reader.rejected(now_ms), channel, account)
    owners |= {one.account for one in rejected if one.sender_id == who}
    if owners:
        return [(owner, who) for owner in sorted(owners)]
    for one in on_account(reader.approved(), channel, account):
        if one.sender_id == who:
            raise PairingUnknown(approved_before(one.account, who))
    if not is_numeric_id(who):
        raise PairingUnknown(
            later(
                "no pending request has the code or id {who!r}; see: openclaw pairing list {channel}",
                who=who,
                channel=channel,
            )
        )
    if account is None:
        raise PairingUnknown(
            later(
                "{who!r} is not waiting; to reject them in advance, name the account: openclaw"
                " pairing reject {channel} {who} --account ACCOUNT",
                who=who,
                channel=channel,
            )
        )
    return [(f"{channel}/{account}", who)]
