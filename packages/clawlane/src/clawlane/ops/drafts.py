"""Drafts: what agents wrote where the owner approves what leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clawlane.ops.context import OpContext, on_account
from clawlane.ops.operation import AccountRequest, OpError, Request, operation
from clawlane.store.draft_told import Draft, Staleness
from clawlane.store.errors import NoDraft
from clawlane.store.states import DraftState
from clawlane.texts import later

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clawlane.access.in_force import Rules
    from clawlane.access.policy import Grants
    from clawlane.messages import Outgoing
    from clawlane.ops.context import Target
    from clawlane.store.account_store import AccountStore

LONGEST_TEXT = 40_000
"""Characters of a text that an owner writes in the place of an agent's."""


@dataclass(frozen=True, slots=True)
class List(AccountRequest["Listed"]):
    """The drafts that wait on a channel, or on one account of it; or else those that have `expired`."""

    expired: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """The drafts, in order. `others` is how many there are of the other sort, expired or waiting."""

    drafts: list[Draft]
    others: int


@dataclass(frozen=True, slots=True)
class Show(Request[Draft]):
    """One draft."""

    number: int


@dataclass(frozen=True, slots=True)
class Approve(Request["Approved"]):
    """Send what a draft says, as pauses and pacing let it. `stale_ok`: whatever was said there since."""

    number: int
    stale_ok: bool = False


@dataclass(frozen=True, slots=True)
class Approved:
    """Whose draft it was (`channel/id`), and for whom: a thread and its name.

    `chunks` are the numbers in the outbox. There are none where it is `stale`: it still waits then. `running`
    says whether a gateway sends it now, or the next one will, `paused` which command ends the pause that
    holds it, `quiet_until_ms` when the quiet hours end that do, and `warming_up` whether a new session has
    sent all that it may for now.
    """

    running: bool
    account: str
    number: int
    thread: str
    name: str
    chunks: tuple[int, ...]
    stale: Staleness | None = None
    paused: str = ""
    quiet_until_ms: int | None = None
    warming_up: bool = False


@dataclass(frozen=True, slots=True)
class Edit(Request[Draft]):
    """Replace the text of a draft, which is markdown. It still waits for approval."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Drop(Request["Dropped"]):
    """Give a draft up: nobody is answered."""

    number: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Whose draft it was (`channel/id`)."""

    account: str
    number: int
    thread: str
    name: str


@dataclass(frozen=True, slots=True)
class Revive(Request[Draft]):
    """Have an expired draft wait for approval again, as long as a new one."""

    number: int


@operation
async def waiting(ctx: OpContext, request: List) -> Listed:
    channel, account = ctx.named(request.channel, request.account)
    found = await ctx.ask(lambda reader: on_account(reader.drafts(ctx.now_ms()), channel, account))
    wanted = [one for one in found if (one.state is DraftState.EXPIRED) == request.expired]
    return Listed(wanted, len(found) - len(wanted))


@operation
async def show(ctx: OpContext, request: Show) -> Draft:
    """Raises `NoDraft`."""
    return await _find(ctx, request.number)


@operation(changes=True)
async def approve(ctx: OpContext, request: Approve) -> Approved:
    """Access and the outbound mode are decided again. Raises `NoDraft`, and `OpError` where they refuse it.

    The draft of somebody who is no longer admitted is dropped.
    """
    from clawlane.config.choices import OutboundMode
    from clawlane.lane.hours import QuietHours
    from clawlane.ops.account_reading import holds_warm_up
    from clawlane.ops.policy import grants_of
    from clawlane.ops.rules_from import rules_in_force
    from clawlane.ops.sending_account import SendingAccount
    from clawlane.store import drafts

    draft = await _find(ctx, request.number)
    target = _target(ctx, draft)
    rules = rules_in_force(ctx, target.account)
    grants = await ctx.ask(lambda reader: grants_of(ctx, reader, target.account))
    mode, rule = rules.outbound(draft.thread, grants.pins)
    if mode is OutboundMode.OFF:
        told = later(
            "draft {number} is not sent: nothing may leave there while {rule} is 'off'",
            number=draft.number,
            rule=rule.path,
        )
        raise OpError(told, f"openclaw config set {rule.path} approve")
    async with ctx.own(draft.account) as store:
        if why := await _no_longer_allowed(store, draft, rules, grants):
            await store.attempt(drafts.drop, draft.number, why)
            raise OpError(
                later("draft {number} is not sent, and dropped: {why}", number=draft.number, why=why),
                "openclaw policy explain --help",
            )
        done = await store.attempt(drafts.approve, draft.number, stale_ok=request.stale_ok)
    # Before the sender is woken: what has left by the time of the answer is not held.
    warms_up = await ctx.ask(lambda reader: holds_warm_up(ctx, target.account, reader))
    live = ctx.live.get(draft.account)
    if live is not None:
        live.settled(None)
    paused = SendingAccount(ctx, target, live).paused(draft.thread)
    where = (draft.account, draft.number, str(draft.thread), draft.name)
    hours = QuietHours.of(target.account.settings.quiet_hours, ctx.zone())
    if not done.chunks:
        return Approved(ctx.in_gateway, *where, done.chunks, done.stale, paused)
    quiet_ms = hours.until_ms(ctx.now_ms())
    return Approved(ctx.in_gateway, *where, done.chunks, done.stale, paused, quiet_ms, warms_up)


