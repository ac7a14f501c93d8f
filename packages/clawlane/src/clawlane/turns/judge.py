"""Decisions about the messages of one account, with what the store and the gateway know at that moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from clawlane.access.commands import as_one
from clawlane.access.decide import decide, decide_again
from clawlane.access.decision import Decision
from clawlane.access.pairing import built_in_text
from clawlane.access.policy import Grants, Policy
from clawlane.messages import Inbound
from clawlane.store.journal import Journal
from clawlane.turns.patience import until_stored

_NOBODY = ("", "0")


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks the access rules. `grants` gives what is known right now, but for the receipts."""

    journal: Journal
    policy: Policy
    grants: Callable[[], Grants]

    @property
    def pairing_text(self) -> str:
        """What strangers are sent: the text of the config, or the built-in one of the account's language."""
        return self.policy.pairing_text or built_in_text(self.grants().language)

    async def decide(self, inbound: Inbound, read_ms: int) -> Decision:
        """What to do with a message that was read at `read_ms`."""
        return decide(inbound, self.policy, await self._known(inbound), read_ms)

    async def decide_album(self, parts: Sequence[Inbound], read_ms: int) -> tuple[Inbound, Decision]:
        """What to do with an album of which the first part was read at `read_ms`, and what it says as one."""
        whole = as_one(parts, self.grants().own_id)
        return whole, await self.decide(whole, read_ms)

    async def again(self, inbound: Inbound) -> Decision | None:
        """The second decision, just before a turn starts, if it closes the door."""
        return decide_again(inbound, self.policy, await self._known(inbound))

    def dated(self, inbound: Inbound, read_ms: int) -> Inbound:
        """The message with a time of sending, also where the channel could not tell one."""
        return replace(inbound, sent_ms=self.grants().sent_ms(inbound, read_ms))

    @property
    def skew_ms(self) -> int:
        """How far the platform's clock is ahead of this machine's, as far as that is known."""
        return self.grants().skew_ms or 0

    async def _known(self, inbound: Inbound) -> Grants:
        """Whether a quoted message is the account's own is asked of the store, where all receipts are."""
        grants, quote = self.grants(), inbound.quote
        if quote is None or quote.owner_id == grants.own_id:
            return grants
        # Ids of devices are no more than times: they count where nobody says whose message it was.
        client_id = quote.client_id if quote.owner_id in _NOBODY else ""
        if await until_stored(partial(self.journal.is_receipt, quote.message_id, client_id)):
            return replace(grants, receipts=frozenset((quote.message_id, client_id)))
        return grants
