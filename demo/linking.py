"""Accounts of the simulator that are logged in without codes: what a login by QR code stores is stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from clawlane.credentials.profile import Consent
from clawlane.credentials.profiles import Profiles
from demo.stage import Simulator
from zaloweb import Credentials, log_in
from zaloweb.transport.network import Network

CHANNEL = "zalouser"
_AT_ONCE = 8

Do = Callable[..., Awaitable[Mapping[str, Any]]]
"""Asks the control interface of the simulator: `await do("/account", name="Lan")`."""


def in_threads(zalo: Simulator) -> Do:
    """Asks a simulator that has no event loop here."""

    async def do(path: str, **body: object) -> Mapping[str, Any]:
        return await asyncio.to_thread(zalo.do, path, **body)

    return do


async def link(do: Do, network: str, profiles: Profiles, names: Sequence[str]) -> dict[str, str]:
    """Seal a session for each of these accounts, and accept the risk. Gives their names by uid.

    The first one is the simulator's first account, the others are new there. `network` leads to it.
    """
    way, slots = Network.from_env({"ZALOWEB_NETWORK": network}), asyncio.Semaphore(_AT_ONCE)
    whose = [{}, *[{"account": (await do("/account", name=name))["uid"]} for name in names[1:]]]

    async def one(name: str, who: Mapping[str, str]) -> str:
        async with slots:
            given = await do("/credentials", **who)
            session = await log_in(Credentials.from_json(json.dumps(given)), network=way)
            vault, consent = profiles.vault(CHANNEL, name), Consent(CHANNEL, name, 0, session.uid, "yes", "-")
            await asyncio.to_thread(vault.replace, session.to_json(), (session.uid, name))
            await asyncio.to_thread(profiles.accept, consent)
            return session.uid

    return dict(zip(await asyncio.gather(*map(one, names, whose)), names, strict=True))
