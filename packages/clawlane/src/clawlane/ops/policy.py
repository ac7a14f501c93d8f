"""What the access rules would decide about a message, without one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.access.decision import Decision, Outcome, Reason, Rule, held_back
from clawlane.channel import Account
from clawlane.config.choices import OutboundMode
from clawlane.config.phones import is_phone_number
from clawlane.messages import Inbound, Mention, Quote, Thread
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.rules_from import FILE, RulesFrom, rules_from, rules_in_force
from clawlane.ops.targets import group_stored, person_stored
from clawlane.store.reader import Reader

if TYPE_CHECKING:
    from clawlane.access.in_force import Rules
    from clawlane.access.policy import Grants

_AT = "@bot "
_QUOTED = "quoted"
_NOT_LINKED = "the account itself"
"""Stands for the own id of an account that is not linked. No sender has it: it is no id."""


@dataclass(frozen=True, slots=True)
class Explain(Request["Explained"]):
    """The message that is asked about: a direct one, or one in `group`, as if it came now.

    Both are targets as `message send` takes them; people who are no friends are known by name too, if they
    wrote, were approved, or are in the group.
    `config_file` is the file to decide by, where it is not that of the gateway.
    """

    sender: str
    channel: str | None = None
    account: str | None = None
    group: str = ""
    mention: bool = False
    quote: bool = False
    text: str = "hello"
    config_file: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """What the config file and the store, as they are now, make of a message to `account` (`channel/id`).

    `outbound` says what may leave in its thread, by `outbound_rule`.

    `rules` says whether a gateway runs with the same. `words` name the account in a command.
    `not_looked_up` names entries that match nobody yet. A gateway that `runs_other` config than the file's
    decides otherwise or not: `running` is its decision, None where it has no such account.
    """

    account: str
    words: str
    configured: bool
    linked: bool
    sender_id: str
    sender_name: str
    thread: Thread
    group_name: str
    decision: Decision
    not_looked_up: list[str]
    rules: RulesFrom
    outbound: OutboundMode
    outbound_rule: Rule
    runs_other: bool = False
    running: Decision | None = None


@operation
async def explain(ctx: OpContext, request: Explain) -> Explained:
    """Before the login it is as if the account were linked. Raises `ConfigError` and `OpError`."""
    written = ctx.as_written(request.config_file)
    rules = replace(rules_from(ctx, request.config_file), source=FILE)
    told = await written.ask(lambda reader: _explained(written, reader, request, rules))
    if ctx.loaded is None or ctx.loaded.source.revision == written.config.source.revision:
        return told
    try:
        running = (await ctx.ask(lambda reader: _explained(ctx, reader, request, rules))).decision
    except OpError:  # the gateway has no such account
        running = None
    return replace(told, runs_other=True, running=running)


def _explained(ctx: OpContext, reader: Reader, asked: Explain, read: RulesFrom) -> Explained:
    target = ctx.target(asked.channel, asked.account)
    account, rules = target.account, rules_in_force(ctx, target.account)
    grants = grants_of(ctx, reader, account)
    group = group_stored(reader, target, asked.group) if asked.group.strip() else None
    sender = person_stored(reader, target, asked.sender, group.thread.id if group else "")
    thread = group.thread if group else sender.thread
    inbound = _inbound(asked, account, sender.thread.id, thread, grants.own_id, ctx.now_ms())
    shortest = type(account.settings).shortest_id
    missing = [
        name.entry
        for name in rules.names_to_pin()
        if grants.pins.of_name(name) is None and not is_phone_number(name.entry, shortest)
    ]
    mode, outbound_rule = rules.outbound(thread, grants.pins)
    return Explained(
        account=str(account),
        words=target.words,
        configured=target.configured,
        linked=grants.own_id != _NOT_LINKED,
        sender_id=inbound.sender_id,
        sender_name=sender.name,
        thread=thread,
        group_name=group.name if group else "",
        decision=_decide(reader, account, rules, grants, inbound),
        not_looked_up=missing,
        rules=read,
        outbound=mode,
        outbound_rule=outbound_rule,
    )


def _inbound(
    asked: Explain, account: Account, sender_id: str, thread: Thread, own_id: str, now_ms: int
) -> Inbound:
    """The message as the channel would have read it just now."""
    return Inbound(
        account=account.id,
        message_id="",
        thread=thread,
        sender_id=sender_id,
        sender_name="",
        text=(_AT if asked.mention else "") + asked.text,
        sent_ms=now_ms,
        mentions=(Mention(own_id, 0, len(_AT) - 1),) if asked.mention else (),
        quote=Quote(_QUOTED, own_id, "") if asked.quote else None,
    )


def grants_of(ctx: OpContext, reader: Reader, account: Account) -> Grants:
    """What the gateway would know of the account, from its session and the store."""
    from clawlane.access.policy import Grants

    user_of = ctx.profiles.user_of
    others = (one for block in ctx.config.channels.values() for one in block.accounts if one.enabled)
    return Grants(
        own_id=user_of(account) or _NOT_LINKED,
        other_own_ids=frozenset(user_of(one) for one in others if str(one) != str(account)) - {""},
        receipts=frozenset((_QUOTED,)),
        paired=frozenset(one.sender_id for one in reader.approved(str(account))),
        pins=reader.pins(str(account)),
    )


def _decide(reader: Reader, account: Account, rules: Rules, grants: Grants, inbound: Inbound) -> Decision:
    """The decision; a challenge as what it would lead to, given who waits already."""
    from clawlane.access import pairing
    from clawlane.store.pairing import led_to

    decision, policy = rules.decide(inbound, grants, inbound.sent_ms)
    mode, rule = rules.outbound(inbound.thread, grants.pins)
    muted = mode is OutboundMode.OFF
    if decision.admitted and muted:
        return held_back(decision, Reason.OUTBOUND_OFF, rule, policy.history_limit)
    if decision.outcome is not Outcome.CHALLENGE:
        return decision
    waiting = reader.pairing_state(str(account), inbound.sender_id, inbound.sent_ms)
    friends = reader.known(str(account))
    known = None if friends.peers_ms is None else inbound.sender_id in {one.id for one in friends.peers}
    return led_to(
        decision, pairing.answer(policy.pairing_reply, pairing.Contact(True, known, muted), waiting)
    )
