"""Applies the access rules with what is known about the account at the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clawlane.access.decision import Decision
from clawlane.access.pairing import built_in_text
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import album_message, decide, decide_again
from clawlane.messages import Inbound
from clawlane.store import outbox
from clawlane.store.account_store import AccountStore

_NOBODY = ("", "0")


@dataclass(frozen=True, slots=True)
class AccessChecker:
    """Applies the access rules to one account. `grants` gives what is known now, except for receipts."""

    account_store: AccountStore
    policy: AccessPolicy
    grants: Callable[[], Grants]

    @property
    def pairing_text(self) -> str:
        """The challenge text for strangers: from the config, or built in, in the account's language."""
        return self.policy.pairing_text or built_in_text(self.grants().language)

    async def decide(self, inbound: Inbound, read_ms: int) -> Decision:
        """The decision about a message that was read at `read_ms`."""
        return decide(inbound, self.policy, await self._known(inbound), read_ms)

    async def decide_album(self, parts: Sequence[Inbound], read_ms: int) -> tuple[Inbound, Decision]:
        """An album as one message, and the decision about it. Its first part was read at `read_ms`."""
        whole = album_message(parts, self.grants().own_id)
        return whole, await self.decide(whole, read_ms)

    async def recheck(self, inbound: Inbound) -> Decision | None:
        """The decision made again just before a turn starts, if it excludes the sender; else None."""
        return decide_again(inbound, self.policy, await self._known(inbound))

    async def _known(self, inbound: Inbound) -> Grants:
        """The grants, with the receipt of a quoted message if the store knows it as the account's own."""
        grants, quote = self.grants(), inbound.quote
        if quote is None or quote.owner_id == grants.own_id:
            return grants
        # Client ids are only times: they count where the quote does not name its author.
        client_id = quote.client_id if quote.owner_id in _NOBODY else ""
        if await self.account_store.run(outbox.is_receipt, quote.message_id, client_id):
            return replace(grants, receipts=frozenset((quote.message_id, client_id)))
        return grants
