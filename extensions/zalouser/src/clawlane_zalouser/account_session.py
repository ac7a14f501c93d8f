"""One account from its start until it is stopped or the operator is needed: log in, follow, log in again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext

from clawlane.backoff import Backoff
from clawlane.channel import Account, Health, Host, Phase, State, StateCode
from clawlane.messages import ThreadKind
from clawlane.texts import later
from clawlane_zalouser import mapping
from clawlane_zalouser.background import running
from clawlane_zalouser.catch_up import CatchUp
from clawlane_zalouser.directory import login_command
from clawlane_zalouser.environment import Environment
from clawlane_zalouser.friends import Friends
from clawlane_zalouser.login import NOT_LET_IN
from clawlane_zalouser.platform_senders import PlatformSenders
from clawlane_zalouser.platform_time import PlatformTime
from clawlane_zalouser.stored_session import StoredSession
from zaloweb import events
from zaloweb.client import Zalo
from zaloweb.errors import Kicked, LoginFailed, Replaced, SessionExpired, SettingsError, TryLater, ZaloError
from zaloweb.session import Session
from zaloweb.wire.reconnect import CloseCode

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_LOGIN_HOLDS_S = 60.0
"""If a session expires sooner after a login, another login does not help."""

_CLOCK_CHECK_S = 5.0
"""Between two looks at the clocks while nothing happens."""

_PINGS = 2
"""Pings of Zalo's interval until a dead connection is noticed."""

_NAMED_SERVICES = 3
"""Unusable services that are named one by one."""

_ENDED = (
    later("another Zalo Web took over this account (close code 3000)"),
    later("Zalo ended this session (close code 3003)"),
)
"""What zaloweb says of a connection that Zalo closed for good, for the catalogue."""

log = logging.getLogger(__name__)


