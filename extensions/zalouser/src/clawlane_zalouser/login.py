"""Logging in by QR code, and with the cookies of another program: zaloweb's steps as the gateway's."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

from clawlane import capabilities
from clawlane.channel import Account, VaultError
from clawlane.texts import later, t
from clawlane_zalouser.environment import Environment
from clawlane_zalouser.stored_session import hosts_of, open_session, proxy_of
from zaloweb.errors import LoginFailed, SessionExpired, SettingsError, ZaloError
from zaloweb.session import Credentials
from zaloweb.transport import qr
from zaloweb.transport.login import log_in

_REASONS = (
    later("the login page names no version; Zalo may have changed it"),
    later("Zalo says that nobody is logged in"),
    later("Zalo gave no reason"),
    later("the picture of the QR code cannot be read"),
)
"""Why a login failed, as zaloweb says it, for the catalogue."""

NOT_LET_IN = -1005
"""Zalo's code for a login that it takes for one of a third-party program (zca-js#317, #303)."""

log = logging.getLogger(__name__)


async def steps(account: Account, environment: Environment) -> AsyncIterator[capabilities.LoginStep]:
    """One login, from the code to the session. Nothing is stored: the last step carries the session."""
    name = ""
    run = qr.qr_login(
        environment.network,
        random=environment.random,
        clock=environment.clock,
        proxy=proxy_of(account),
        hosts=hosts_of(account),
        trace=environment.trace(account),
    )
    async with aclosing(run):
        async for step in run:
            if isinstance(step, qr.Scanned):
                name = step.name
            log.debug("%s: login by QR code: %s", account, type(step).__name__)
            yield _as_login_step(step, name)


def check_export(exported: bytes) -> None:
    """Check that these are credentials as zca-js exports them. Raises `VaultError`."""
    try:
        Credentials.from_json(exported)
    except SettingsError as error:
        raise VaultError(str(error)) from None


async def take_over(
    account: Account, environment: Environment, exported: bytes
) -> capabilities.Done | capabilities.Expired | capabilities.Failed:
    """One login with exported credentials, and whose they are."""
    try:
        session = await log_in(
            Credentials.from_json(exported, environment.clock.now_ms()),
            network=environment.network,
            clock=environment.clock,
            random=environment.random,
            proxy=proxy_of(account),
            hosts=hosts_of(account),
            trace=environment.trace(account),
        )
        async with open_session(account, session, environment) as zalo:
            user = await zalo.account_info()
            return capabilities.Done(user.id or session.uid, user.name, session.to_json())
    except SessionExpired:
        return capabilities.Expired()
    except LoginFailed as error:
        return _failed(error.stage, error)
    except ZaloError as error:
        return capabilities.Failed("login", str(error))


def _as_login_step(step: qr.Step, name: str) -> capabilities.LoginStep:
    match step:
        case qr.ShowQr(png=png, expires_ms=expires_ms):
            return capabilities.ShowQr(png, expires_ms)
        case qr.Scanned():
            return capabilities.Scanned(name)
        case qr.Confirmed():
            return capabilities.Confirmed()
        case qr.Done(session=session):
            return capabilities.Done(session.uid, name, session.to_json())
        case qr.Expired():
            return capabilities.Expired()
        case qr.Declined():
            return capabilities.Declined()
        case qr.Failed(stage=stage, error=LoginFailed() as error):
            return _failed(stage, error)
        case qr.Failed(stage=stage, error=error):
            return capabilities.Failed(stage, str(error))


def _failed(stage: str, error: LoginFailed) -> capabilities.Failed:
    told = (
        error.reason
        if error.code is None
        else later("{reason} (code {code})", reason=t(error.reason), code=error.code)
    )
    return capabilities.Failed(stage, told, not_let_in=error.code == NOT_LET_IN)
