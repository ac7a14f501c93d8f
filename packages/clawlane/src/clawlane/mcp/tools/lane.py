"""How the lane does, and why messages were or were not answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from clawlane.access.explain import Explanation, explain
from clawlane.mcp.tool import READS, Tool
from clawlane.mcp.values import Limit, Value, key_of, moment
from clawlane.ops.account_status import AccountStatus
from clawlane.ops.asking import Asks
from clawlane.ops.status import GetStatus, Status
from clawlane.ops.why import Item, Why
from clawlane.store import told as stored
from clawlane.texts import t
from clawlane.words.stories import as_dict
from clawlane.words.unofficial import UNOFFICIAL


class AccountState(Value):
    """One account: its phase, why it is in it, and the command with which its owner helps.

    `inbound` and `outbound` say whether messages come and go (ok, degraded, down, unknown). `paused` are the
    pauses of the account or of one of its threads; while it is paused, nothing leaves.
    """

    account: str
    enabled: bool
    linked: bool
    phase: str
    reason: str
    help: str
    inbound: str
    outbound: str
    dm_policy: str
    group_policy: str
    outbound_modes: list[str]
    paused: list[str]
    waiting_to_be_sent: int
    drafts: int
    pairing_requests: int
    last_message_at: str | None
    last_sent_at: str | None


class Channel(Value):
    """A channel. One that its platform does not offer has a `label`, and a `risk` for the account."""

    channel: str
    name: str
    label: str = ""
    risk: str = ""
    accounts: list[AccountState]


class LaneStatus(Value):
    """Whether a gateway runs (else nothing comes or goes), its version, and the channels."""

    gateway_running: bool
    version: str
    channels: list[Channel]
    config_problem: str = ""


class Made(Value):
    """A decision: by which rule, and in a sentence. `change` is the line of the config that changes it."""

    stage: str
    at: str | None
    outcome: str
    reason: str
    rule: str
    sentence: str
    change: str = ""


class Explained(Value):
    """A message, or a notice of the platform, and what was decided about it. Its text is not here."""

    type: str
    account: str
    conversation: str
    message_id: str
    sender_id: str
    at: str | None
    decisions: list[Made]
    turn: str = Field(default="", description="What became of the answer.")


class Explanations(Value):
    """The newest first."""

    messages: list[Explained]


@dataclass(frozen=True, slots=True)
class LaneTools:
    asks: Asks

    def all(self) -> Sequence[Tool]:
        return (
            Tool("status", "Status of the lane", self.status, READS),
            Tool("why", "Why messages were or were not answered", self.why, READS),
        )

    async def status(self) -> LaneStatus:
        """Say how the lane does: each account with its state, what waits, what is paused, and the risk."""
        found = await self.asks.call(GetStatus())
        gateway = found.gateway
        return LaneStatus(
            gateway_running=gateway is not None,
            version=gateway.version if gateway else "",
            channels=list(_channels(found)),
            config_problem=found.config.error or "",
        )

    async def why(
        self,
        message_id: Annotated[
            str, Field(max_length=200, description="The id of a message; empty: the newest ones.")
        ] = "",
        limit: Limit = 10,
        dropped: Annotated[bool, Field(description="Only messages that were dropped.")] = False,
    ) -> Explanations:
        """Say why messages were or were not answered: the decision, the rule, and what became of each."""
        found = await self.asks.call(Why(message_id.strip(), limit, dropped))
        return Explanations(messages=list(map(_explained, found.items[:limit])))


def _channels(found: Status) -> Iterator[Channel]:
    for name, one in found.channels.items():
        yield Channel(
            channel=name,
            name=one.label,
            label=t(UNOFFICIAL) if one.unofficial else "",
            risk=t(one.risk),
            accounts=[_account(f"{name}/{id_}", account) for id_, account in one.accounts.items()],
        )


def _account(name: str, one: AccountStatus) -> AccountState:
    return AccountState(
        account=name,
        enabled=one.enabled,
        linked=one.linked,
        phase=one.phase,
        reason=t(one.reason),
        help=t(one.help),
        inbound=str(one.inbound),
        outbound=str(one.outbound),
        dm_policy=one.dm_policy.value,
        group_policy=one.group_policy.value,
        outbound_modes=list(
            dict.fromkeys(f"{mode.path}: {mode.value}" for mode in (*one.modes, *one.own_modes))
        ),
        paused=[f"{pause.thread or 'everything'}: {pause.level}" for pause in one.pauses],
        waiting_to_be_sent=sum(one.outbox.values()),
        drafts=one.drafts.waiting,
        pairing_requests=one.pairing.pending,
        last_message_at=moment(one.last_inbound_ms),
        last_sent_at=moment(one.last_outbound_ms),
    )


def _explained(item: Item) -> Explained:
    told = as_dict(item)
    source = item.message.recorded if item.message else item.notice
    thread = source.thread if source else None
    turn = told.get("turn") or {}
    return Explained(
        type=told["type"],
        account=told["account"],
        conversation=key_of(told["account"], thread) if thread else "",
        message_id=told["message_id"],
        sender_id=told["sender"],
        at=moment(told["read_ms"]),
        decisions=_decisions(item),
        turn=str(turn.get("sentence") or ""),
    )


def _decisions(item: Item) -> list[Made]:
    """What was decided about a message, with the ids of sender and group: names are words of theirs."""
    if item.message is None:
        return []
    one = item.message.recorded
    return [_made(made, explain(made.decision, one.sender_id, one.thread)) for made in one.made]


def _made(made: stored.Made, why: Explanation) -> Made:
    return Made(
        stage=made.stage,
        at=moment(made.at_ms),
        outcome=str(made.decision.outcome),
        reason=str(made.decision.reason),
        rule=made.decision.rule.path,
        sentence=why.sentence,
        change=why.change,
    )