class AccountSession:
    """Runs one account. While it is connected or could be, `zalo` is what sends."""

    def __init__(self, account: Account, host: Host, environment: Environment) -> None:
        self.zalo: Zalo | None = None
        self._session: Session | None = None
        """The session that is followed, or was until it ended. The account's own id is in it."""
        self._account = account
        self._host = host
        self._environment = environment
        self._time = PlatformTime(environment.clock, environment.platform_clock)
        self._friends = Friends(environment, host)
        self._catch_up = CatchUp(host, self._pass_on, environment.clock, self._time.now_ms)
        rehearsed = bool(environment.network.rehearsal)
        self._platform = PlatformSenders(account.settings.platform_senders, rehearsed=rehearsed)
        self._stored = StoredSession(account, host.vault, environment)
        self._state = State(Phase.STARTING, code=StateCode.STARTING)
        self._scope = asyncio.timeout(None)

    @property
    def own_id(self) -> str:
        """The account's Zalo id; empty before it has logged in."""
        return self._session.uid if self._session else ""

    async def run(self) -> None:
        """Returns when the operator is needed; the last report says for what."""
        try:
            session = await self._stored.read()
        except SettingsError as error:
            self._need_login(StateCode.SESSION_UNREADABLE, str(error), "--force")
            return
        if session is None:
            self._need_login(StateCode.NOT_LOGGED_IN, later("nobody is logged in"))
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

    def reconnect(self) -> bool:
        """Close the WebSocket, as after a loss. False without a connection."""
        if self.zalo is None or self._state.phase is not Phase.READY:
            return False
        self.zalo.reconnect()
        return True

    async def look_up(self, kind: ThreadKind) -> None:
        """Fetch past messages, as after a connect, while there is a connection."""
        if self._state.phase is Phase.READY:
            await self._catch_up.again(kind)

    async def _login(self, session: Session) -> Session | None:
        """A fresh session, however long the network takes; None if its cookies are no longer accepted."""
        backoff = Backoff(_FIRST_WAIT_S, _LONGEST_WAIT_S, self._environment.random.random)
        slot: AbstractAsyncContextManager[None] = self._environment.logins.slot()
        while True:
            self._report(Phase.CONNECTING, StateCode.LOGGING_IN, later("logging in with the stored session"))
            try:
                async with slot:
                    return await self._stored.refresh(session)
            except SessionExpired as error:
                expired = later("the session has expired: {error}", error=str(error))
                self._need_login(StateCode.SESSION_EXPIRED, expired, "--force")
                return None
            except ZaloError as error:
                if isinstance(error, LoginFailed) and error.code == NOT_LET_IN:
                    self._need_login(StateCode.LOGIN_REFUSED, str(error), "--force")
                    return None
                wait_s = backoff.next(error.retry_in_s if isinstance(error, TryLater) else 0.0)
                log.debug("%s: login: %s, again in %.1f s", self._account, type(error).__name__, wait_s)
                reason = later(
                    "{error}; trying again in {seconds} s", error=str(error), seconds=f"{wait_s:.0f}"
                )
                self._report(Phase.CONNECTING, StateCode.LOGIN_FAILED, reason, auth=Health.UNKNOWN)
            slot = nullcontext()  # one that failed is tried again at a time drawn by lot
            await self._environment.clock.sleep(wait_s)

    async def _follow(self, session: Session) -> Session | None:
        """Listen with one session. Returns it if another login may help, None if the operator is needed."""
        self._session = session
        started = self._environment.clock.monotonic()
        try:
            await self._listen(session)
        except (Replaced, Kicked) as error:
            kicked = isinstance(error, Kicked)
            code = StateCode.KICKED if kicked else StateCode.TAKEN_OVER
            again = f"openclaw resume --channel {self._account.channel} --account {self._account.id}"
            broken, closed = Health.BROKEN, CloseCode.KICKED if kicked else CloseCode.REPLACED
            self._report(Phase.REPLACED, code, str(error), again, inbound=broken, close_code=closed)
            return None
        except (SessionExpired, TimeoutError):
            if self._environment.clock.monotonic() - started >= _LOGIN_HOLDS_S:
                return session
            reason = later("Zalo does not accept the session, although its cookies still log in")
            self._need_login(StateCode.SESSION_REFUSED, reason, "--force")
        return None

    async def _listen(self, session: Session) -> None:
        """Raises what ends the session: a `ZaloError`, or `TimeoutError` after `expired`."""
        async with (
            self._stored.open(session) as zalo,
            asyncio.timeout(None) as self._scope,
            running() as background,
        ):
            self.zalo = zalo
            try:
                background.start(self._friends.follow(zalo), "zalo friends")
                background.start(self._watch_clocks(zalo), "zalo clocks")
                async with self._catch_up.following(zalo, background):
                    async for event in zalo.events():
                        self._check_clocks(zalo)
                        await self._take(zalo, event)
            finally:
                self.zalo = None

    async def _watch_clocks(self, zalo: Zalo) -> None:
        while True:
            await self._environment.clock.sleep(_CLOCK_CHECK_S)
            self._check_clocks(zalo)

    def _check_clocks(self, zalo: Zalo) -> None:
        """Reconnect after a sleep and report a changed skew, before anything is judged by its time."""
        if self._time.woke():
            log.info("%s: this machine slept or its clock was set; connecting again", self._account)
            zalo.reconnect()
        if self._time.changed():
            known = self._state
            self._report(known.phase, known.code, known.reason, known.action)

    async def _take(self, zalo: Zalo, event: events.Event) -> None:
        match event:
            case events.Message() | events.Undo() | events.Deletion() | events.Notice():
                live = self._time.is_live(event.sent_ms)
                if not self._catch_up.holds(event, live):
                    await self._pass_on(event, live)
            case events.Reaction(is_self=True):
                for own in mapping.own_reactions(self._account.id, event, self._time.now_ms()):
                    await self._host.observe(own)
            case events.OldMessages():
                self._catch_up.answered(event)
            case events.FriendEvent():
                self._friends.note(event)
            case events.Connected():
                self._time.connected()
                await self._catch_up.connected()
                unusable = unusable_services(zalo.session.left_out)
                code = StateCode.LIMITED if unusable else StateCode.READY
                self._report(Phase.READY, code, unusable, auth=Health.OK, inbound=Health.OK)
            case events.Disconnected(retry_in_ms=int(wait_ms)):
                reason = later(
                    "the connection was lost ({code}); connecting again in {seconds} s",
                    code=event.code,
                    seconds=f"{wait_ms / 1000:.1f}",
                )
                code = StateCode.CONNECTION_LOST
                broken = Health.BROKEN
                self._report(Phase.DEGRADED, code, reason, inbound=broken, close_code=event.code)
                await self._catch_up.disconnected()
            case events.Undecodable():
                log.warning("%s: something Zalo sent could not be read: %r", self._account, event)
                await self._host.observe(mapping.unreadable_of(self._account.id, event))

    async def _pass_on(self, item: mapping.Item, live: bool) -> None:
        name, now_ms = self._account.id, self._time.now_ms()
        log.debug("%s: %s in %s, live: %s", self._account, type(item).__name__, item.thread, live)
        if isinstance(item, events.Message | events.Notice) and await self._is_platform(item):
            await self._host.observe(mapping.warning_of(name, item, now_ms))
            return
        if isinstance(item, events.Message) and not item.is_self:
            is_friend = await self._friends.knows(item.sender_id)
            await self._host.admit(mapping.inbound_of(name, item, now_ms, is_friend, live=live))
            return
        for fact in mapping.facts_of(name, item, now_ms, live=live):
            await self._host.observe(fact)

    async def _is_platform(self, item: events.Message | events.Notice) -> bool:
        """Whether Zalo itself writes to the account."""
        sender = item.sender_id if isinstance(item, events.Message) else item.actor_id
        return self._platform.wrote(item, await self._friends.knows(sender))

    def _need_login(self, code: StateCode, reason: str, *flags: str) -> None:
        action = login_command(self._account, *flags)
        self._report(Phase.NEEDS_LOGIN, code, reason, action, auth=Health.BROKEN)

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
        close_code: int = 0,
    ) -> None:
        """Tell the gateway, if anything changed or a connection ended."""
        user_id, language, noticed_ms = "", "", 0
        if (session := self._session) is not None:
            ping_ms = session.settings.ping_ms(rehearsed=bool(self._environment.network.rehearsal))
            user_id, language, noticed_ms = session.uid, session.credentials.language, _PINGS * ping_ms
        state = State(
            phase,
            reason,
            action,
            auth,
            inbound,
            outbound,
            user_id=user_id,
            noticed_ms=noticed_ms,
            skew_ms=self._time.skew_ms,
            language=language,
            code=code,
            close_code=close_code,
        )
        if state != self._state or close_code:
            log.debug("%s: %s (%s)", self._account, phase, code)
            self._state = state
            self._host.report(state)


def unusable_services(left_out: Mapping[str, str]) -> str:
    """One sentence on the services that cannot be used and why; "" if all can."""
    if not left_out:
        return ""
    named = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:_NAMED_SERVICES])
    if more := len(left_out) - _NAMED_SERVICES if len(left_out) > _NAMED_SERVICES else 0:
        named_and_more = later("addresses that the login gave are left out ({services}; and {n} more)")
        return later(named_and_more, services=named, n=more)
    return later("addresses that the login gave are left out ({services})", services=named)
