"""The stored session: read from the vault, renewed by a login with its cookies, saved after every refresh."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from clawlane.capabilities import NotRevoked, ProbeResult, SessionFacts
from clawlane.channel import Account, Vault, VaultClosed, VaultError
from clawlane.texts import later
from clawlane_zalouser.environment import Environment
from zaloweb.client import Zalo
from zaloweb.errors import SessionExpired, SettingsError, ZaloError
from zaloweb.session import Session
from zaloweb.transport.http import Transport
from zaloweb.transport.login import log_in
from zaloweb.transport.logout import log_out_over
from zaloweb.transport.pace import Pace
from zaloweb.wire.hosts import Hosts

log = logging.getLogger(__name__)


class StoredSession:
    """The session of one account, as its vault holds it."""

    def __init__(self, account: Account, vault: Vault, environment: Environment) -> None:
        self._account = account
        self._vault = vault
        self._environment = environment

    async def read(self) -> Session | None:
        """The session as it was last saved, or None. Raises `VaultError` and zaloweb's `SettingsError`."""
        secret = await self._vault.read()
        if secret is None:
            return None
        return Session.from_json(secret, self._environment.clock.now_ms(), hosts=hosts_of(self._account))

    async def refresh(self, session: Session) -> Session:
        """A new session from the cookies of this one, already saved: key and endpoints are short-lived.

        Raises `SessionExpired` when Zalo no longer accepts the cookies, and other kinds of `ZaloError`.
        """
        environment = self._environment
        started = environment.clock.monotonic()
        fresh = await log_in(
            session.credentials,
            network=environment.network,
            clock=environment.clock,
            random=environment.random,
            proxy=proxy_of(self._account),
            api=session.api,
            platform_clock=environment.platform_clock,
            hosts=hosts_of(self._account),
            trace=environment.trace(self._account),
            before_write=environment.before_write,
        )
        spent_ms = (environment.clock.monotonic() - started) * 1000
        log.debug("%s: logged in with the stored session in %.0f ms", self._account, spent_ms)
        await self.save(fresh)
        return fresh

    def open(self, session: Session) -> Zalo:
        """The account with this session, to be entered; whenever its cookies change they are saved."""
        return open_session(self._account, session, self._environment, self.save)

    async def save(self, session: Session) -> None:
        """Store the current cookies, unless the operator has logged out or in again meanwhile."""
        try:
            await self._vault.write(session.to_json())
        except VaultClosed as error:
            log.info("%s: %s", self._account, error)
        else:
            log.debug("%s: saved the session", self._account)

    async def revoke(self) -> None:
        """Ask Zalo to end the session. Raises `NotRevoked` and `VaultError`."""
        environment = self._environment
        try:
            session = await self.read()
            if session is None:
                raise NotRevoked(later("nobody is logged in"))
            async with Transport(
                environment.network,
                user_agent=session.credentials.user_agent,
                jar=session.jar,
                clock=environment.clock,
                random=environment.random,
                proxy=proxy_of(self._account),
                platform_clock=environment.platform_clock,
                hosts=hosts_of(self._account),
                trace=environment.trace(self._account),
                before_write=environment.before_write,
            ) as transport:
                await log_out_over(transport, session)
        except ZaloError as error:
            raise NotRevoked(str(error)) from error

    async def probe(self) -> ProbeResult:
        """Whether Zalo accepts the session right now: asks for the account's own profile."""
        clock = self._environment.clock
        started = clock.monotonic()
        try:
            session = await self.read()
            if session is None:
                return ProbeResult(False, error=later("nobody is logged in"))
            async with self.open(session) as zalo:
                user = await zalo.account_info()
        except (ZaloError, VaultError) as error:
            log.debug("%s: the probe ended with %s", self._account, type(error).__name__)
            return ProbeResult(False, error=str(error), expired=isinstance(error, SessionExpired))
        elapsed_ms = round(1000 * (clock.monotonic() - started))
        log.debug("%s: the session is accepted, in %d ms", self._account, elapsed_ms)
        return ProbeResult(True, user.id or session.uid, user.name, elapsed_ms=elapsed_ms)


def open_session(
    account: Account,
    session: Session,
    environment: Environment,
    on_session: Callable[[Session], Awaitable[None]] | None = None,
) -> Zalo:
    """An account with a session, to be entered; `on_session` is told whenever its cookies change."""
    return Zalo(
        session,
        network=environment.network,
        clock=environment.clock,
        random=environment.random,
        proxy=proxy_of(account),
        on_session=on_session,
        platform_clock=environment.platform_clock,
        hosts=hosts_of(account),
        trace=environment.trace(account),
        before_write=environment.before_write,
        pace=Pace.off(),  # the gateway's gate paces, across restarts and with the operator's figures
    )


def session_facts(secret: bytes) -> SessionFacts:
    """What may be told of a stored session; its oldest cookie is as old as the login. Raises `VaultError`."""
    try:
        cookies = list(Session.from_json(secret, now_ms=0).jar)
    except SettingsError as error:
        raise VaultError(str(error)) from None
    dated = [(one.expires_ms, one.name) for one in cookies if one.expires_ms is not None]
    expires_ms, name = min(dated, default=(None, ""))
    created = [one.created_ms for one in cookies if one.created_ms]
    return SessionFacts(len(cookies), min(created, default=None), expires_ms, name)


def hosts_of(account: Account) -> Hosts:
    """Zalo's hosts, and those that this account's settings add."""
    return Hosts(account.settings.zalo_hosts)


def proxy_of(account: Account) -> str | None:
    """The HTTP proxy of this account's settings."""
    return account.settings.proxy or None
