"""`policy explain`: what the access rules would say to a message, without one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from clawlane.cli.context import CliContext, Target
from clawlane.cli.output import echo_wrapped, sanitize
from clawlane.config.phones import LOOKS_LIKE, find_the_id, is_phone_number
from clawlane.messages import Inbound, Mention, Quote, Thread, ThreadKind

if TYPE_CHECKING:
    from clawlane.access.decision import Decision
    from clawlane.access.policy import AccessPolicy, Grants
    from clawlane.channel import Account

_AT = "@bot "
_QUOTED = "quoted"
_NOT_LINKED = "the account itself"
"""Stands for the own id of an account that is not linked. No sender has it: it is no id."""


@dataclass(frozen=True, slots=True)
class Question:
    """The message that is asked about."""

    sender: str
    group: str
    mention: bool
    quote: bool
    text: str

    def inbound(self, account: Account, own_id: str, now_ms: int) -> Inbound:
        """As the channel would have read it just now."""
        thread = Thread(ThreadKind.GROUP, self.group) if self.group else Thread(ThreadKind.DM, self.sender)
        mentions = (Mention(own_id, 0, len(_AT) - 1),) if self.mention else ()
        return Inbound(
            account=account.id,
            message_id="",
            thread=thread,
            sender_id=self.sender,
            sender_name="",
            text=(_AT if self.mention else "") + self.text,
            sent_ms=now_ms,
            mentions=mentions,
            quote=Quote(_QUOTED, own_id, "") if self.quote else None,
        )


@click.group()
def policy() -> None:
    """Say who may write, without waiting for a message."""


@policy.command()
@click.option("--channel", help="Which channel (default: the only one installed).")
@click.option("--account", help="Which account (default: the channel's default account).")
@click.option("--from", "sender", required=True, help="The id of who writes.")
@click.option("--group", default="", help="The id of the group (default: a direct message).")
@click.option("--mention", is_flag=True, help="The message mentions the account.")
@click.option("--quote", is_flag=True, help="The message quotes one of the account.")
@click.option("--text", default="hello", show_default=True, help="What it says.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    channel: str | None,
    account: str | None,
    sender: str,
    group: str,
    mention: bool,
    quote: bool,
    text: str,
    as_json: bool,
) -> None:
    """Say what would become of a message, and which line of the config decides.

    The answer comes from the config file and the store as they are now. A running gateway decides by the
    config that it was started with. Before the login it is as if the account were linked.
    """
    from clawlane.access.explain import as_dict
    from clawlane.access.explain import explain as in_words

    setup = CliContext()
    found = setup.meant(channel, account)
    meant = found.account
    asked = Question(sender.strip(), group.strip(), mention, quote, text)
    decision, inbound, missing = _decide(setup, meant, asked)
    if as_json:
        told = as_dict(decision, inbound.sender_id, inbound.thread)
        standing = {"linked": bool(_own_id(setup, meant)), "configured": found.configured}
        body = {"ok": True, "account": str(meant), **standing, **told, "not_looked_up": missing}
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    echo_wrapped(f"{decision.outcome} ({decision.reason}): {in_words(decision, sender, inbound.thread)}")
    echo_wrapped(f"passed: {', '.join(decision.trail) or 'no gate'}")
    for line in _provisos(setup, found, asked.sender):
        echo_wrapped(line)
    if missing:
        echo_wrapped(f"not looked up yet, so they match nobody: {', '.join(map(sanitize, missing))}")


def _provisos(setup: CliContext, meant: Target, sender: str) -> Iterator[str]:
    """What the answer takes for granted."""
    account = meant.account
    if not meant.configured:
        yield f"the config has no block for {account.channel}, so it is off; this is as if it had one"
    if not _own_id(setup, account):
        yield f"{account} is not linked; this is as if it were: openclaw channels login {meant.words}"
    if is_phone_number(sender, type(account.settings).shortest_id):
        yield f"'{sender}' {LOOKS_LIKE}; {find_the_id(account.channel)}"


def _decide(setup: CliContext, account: Account, asked: Question) -> tuple[Decision, Inbound, list[str]]:
    """The decision, the message it is about, and the names of the config that have not been looked up."""
    from clawlane.access.policy import AccessPolicy
    from clawlane.access.rules import decide

    rules, now_ms = AccessPolicy.of(setup.config, account), time.time_ns() // 1_000_000
    grants = _grants(setup, account)
    inbound = asked.inbound(account, grants.own_id, now_ms)
    decision = decide(inbound, rules, grants, now_ms)
    shortest = type(account.settings).shortest_id
    missing = [
        name.entry
        for name in rules.names_to_pin()
        if grants.pins.of_name(name) is None and not is_phone_number(name.entry, shortest)
    ]
    return _after_pairing(setup, account, rules, inbound, decision), inbound, missing


def _grants(setup: CliContext, account: Account) -> Grants:
    """What the gateway would know of the account, from its session and the store."""
    from clawlane.access.policy import Grants

    others = (one for block in setup.config.channels.values() for one in block.accounts if one.enabled)
    grants = Grants(
        own_id=_own_id(setup, account) or _NOT_LINKED,
        other_own_ids=frozenset(_own_id(setup, one) for one in others if str(one) != str(account)) - {""},
        receipts=frozenset((_QUOTED,)),
    )
    if not setup.places.store.exists():
        return grants
    from clawlane.store.reader import reading

    with reading(setup.places.store) as reader:
        paired = frozenset(one.sender_id for one in reader.approved(str(account)))
        return replace(grants, paired=paired, pins=reader.pins(str(account)))


def _own_id(setup: CliContext, account: Account) -> str:
    from clawlane.credentials.vault import user_of

    return user_of(setup.places.vault_dir, account)


def _after_pairing(
    setup: CliContext, account: Account, rules: AccessPolicy, inbound: Inbound, decision: Decision
) -> Decision:
    """A challenge as what it would lead to, given who waits already."""
    from clawlane.access import pairing
    from clawlane.access.decision import Outcome
    from clawlane.store.pairing import led_to
    from clawlane.store.reader import reading

    if decision.outcome is not Outcome.CHALLENGE:
        return decision
    waiting, known = pairing.Requests(None, 0, 0), None
    if setup.places.store.exists():
        with reading(setup.places.store) as reader:
            waiting = reader.pairing_state(str(account), inbound.sender_id, inbound.sent_ms)
            friends = reader.known(str(account))
        known = None if friends.peers_ms is None else inbound.sender_id in {one.id for one in friends.peers}
    return led_to(decision, pairing.answer(rules.pairing_reply, pairing.Contact(True, known), waiting))
