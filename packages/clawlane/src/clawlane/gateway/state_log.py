"""The durable record of an account's states: a row whenever its phase or code changes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from clawlane.channel import Phase, State
from clawlane.store import events
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.errors import StoreError

_MOST = 256
"""Changes kept while the disk takes none; the oldest are lost first."""

log = logging.getLogger(__name__)


class StateLog:
    """Notes changes at once and writes them in order. Changes left when `write` ends are posted."""

    def __init__(self, now_ms: Clock) -> None:
        self._now_ms = now_ms
        self._last: tuple[Phase, str] | None = None
        self._waiting: deque[tuple[int, Phase, str]] = deque(maxlen=_MOST)
        self._recorded: tuple[Phase, str] | None = None
        """What was written last, as long as it is certain that it was."""
        self._news = asyncio.Event()

    def note(self, state: State) -> None:
        """Keep a change of phase or code."""
        if (state.phase, state.code) != self._last:
            self._last = (state.phase, state.code)
            self._waiting.append((self._now_ms(), state.phase, state.code))
            self._news.set()

    async def write(self, account_store: AccountStore) -> None:
        """Write until cancelled, or until another owner took the account over."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    # Repeating this is harmless: a known change is not written again.
                    last, self._recorded = self._recorded, None
                    _, phase, code = change = self._waiting[0]
                    await account_store.run(events.note_state, *change, last)
                    self._recorded = phase, code
                    self._waiting.popleft()
        except StoreError as error:
            log.info("the states of %s are not recorded any more: %s", account_store.account, error)
        finally:
            for change in self._waiting:
                account_store.post(events.note_state, *change)