@operation(changes=True)
async def edit(ctx: OpContext, request: Edit) -> Draft:
    """Raises `NoDraft`, and `OpError` for a text that cannot be sent."""
    from clawlane.store import drafts

    if len(request.text) > LONGEST_TEXT:
        raise OpError(
            later(
                "the text has {n} characters, at most {most} are sent",
                n=len(request.text),
                most=LONGEST_TEXT,
            )
        )
    draft = await _find(ctx, request.number)
    target = _target(ctx, draft)
    async with ctx.own(draft.account) as store:
        lead, before = await store.attempt(drafts.outgoing, draft.number)
        outs = await _planned(ctx, target, draft, lead, request.text, before)
        await store.attempt(drafts.edit, draft.number, request.text, outs)
    return await _find(ctx, request.number)


@operation(changes=True)
async def drop(ctx: OpContext, request: Drop) -> Dropped:
    """Raises `NoDraft`."""
    from clawlane.store import drafts

    draft = await _change(ctx, request.number, drafts.drop)
    return Dropped(draft.account, draft.number, str(draft.thread), draft.name)


@operation(changes=True)
async def revive(ctx: OpContext, request: Revive) -> Draft:
    """Raises `NoDraft`."""
    from datetime import timedelta

    from clawlane.store import drafts

    draft = await _find(ctx, request.number)
    expire = _target(ctx, draft).account.settings.drafts.expire
    await _change(ctx, request.number, drafts.revive, expire // timedelta(milliseconds=1))
    return await _find(ctx, request.number)


async def _find(ctx: OpContext, number: int) -> Draft:
    """An undecided draft. Raises `NoDraft`."""
    found = await ctx.ask(lambda reader: reader.draft(number, ctx.now_ms()))
    if found is not None:
        return found
    if await ctx.ask(lambda reader: reader.account_of_draft(number)) is None:
        raise NoDraft(later("there is no draft {number}; see: openclaw drafts list", number=number))
    raise NoDraft(later("draft {number} was decided already; see: openclaw drafts list", number=number))


def _target(ctx: OpContext, draft: Draft) -> Target:
    channel, _, account = draft.account.partition("/")
    return ctx.target(channel, account)


async def _change(ctx: OpContext, number: int, transition: Callable[..., Any], *more: object) -> Draft:
    """Run a transition on a draft, which is given as it was. A running account goes on at once."""
    draft = await _find(ctx, number)
    async with ctx.own(draft.account) as store:
        await store.attempt(transition, number, *more)
    if live := ctx.live.get(draft.account):
        live.settled(None)
    return draft


async def _no_longer_allowed(store: AccountStore, draft: Draft, rules: Rules, grants: Grants) -> str:
    """Why what a draft answers, or where it goes, is out by now; empty if nothing is."""
    from clawlane.lane.access_checker import AccessChecker
    from clawlane.lane.correspondence import may_go_on
    from clawlane.store import directory, turns

    if draft.by_client:
        checker = AccessChecker(store, lambda: rules, lambda: grants)
        goes_on = await may_go_on(store, checker, draft.thread)
        return "" if goes_on else later("the account may no longer write there")
    turn = await store.attempt(turns.whole, draft.turn)
    if turn is not None:
        checker = AccessChecker(store, lambda: rules, lambda: grants)
        if revoked := await checker.recheck(turn.inbound):
            return later("its sender is no longer admitted ({rule})", rule=revoked.rule.path)
    if draft.tool and (turn is None or turn.inbound.thread != draft.thread):
        known = await store.attempt(directory.acquaintance, draft.thread)
        if not rules.may_write_to(draft.thread, grants, known):
            return later("the account may no longer write there")
    return ""


async def _planned(
    ctx: OpContext, target: Target, draft: Draft, lead: str, text: str, before: Sequence[Outgoing]
) -> list[Outgoing]:
    """A new text with what a draft has before it, its files and its reaction, as the channel sends it.

    Raises `OpError`.
    """
    from dataclasses import replace

    from clawlane.agents.disclosure import marked, whom_told
    from clawlane.invisible import says_nothing
    from clawlane.messages import Link, Media, MediaKind, Photos, Reaction, Reply, ReplyFile, ThreadKind

    links = [replace(out, text=text) for out in before if isinstance(out, Link)]
    if links:
        return list(links)
    files: list[ReplyFile] = []
    for out in before:
        match out:
            case Media():
                files.append(ReplyFile(out.path, out.kind, out.name))
            case Photos():
                files += [ReplyFile(path, MediaKind.PHOTO, path.rpartition("/")[2]) for path in out.paths]
    reply = Reply(lead + text, files=tuple(files))
    if draft.thread.kind is ThreadKind.GROUP and "@" in text:
        reply = replace(
            reply, people=await ctx.ask(lambda reader: reader.members(draft.account, draft.thread.id))
        )
    outs = ctx.runtime(target.manifest).plan(target.account, draft.thread, reply)
    if says_nothing(text) or not outs:
        raise OpError(
            later("the text says nothing"),
            later("to send nothing: openclaw drafts drop {number}", number=draft.number),
        )
    return [*marked(outs, whom_told(before)), *(out for out in before if isinstance(out, Reaction))]
