"""Applies the access rules with what is known about the account at the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clawlane.access.decision import Decision, Outcome, Reason, Rule, held_back
from clawlane.access.in_force import Rules
from clawlane.access.pairing import built_in_text
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import album_message, holds_back
from clawlane.config.choices import OutboundMode
from clawlane.messages import Inbound, Own, Thread, ThreadKind
from clawlane.store import outbox
from clawlane.store.account_store import AccountStore
from clawlane.store.models import NewMessage, NewOwn, TakeoverTerms

HeldBack = tuple[Reason, Rule]
"""Why nothing is answered in a thread, and what says so."""

_NOBODY = ("", "0")


def _answers_all(_thread: Thread) -> None:
    """Nothing is held back."""


@dataclass(frozen=True, slots=True)
class AccessChecker:
    """Applies the access rules to one account.

    `rules` gives those in force now, `grants` what is known now, except for receipts. What is decided about
    one message is decided by the same rules throughout: they are read once, after everything that waits.
    `holds_back` says of a thread why what is admitted there is only kept as context, None if it is answered.
    `quiet` says whether no code may be sent now.
    """

    account_store: AccountStore
    rules: Callable[[], Rules]
    grants: Callable[[], Grants]
    holds_back: Callable[[Thread], HeldBack | None] = _answers_all
    quiet: Callable[[], bool] = lambda: False

    async def decide(self, inbound: Inbound, read_ms: int) -> NewMessage:
        """A message that was read at `read_ms`, with the decision about it and what follows from that."""
        known = await self._known(inbound)
        decision, policy = self.rules().decide(inbound, known, read_ms)
        if holds_back(decision) and (held := self._held_back(inbound.thread)):
            decision = held_back(decision, *held, policy.history_limit)
        return self._new(inbound, read_ms, policy, decision)

    async def decide_album(self, parts: Sequence[Inbound], read_ms: int) -> NewMessage:
        """An album as one message, and the decision about it. Its first part was read at `read_ms`."""
        return await self.decide(album_message(parts, self.grants().own_id), read_ms)

    def own(self, fact: Own, read_ms: int, session: str) -> NewOwn | Own:
        """A message of the account, read at `read_ms`, as far as it may hold the agent back.

        `session` is the present login. In the thread with oneself nobody is held back.
        """
        grants, terms = self.grants(), self.takeover_terms(session)
        if not terms.lasts_ms or fact.thread == Thread(ThreadKind.DM, grants.own_id):
            return fact
        outcome = self.rules().outcome_in(fact.thread, grants)
        return NewOwn(
            fact,
            read_ms,
            read_ms - max(0, grants.age_ms(fact, read_ms)),
            grants.own_id,
            heard=outcome in (Outcome.ADMIT, Outcome.CHALLENGE),
            kept=outcome is Outcome.ADMIT and not fact.reaction_to,
            terms=terms,
        )

    def takeover_terms(self, session: str) -> TakeoverTerms:
        """How messages of the owner hold the agent back now."""
        policy, skew_ms = self.rules().takeover, self.grants().skew_ms or 0
        rule, limit = policy.takeover_rule, policy.history_limit
        return TakeoverTerms(policy.takeover_ms, rule, limit, skew_ms, session, policy.revision)

    def undecided(self, inbound: Inbound, read_ms: int) -> NewMessage:
        """A message that is decided later."""
        return self._new(inbound, read_ms, next(iter(self.rules())), None)

    async def recheck(self, inbound: Inbound) -> Decision | None:
        """The decision made again just before a turn starts, if it excludes the sender; else None."""
        known = await self._known(inbound)
        return self.rules().decide_again(inbound, known)

    def _held_back(self, thread: Thread) -> HeldBack | None:
        """Where nothing may leave, nothing is answered either."""
        mode, rule = self.rules().outbound(thread, self.grants().pins)
        return (Reason.OUTBOUND_OFF, rule) if mode is OutboundMode.OFF else self.holds_back(thread)

    def _new(
        self, inbound: Inbound, read_ms: int, policy: AccessPolicy, decision: Decision | None
    ) -> NewMessage:
        mode, _ = self.rules().outbound(inbound.thread, self.grants().pins)
        challenged = decision is not None and decision.outcome is Outcome.CHALLENGE
        text = policy.pairing_text or built_in_text(self.grants().language)
        takeover = self.rules().takeover
        return NewMessage(
            inbound=inbound,
            decision=decision,
            pairing_reply=policy.pairing_reply,
            read_ms=read_ms,
            history_limit=policy.history_limit,
            pairing_text=text if challenged else "",
            merge_ms=policy.merge_ms,
            acks=policy.acks,
            written_ms=read_ms - max(0, self.grants().age_ms(inbound, read_ms)),
            takeover_rule=takeover.takeover_rule if takeover.takeover_ms else None,
            mute=mode is OutboundMode.OFF or self.quiet(),
        )

    async def _known(self, inbound: Inbound) -> Grants:
        """The grants, with the receipt of a quoted message if the store knows it as the account's own."""
        quote = inbound.quote
        if quote is None or quote.owner_id == self.grants().own_id:
            return self.grants()
        # Client ids are only times: they count where the quote does not name its author.
        client_id = quote.client_id if quote.owner_id in _NOBODY else ""
        if await self.account_store.run(outbox.is_receipt, quote.message_id, client_id):
            return replace(self.grants(), receipts=frozenset((quote.message_id, client_id)))
        return self.grants()
