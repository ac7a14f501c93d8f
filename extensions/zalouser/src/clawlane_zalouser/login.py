"""Logging in by QR code: zaloweb's steps as the gateway's."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

from clawlane import capabilities
from clawlane.channel import Account
from clawlane_zalouser.environment import Environment
from clawlane_zalouser.stored_session import hosts_of, proxy_of
from zaloweb.errors import LoginFailed
from zaloweb.transport import qr

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
    )
    async with aclosing(run):
        async for step in run:
            if isinstance(step, qr.Scanned):
                name = step.name
            log.debug("%s: login by QR code: %s", account, type(step).__name__)
            yield _as_login_step(step, name)


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
        case qr.Failed(stage=stage, error=LoginFailed(reason=reason, code=code)):
            told = reason if code is None else f"{reason} (code {code})"
            return capabilities.Failed(stage, told, not_let_in=code == NOT_LET_IN)
        case qr.Failed(stage=stage, error=error):
            return capabilities.Failed(stage, str(error))
