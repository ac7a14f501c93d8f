"""Whether Zalo accepts a stored session right now."""

from __future__ import annotations

from clawlane.capabilities import ProbeResult
from clawlane.channel import Account, Vault, VaultError
from clawlane_zalouser.environment import Environment
from clawlane_zalouser.stored_session import StoredSession
from zaloweb.errors import SessionExpired, ZaloError

_NOT_LINKED = ProbeResult(False, error="nobody is logged in")


async def probe(account: Account, vault: Vault, environment: Environment) -> ProbeResult:
    """Ask for the account's own profile, with the session in the vault."""
    stored = StoredSession(account, vault, environment)
    started = environment.clock.monotonic()
    try:
        session = await stored.read()
        if session is None:
            return _NOT_LINKED
        async with stored.opened(session) as zalo:
            user = await zalo.account_info()
    except (ZaloError, VaultError) as error:
        return ProbeResult(False, error=str(error), expired=isinstance(error, SessionExpired))
    elapsed_ms = round(1000 * (environment.clock.monotonic() - started))
    return ProbeResult(True, user.id or session.uid, user.name, elapsed_ms=elapsed_ms)
