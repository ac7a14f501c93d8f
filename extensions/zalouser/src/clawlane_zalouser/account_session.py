"""One account from its start until it is stopped or the operator is needed: log in, follow, log in again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from clawlane.backoff import Backoff
from clawlane.channel import Account, Health, Host, Phase, State, StateCode
from clawlane.messages import ThreadKind
from clawlane_zalouser import mapping
from clawlane_zalouser.background import running
from clawlane_zalouser.catch_up import CatchUp, Item
from clawlane_zalouser.environment import Environment
from clawlane_zalouser.friends import Friends
from clawlane_zalouser.platform_time import PlatformTime
from clawlane_zalouser.stored_session import StoredSession
from zaloweb import events
from zaloweb.client import Zalo
from zaloweb.errors import Kicked, Replaced, SessionExpired, SettingsError, TryLater, ZaloError
from zaloweb.session import Session

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_LOGIN_HOLDS = 60.0
"""Seconds. A session that expires sooner after a login is not mended by another one."""

_LOOKS = 5.0
"""Seconds between two looks at the clocks while nothing happens."""

_INTERVALS = 2
"""Pings of Zalo's interval until a dead line is noticed."""

_NAMED = 3
"""Services that are named one by one where some are left out."""

log = logging.getLogger(__name__)


