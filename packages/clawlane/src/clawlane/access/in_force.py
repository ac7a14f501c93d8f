"""The access rules that decide right now: those of one config, or of two while a widening waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clawlane.access.decision import Decision, Outcome, Reason
from clawlane.access.names import ConfigName, Pins
from clawlane.access.outbound import Verdict, strictest
from clawlane.access.outgoing import Acquaintance, may_write_to
from clawlane.access.pairing import Contact, Requests, answer
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import closed_by, decide, decide_again
from clawlane.config.choices import DmPolicy, GroupPolicy, OutboundMode, PairingReply
from clawlane.messages import Inbound, Thread, ThreadKind

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.config.load import Config

_OUTCOMES = (Outcome.DROP, Outcome.PEND, Outcome.CHALLENGE, Outcome.ADMIT)
_REPLIES = (PairingReply.SILENT, PairingReply.FRIENDS_SILENT, PairingReply.CODE)
"""The strictest first."""

_NOBODY_WAITS = Requests(own_texted=None, strangers=0, texts=0)
_ANY_TEXT = "…"


@dataclass(frozen=True, slots=True)
class Rules:
    """The access settings of an account.

    While an edit that widens access waits, `edited` are its settings: who gets in has to be let in by both.
    `narrowed` says that the edit keeps somebody out whom the settings before it let in.
    """

    policy: AccessPolicy = field(default_factory=AccessPolicy)
    edited: AccessPolicy | None = None
    narrowed: bool = False

    @classmethod
    def of(cls, config: Config, account: Account) -> Rules:
        """The settings of an account of one config."""
        return cls(AccessPolicy.of(config, account))

    def __iter__(self) -> Iterator[AccessPolicy]:
        """The settings that are asked, the newest first."""
        return iter((self.policy,) if self.edited is None else (self.edited, self.policy))

    def decide(self, inbound: Inbound, grants: Grants, read_ms: int) -> tuple[Decision, AccessPolicy]:
        """The stricter decision about a message, and the settings it was made by; the newer of two alike."""
        found = [(decide(inbound, policy, grants, read_ms), policy) for policy in self]
        return min(found, key=lambda one: _openness(*one))

    def decide_again(self, inbound: Inbound, grants: Grants) -> Decision | None:
        """The decision to drop an admitted message before its turn starts; None lets the turn run."""
        found = (decide_again(inbound, policy, grants) for policy in self)
        return next((one for one in found if one is not None), None)

    def challenges(self, sender_id: str, grants: Grants, friend: bool | None) -> bool:
        """Whether somebody who writes a direct message now would be sent a pairing code."""
        thread = Thread(ThreadKind.DM, sender_id)
        if self.outbound(thread, grants.pins)[0] is OutboundMode.OFF:
            return False
        message = Inbound("", "", thread, sender_id, "", _ANY_TEXT, 0)
        decision, policy = self.decide(message, grants, 0)
        if decision.outcome is not Outcome.CHALLENGE:
            return False
        contact = Contact(live=True, friend=friend)
        return answer(policy.pairing_reply, contact, _NOBODY_WAITS) is Reason.DM_PAIRING_REQUIRED

    def may_write_to(self, thread: Thread, grants: Grants, known: Acquaintance) -> bool:
        """Whether the account may begin to write to a thread."""
        return all(may_write_to(thread, policy, grants, known) for policy in self)

    def outcome_in(self, thread: Thread, grants: Grants) -> Outcome:
        """What comes of messages in a thread: of those of a person, or at best of those of a group."""
        if thread.kind is ThreadKind.GROUP:
            closed = (
                policy.groups is GroupPolicy.DISABLED
                or closed_by(policy.group_table.find(thread.id, grants.pins), policy, grants)
                for policy in self
            )
            return Outcome.DROP if any(closed) else Outcome.ADMIT
        message = Inbound("", "", thread, thread.id, "", _ANY_TEXT, 0)
        return self.decide(message, grants, 0)[0].outcome

    @property
    def takeover(self) -> AccessPolicy:
        """The settings that say for how long the owner's messages hold the agent back: the longest."""
        return max(self, key=lambda policy: policy.takeover_ms)

    def outbound(self, thread: Thread, pins: Pins) -> Verdict:
        """What may leave in a thread, and the setting that says so: the stricter one while an edit waits."""
        return strictest(policy.outbound.decide(thread, pins) for policy in self)

    def is_owner(self, sender_id: str, pins: Pins) -> bool:
        """Whether somebody may use the commands that only owners may."""
        return all(policy.owners.includes(sender_id, pins) for policy in self)

    @property
    def owner_commands(self) -> bool:
        """Whether owners may have things done by a text of their own."""
        return all(policy.owner_commands for policy in self)

    @property
    def pairing_reply(self) -> PairingReply:
        """What strangers are told where a direct message leads to a code."""
        challenging = (one.pairing_reply for one in self if one.dm is DmPolicy.PAIRING)
        return min(challenging, key=_REPLIES.index, default=self.policy.pairing_reply)

    def names_to_pin(self) -> tuple[ConfigName, ...]:
        """Every name that needs a look-up."""
        return tuple(dict.fromkeys(name for policy in self for name in policy.names_to_pin()))


def _openness(decision: Decision, policy: AccessPolicy) -> tuple[int, bool, int]:
    """Orders decisions about one message: the lower, the less people and the agent get to see."""
    replies = decision.outcome is Outcome.CHALLENGE
    reply = _REPLIES.index(policy.pairing_reply) if replies else 0
    return _OUTCOMES.index(decision.outcome), decision.keep_as_history, reply
