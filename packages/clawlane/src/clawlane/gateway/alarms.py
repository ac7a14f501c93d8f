"""Watches one account for trouble with the platform: feeds the detectors, and stores what they find.

What looks like the beginning of a ban mutes the account at once, before that is stored. Facts are taken at
any time and cost nothing; what follows is stored in order, once the account is owned.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from clawlane.alarm_kinds import AlarmKind
from clawlane.capabilities import DirectoryError
from clawlane.channel import Health, Phase, State, StateCode
from clawlane.finishing import finished
from clawlane.gateway.detectors import FriendList, Inbound, Kicks, Logins, Outbound, Refusals
from clawlane.messages import Inbound as Message
from clawlane.messages import Person, Thread, ThreadKind
from clawlane.ops.alarm_text import log_line
from clawlane.store import alarms, due
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.alarm_told import Alarm, Alarmed, Change, Raised
from clawlane.store.directory import keep_peers
from clawlane.store.errors import StoreError
from clawlane.store.told import Pause
from clawlane.store.transaction import Tx

_LOOK_EVERY = 5.0
"""Seconds between two looks at what the time alone changes."""

log = logging.getLogger(__name__)


class AlarmWatch:
    """The detectors of one account; fulfils `clawlane.lane.alarm_feed.AlarmFeed`.

    `pauses` gives those in force and `hold` replaces them. `look_up` asks for past messages, `ask_friends`
    for the friends.
    """

    def __init__(
        self,
        account: str,
        now_ms: Clock,
        pauses: Callable[[], Sequence[Pause]],
        hold: Callable[[Sequence[Pause]], None],
        look_up: Callable[[ThreadKind], Awaitable[bool]],
        ask_friends: Callable[[], Awaitable[Sequence[Person]]],
    ) -> None:
        self._account = account
        self._now_ms = now_ms
        self._pauses = pauses
        self._hold = hold
        self._look_up = look_up
        self._ask_friends = ask_friends
        self._state = State(Phase.STOPPED)
        self._kicks = Kicks()
        self._refusals = Refusals()
        self._logins = Logins()
        self._friends = FriendList()
        self._outbound = Outbound()
        self._inbound = Inbound()
        self._changes: list[Change] = []
        self._news = asyncio.Event()
        self._asked_friends_ms = 0

    async def recall(self, account_store: AccountStore) -> None:
        """Take up what was known at the last stop. Call it before the account runs."""
        try:
            known = await account_store.run(alarms.memory)
        except StoreError as error:
            log.info("what was known of the alarms of %s is not: %s", self._account, error)
            return
        self._kicks.recall(known.signs, known.going_on)
        self._refusals.recall(known.signs, known.going_on)
        self._friends.recall(known.signs, known.going_on)
        self._logins.recall(known.going_on)
        self._outbound.recall(known.going_on)
        self._inbound.recall(known.going_on)

    async def run(self, account_store: AccountStore) -> None:
        """Store what is found, and look at what the time changes, until cancelled or the account is lost.

        What is left then is posted.
        """
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY):
                        await self._news.wait()
                await self._store(account_store)
                await self._look(account_store)
        except StoreError as error:
            log.info("%s is not watched any more: %s", self._account, error)
        finally:
            if self._changes:
                account_store.post(_apply, tuple(self._changes))

    def state(self, state: State) -> None:
        """The account has this state now."""
        known, self._state = self._state, state
        now_ms, there_ms = self._now_ms(), self._there_ms()
        is_ready, was_ready = _is_connected(state), _is_connected(known)
        if is_ready and not was_ready:
            self._kicks.connected(now_ms)
            self._inbound.connected(there_ms)
            self._find(self._logins.worked())
        elif was_ready and not is_ready:
            self._kicks.lost()
            self._inbound.lost(there_ms, known.noticed_ms)
        if (state.phase, state.code) == (known.phase, known.code):
            return
        if state.code == StateCode.KICKED:
            self._find(self._kicks.kicked(now_ms))
        elif state.code == StateCode.LOGIN_REFUSED:
            self._find(self._logins.refused(now_ms))

    def arrived(self, thread: Thread) -> None:
        self._find([*self._outbound.arrived(), *self._refusals.arrived(str(thread))])

    def failed(self) -> None:
        if _is_connected(self._state):
            self._outbound.failed(self._now_ms())
            self._news.set()

    def refused(self, thread: Thread, code: int) -> None:
        self._find(self._refusals.refused(self._now_ms(), str(thread), code))

    def read(self, inbound: Message) -> None:
        if inbound.live:
            self._find(self._inbound.pushed(self._there_ms()))
        else:
            self._inbound.fetched(inbound.thread.kind, inbound.sent_ms, inbound.message_id)

    def asked(self, kind: ThreadKind) -> None:
        self._inbound.asked(self._there_ms(), kind)

    def caught_up(self, kind: ThreadKind) -> None:
        self._find(self._inbound.read(kind))

    def friends(self, known: int, listed: int) -> None:
        self._find(self._friends.listed(self._now_ms(), listed, known))

    def alarmed(self, alarmed: Alarmed) -> None:
        """The store has raised alarms, or ended some."""
        if alarmed.pause is not None:
            self._mute(alarmed.pause)
        for kind in alarmed.new:
            log.warning("%s", log_line(self._account, kind))
        for kind in alarmed.ended:
            log.info("%s: the alarm '%s' is over", self._account, kind)

    def found(self, change: Change) -> None:
        """Somebody else found something that is told on this account."""
        self._find([change])

    def raised(self, kind: AlarmKind) -> None:
        """An operation has raised an alarm of this kind."""
        if kind is AlarmKind.LOGIN_REFUSED:
            self._logins.going_on = True

    def acknowledged(self, found: Iterable[Alarm]) -> None:
        """The operator has seen these alarms. What looked like a ban is over by that."""
        kinds = {one.kind for one in found}
        for kind, detector in ((AlarmKind.KICKED, self._kicks), (AlarmKind.REFUSALS, self._refusals)):
            if kind in kinds:
                detector.going_on = False
        if AlarmKind.LOGIN_REFUSED in kinds:
            self._logins.going_on = False
        if AlarmKind.FRIENDS_FELL in kinds:
            self._find(self._friends.accepted(self._now_ms()))

    def _find(self, changes: Sequence[Change]) -> None:
        """Keep what a detector found until it is stored. What mutes the account does so at once."""
        for one in changes:
            if isinstance(one, Raised) and one.kind.pauses:
                whole = next((held for held in self._pauses() if held.thread is None), None)
                self._mute(alarms.muted_by(one.kind, self._account, self._now_ms(), whole))
        if changes:
            self._changes += changes
            self._news.set()

    def _mute(self, pause: Pause) -> None:
        self._hold([*(held for held in self._pauses() if held.thread is not None), pause])

    async def _store(self, account_store: AccountStore) -> None:
        self._news.clear()
        while self._changes:
            changes, self._changes = tuple(self._changes), []
            # What is on its way to the disk gets there although this is cancelled, and must not do so twice.
            what = f"storing what is wrong with {self._account}"
            self.alarmed(await finished(account_store.run(alarms.apply, changes), what))

    async def _look(self, account_store: AccountStore) -> None:
        now_ms = self._now_ms()
        self._find([*self._kicks.pass_time(now_ms), *self._refusals.pass_time(now_ms)])
        if self._outbound.is_asking:
            paused = {held.thread for held in self._pauses()}
            work = await account_store.run(due.waiting_work, paused)
            self._find(self._outbound.weigh(now_ms, work.chunks, work.oldest_ms))
        if not _is_connected(self._state):
            return
        if self._inbound.is_due(self._there_ms()):
            self._inbound.checked_ms = self._there_ms()
            for kind in ThreadKind:
                await self._look_up(kind)
        ask_at_ms = self._friends.ask_at_ms
        if ask_at_ms is not None and now_ms >= max(ask_at_ms, self._asked_friends_ms + _AGAIN_MS):
            self._asked_friends_ms = now_ms
            await self._list_friends(account_store)

    async def _list_friends(self, account_store: AccountStore) -> None:
        """Ask for the friends once more, because there were far fewer."""
        try:
            people = await self._ask_friends()
        except DirectoryError as error:
            log.info("%s: whether its friends are back is not known yet: %s", self._account, error)
            return
        kept = await account_store.run(keep_peers, people)
        self.friends(kept.before, len(people))

    def _there_ms(self) -> int:
        """The platform's time."""
        return self._now_ms() + (self._state.skew_ms or 0)


_AGAIN_MS = 10 * 60_000
"""After a look-up of the friends that failed."""


def _apply(tx: Tx, changes: Sequence[Change]) -> None:
    alarms.apply(tx, changes)


def _is_connected(state: State) -> bool:
    return state.phase is Phase.READY and state.inbound is not Health.BROKEN