class AccountSession:
    """Runs one account. While it is connected or could be, `zalo` is what sends."""

    def __init__(self, account: Account, host: Host, environment: Environment) -> None:
        self.zalo: Zalo | None = None
        self._own_id = ""
        self._language = ""
        self._noticed_ms = 0
        self._left_out = ""
        self._account = account
        self._host = host
        self._environment = environment
        self._time = PlatformTime(environment.clock, environment.platform_clock)
        self._friends = Friends(environment, host)
        self._catch_up = CatchUp(host, self._pass_on, environment.clock, self._time.now_ms)
        self._stored = StoredSession(account, host.vault, environment)
        self._state = State(Phase.STARTING, code=StateCode.STARTING)
        self._scope = asyncio.timeout(None)

    async def run(self) -> None:
        """Returns when the operator is needed; the last report says for what."""
        session = await self._read()
        while session is not None:
            session = await self._login(session)
            if session is not None:
                session = await self._follow(session)

    def expired(self, reason: str) -> None:
        """A call found the session dead: stop following it and log in again with its cookies."""
        broken, code = Health.BROKEN, StateCode.SESSION_REFUSED
        self._report(Phase.CONNECTING, code, reason, auth=broken, outbound=broken)
        if not self._scope.expired():
            self._scope.reschedule(0)

    async def look_up(self, kind: ThreadKind) -> None:
        """Fetch what was written, as after a connect, while there is a connection."""
        if self._state.phase is Phase.READY:
            await self._catch_up.again(kind)

    async def _read(self) -> Session | None:
        try:
            session = await self._stored.read()
        except SettingsError as error:
            self._need_login(StateCode.SESSION_UNREADABLE, str(error), force=True)
            return None
        if session is None:
            self._need_login(StateCode.NOT_LOGGED_IN, "nobody is logged in")
        return session

    async def _login(self, session: Session) -> Session | None:
        """A fresh session, however long the network takes; None when its cookies are not taken any more."""
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT, self._environment.random.random)
        while True:
            self._report(Phase.CONNECTING, StateCode.LOGGING_IN, "logging in with the stored session")
            try:
                return await self._stored.refreshed(session)
            except SessionExpired as error:
                self._need_login(StateCode.SESSION_EXPIRED, f"the session has expired: {error}", force=True)
                return None
            except ZaloError as error:
                wait = backoff.next(error.retry_in_s if isinstance(error, TryLater) else 0.0)
                reason = f"{error}; trying again in {wait:.0f} s"
                self._report(Phase.CONNECTING, StateCode.LOGIN_FAILED, reason, auth=Health.UNKNOWN)
            await self._environment.clock.sleep(wait)

    async def _follow(self, session: Session) -> Session | None:
        """Live with one session. Gives it back when another login may help, None when the operator has to."""
        self._own_id = session.uid
        self._language = session.credentials.language
        told = session.settings
        rehearsed = self._environment.network.rehearsal
        self._noticed_ms = _INTERVALS * (told.rehearsed_ping_ms if rehearsed else told.ping_interval_ms)
        self._left_out = left_out_text(session.left_out)
        started = self._environment.clock.monotonic()
        try:
            await self._listen(session)
        except (Replaced, Kicked) as error:
            again = f"openclaw resume --channel {self._account.channel} --account {self._account.id}"
            broken = Health.BROKEN
            self._report(Phase.REPLACED, StateCode.TAKEN_OVER, str(error), again, inbound=broken)
            return None
        except (SessionExpired, TimeoutError):
            if self._environment.clock.monotonic() - started >= _LOGIN_HOLDS:
                return session
            reason = "Zalo does not accept the session, although its cookies still log in"
            self._need_login(StateCode.SESSION_REFUSED, reason, force=True)
        return None

    async def _listen(self, session: Session) -> None:
        """Raises what ends the session: a `ZaloError`, or `TimeoutError` after `expired`."""
        async with (
            self._stored.opened(session) as zalo,
            asyncio.timeout(None) as self._scope,
            running() as background,
        ):
            self.zalo = zalo
            try:
                background.start(self._friends.follow(zalo), "zalo friends")
                background.start(self._watch_clocks(zalo), "zalo clocks")
                async with self._catch_up.following(zalo, background):
                    async for event in zalo.events():
                        self._look_at_clocks(zalo)
                        await self._take(event)
            finally:
                self.zalo = None

    async def _watch_clocks(self, zalo: Zalo) -> None:
        while True:
            await self._environment.clock.sleep(_LOOKS)
            self._look_at_clocks(zalo)

    def _look_at_clocks(self, zalo: Zalo) -> None:
        """Before anything is judged by its time: report how far the clocks are apart, and mind a wake."""
        if self._time.woke():
            log.info("%s: this machine slept or its clock was set; connecting again", self._account)
            zalo.reconnect()
        if self._time.changed():
            known = self._state
            self._report(known.phase, known.code, known.reason, known.action)

    async def _take(self, event: events.Event) -> None:
        match event:
            case events.Message() | events.Undo() | events.Deletion() | events.Notice():
                live = self._time.is_live(event.sent_ms)
                if not self._catch_up.holds(event, live):
                    await self._pass_on(event, live)
            case events.OldMessages():
                self._catch_up.answered(event)
            case events.FriendEvent():
                self._friends.note(event)
            case events.Connected():
                self._time.connected()
                await self._catch_up.connected()
                code = StateCode.LIMITED if self._left_out else StateCode.READY
                self._report(Phase.READY, code, self._left_out, auth=Health.OK, inbound=Health.OK)
            case events.Disconnected(retry_in_ms=int(wait_ms)):
                reason = f"the connection was lost ({event.code}); connecting again in {wait_ms / 1000:.1f} s"
                code = StateCode.CONNECTION_LOST
                self._report(Phase.DEGRADED, code, reason, inbound=Health.BROKEN)
                await self._catch_up.disconnected()
            case events.Undecodable():
                log.warning("%s: something Zalo sent could not be read: %r", self._account, event)
                await self._host.observe(mapping.unreadable_of(self._account.id, event))

    async def _pass_on(self, item: Item, live: bool) -> None:
        name, now_ms = self._account.id, self._time.now_ms()
        if isinstance(item, events.Message) and not item.is_self:
            is_friend = self._friends.knows(item.sender_id)
            await self._host.admit(mapping.inbound_of(name, item, now_ms, is_friend, live=live))
            return
        for fact in mapping.facts_of(name, item, now_ms):
            await self._host.observe(fact)

    def _need_login(self, code: StateCode, reason: str, force: bool = False) -> None:
        self._report(Phase.NEEDS_LOGIN, code, reason, self._login_command(force), auth=Health.BROKEN)

    def _login_command(self, force: bool) -> str:
        command = f"openclaw channels login --channel {self._account.channel}"
        if self._account.id != "default":
            command += f" --account {self._account.id}"
        return f"{command} --force" if force else command

    def _report(
        self,
        phase: Phase,
        code: str,
        reason: str = "",
        action: str = "",
        *,
        auth: Health | None = None,
        inbound: Health | None = None,
        outbound: Health | None = None,
    ) -> None:
        state = State(
            phase,
            reason,
            action,
            auth,
            inbound,
            outbound,
            user_id=self._own_id,
            noticed_ms=self._noticed_ms,
            skew_ms=self._time.skew_ms,
            language=self._language,
            code=code,
        )
        if state != self._state:
            self._state = state
            self._host.report(state)


def left_out_text(left_out: Mapping[str, str]) -> str:
    """Which services are not used and why, in one sentence; "" when all are."""
    if not left_out:
        return ""
    named = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:_NAMED])
    more = f"; and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    return f"addresses that the login gave are left out ({named}{more})"
