"""What an account is seen to do while it runs: what is read, shown, fetched. The store notes sends."""

from __future__ import annotations

from clawlane.abilities import Ability
from clawlane.capabilities import Rehearsal
from clawlane.channel import Channel
from clawlane.messages import ThreadKind
from clawlane.store import abilities
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.models import AdmittedMessage

_AGAIN_MS = 86_400_000
"""How long after it was seen an ability is noted again: its last time is kept to the day."""


class Proofs:
    """Notes what was seen to work, once a day for each ability. Never waits and never fails."""

    def __init__(self, account_store: AccountStore, now_ms: Clock) -> None:
        self._store = account_store
        self._now_ms = now_ms
        self._noted_ms: dict[Ability, int] = {}

    def saw(self, *worked: Ability) -> None:
        """These were seen to work just now."""
        now_ms = self._now_ms()
        new = [one for one in worked if now_ms - self._noted_ms.get(one, -_AGAIN_MS) >= _AGAIN_MS]
        if new:
            self._noted_ms |= dict.fromkeys(new, now_ms)
            self._store.post(abilities.seen, new)

    def read(self, admitted: AdmittedMessage, own_id: str) -> None:
        """A message was read and decided."""
        inbound = admitted.inbound
        worked = [Ability.READ_DIRECT if inbound.thread.kind is ThreadKind.DM else Ability.READ_GROUP]
        if own_id and any(one.user_id == own_id for one in inbound.mentions):
            worked.append(Ability.READ_MENTION)
        if admitted.album is not None:
            worked.append(Ability.READ_ALBUM)
        self.saw(*worked)


def is_simulated(channel: Channel) -> bool:
    """Whether a simulator stands in for the platform, which then proves nothing about it."""
    return isinstance(channel, Rehearsal) and bool(channel.rehearsal())
