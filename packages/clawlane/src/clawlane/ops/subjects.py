"""The accounts (`channel/id`) that a request is about, before it is known who runs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from clawlane.ops.context import OpContext, on_account
from clawlane.ops.operation import Operation

Find = Callable[[OpContext, Any], Awaitable[list[str]]]


async def subjects(ctx: OpContext, operation: Operation, asked: Any) -> tuple[list[str], Any]:
    """The accounts, and the request with the one that it means by leaving it out.

    None are found where the operation itself is to say what is wrong. Raises what finding them raises.
    """
    if find := _FIND.get(operation.name):
        return await find(ctx, asked), asked
    target = ctx.target(asked.channel, asked.account)
    return [str(target.account)], replace(asked, channel=target.manifest.id, account=target.account.id)


async def _named(ctx: OpContext, asked: Any) -> list[str]:
    """Of requests that name it in full."""
    del ctx
    return [asked.account]


async def _meant_by_pause(ctx: OpContext, asked: Any) -> list[str]:
    from clawlane.ops.pause import meant

    accounts, _ = await meant(ctx, asked.channel, asked.account, asked.thread)
    return list(map(str, accounts))


async def _every(ctx: OpContext, asked: Any) -> list[str]:
    """Of requests about all accounts, those of a channel, or one."""
    if asked.account is not None:
        return [str(ctx.target(asked.channel, asked.account).account)]
    channel = ctx.manifest(asked.channel).id if asked.channel else None
    return [str(one) for one in ctx.config.accounts if channel in (None, one.channel)]


async def _with_code(ctx: OpContext, asked: Any) -> list[str]:
    from clawlane.access.pairing import normalise_code

    channel, account = ctx.named(asked.channel, asked.account)
    waiting = on_account(await ctx.ask(lambda reader: reader.requests(ctx.now_ms())), channel, account)
    found = {one.account for one in waiting if one.code == normalise_code(asked.code)}
    return sorted(found) if len(found) == 1 else []


async def _with_approved(ctx: OpContext, asked: Any) -> list[str]:
    channel, account = ctx.named(asked.channel, asked.account)
    found = on_account(await ctx.ask(lambda reader: reader.approved()), channel, account)
    return sorted({one.account for one in found if one.sender_id == asked.sender_id})


async def _with_rejected(ctx: OpContext, asked: Any) -> list[str]:
    channel, account = ctx.named(asked.channel, asked.account)
    found = on_account(await ctx.ask(lambda reader: reader.rejected(ctx.now_ms())), channel, account)
    return sorted({one.account for one in found if one.sender_id == asked.sender_id})


async def _to_reject(ctx: OpContext, asked: Any) -> list[str]:
    from clawlane.ops.pairing import senders_meant

    return sorted({account for account, _ in await senders_meant(ctx, asked)})


async def _of_chunk(ctx: OpContext, asked: Any) -> list[str]:
    found = await ctx.ask(lambda reader: reader.account_of_chunk(asked.id))
    return [found] if found else []


async def _of_draft(ctx: OpContext, asked: Any) -> list[str]:
    found = await ctx.ask(lambda reader: reader.account_of_draft(asked.number))
    return [found] if found else []


async def _of_alarm(ctx: OpContext, asked: Any) -> list[str]:
    return [one.account for one in await ctx.ask(lambda reader: reader.alarms()) if one.id == asked.id]


async def _of_letter(ctx: OpContext, asked: Any) -> list[str]:
    from clawlane.ops.messages import account_of_letter

    return [await account_of_letter(ctx, asked)]


async def _of_turn(ctx: OpContext, asked: Any) -> list[str]:
    """Of a turn that was answered later, and nothing for whoever has not signed that."""
    from clawlane.ops.callback import is_signed_by_agent

    found = None
    if is_signed_by_agent(ctx, asked):
        found = await ctx.ask(lambda reader: reader.callback(asked.turn))
    return [found.account] if found else []


async def _with_session(ctx: OpContext, asked: Any) -> list[str]:
    from clawlane.ops.sessions import found_sessions

    return sorted({one.account for one in await found_sessions(ctx, asked, asked.thread, asked.agent)})


async def _to_forget(ctx: OpContext, asked: Any) -> list[str]:
    from clawlane.ops.forget import accounts_meant

    if asked.dry_run:
        return []
    return await ctx.ask(lambda reader: accounts_meant(reader, asked.channel, asked.account))


async def _upgraded(ctx: OpContext, asked: Any) -> list[str]:
    from clawlane.ops.upgrade import found_upgrades

    return [one.account for one in await found_upgrades(ctx, asked.channel, asked.account) if one.holds]


_FIND: Mapping[str, Find] = {
    "alarms.acknowledge": _of_alarm,
    "attachments.fetch": _named,
    "callback.called_back": _of_turn,
    "client_sends.react": _named,
    "client_sends.send": _named,
    "drafts.approve": _of_draft,
    "drafts.drop": _of_draft,
    "drafts.edit": _of_draft,
    "drafts.revive": _of_draft,
    "forget.forget": _to_forget,
    "message.outcome": _named,
    "messages.arrived": _of_chunk,
    "messages.drop": _of_chunk,
    "messages.drop_dead_letter": _of_letter,
    "messages.resend": _of_chunk,
    "messages.resubmit": _of_letter,
    "pacing.pacing": _every,
    "pairing.approve": _with_code,
    "pairing.reject": _to_reject,
    "pairing.revoke": _with_approved,
    "pairing.unblock": _with_rejected,
    "pause.pause": _meant_by_pause,
    "pause.pauses": _meant_by_pause,
    "pause.resume": _meant_by_pause,
    "sessions.reset": _with_session,
    "status.status": _every,
    "upgrade.accept": _upgraded,
}
"""Those that are not simply about the account that is named, or the default one."""
