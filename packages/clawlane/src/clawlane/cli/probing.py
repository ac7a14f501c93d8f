"""Asking a platform whether a stored session holds, without a gateway."""

from __future__ import annotations

import asyncio

from clawlane.abilities import Probe, ProbeResult
from clawlane.channel import Account, VaultError
from clawlane.store.vault import FileVault

_DEADLINE = 20.0


async def probed(channel: Probe, account: Account, vault: FileVault) -> ProbeResult:
    """The channel's answer; a silent platform and a damaged vault are answers too."""
    try:
        async with asyncio.timeout(_DEADLINE):
            return await channel.probe(account, vault)
    except TimeoutError:
        return ProbeResult(ok=False, error=f"no answer within {_DEADLINE:.0f} s")
    except VaultError as error:
        return ProbeResult(ok=False, error=str(error))
