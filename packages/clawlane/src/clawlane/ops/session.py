"""The stored session of an account: facts about it, and never a value of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.ops.operation import AccountRequest, operation

if TYPE_CHECKING:
    from clawlane.credentials.vault import ProfileVault
    from clawlane.ops.context import OpContext, Target


@dataclass(frozen=True, slots=True)
class ShowSession(AccountRequest["StoredSession"]):
    """The session of an account: the named one, or the default one."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What is stored. Without a login only the names and the places are filled.

    `generation` stands for the login, `saved_ms` is the last time that the session was written, which each
    refresh does. `described` says whether the channel told the rest: `logged_in_ms`, how many `cookies`, and
    `expires_ms` and `expires` of the one that expires first; None and empty where nothing expires.
    `key_set_by` is the variable that points to the key; empty beside the sessions. The session is in `file`,
    or where that is empty in a `database`.
    """

    channel: str
    account: str
    profile: str
    words: str
    file: str
    key_file: str
    key_set_by: str
    linked: bool = False
    user_id: str = ""
    user_name: str = ""
    generation: str = ""
    saved_ms: int | None = None
    described: bool = False
    logged_in_ms: int | None = None
    cookies: int = 0
    expires_ms: int | None = None
    expires: str = ""
    database: str = ""


@operation
async def show(ctx: OpContext, request: ShowSession) -> StoredSession:
    """Raises `OpError`, and `VaultError` for a session that cannot be read."""
    import asyncio
    from dataclasses import replace

    from clawlane.capabilities import DescribesSession

    target = await asyncio.to_thread(ctx.target, request.channel, request.account)
    vault = ctx.vault(target.account)
    found = _places(ctx, target, vault)
    secret = await vault.read()
    if secret is None:
        return found
    identity = await asyncio.to_thread(vault.identity)
    user_id, name = identity or ("", "")
    saved_ms = await asyncio.to_thread(lambda: vault.saved_ms)
    found = replace(found, linked=True, user_id=user_id, user_name=name, saved_ms=saved_ms)
    found = replace(found, generation=vault.generation)
    channel = await asyncio.to_thread(ctx.runtime, target.manifest)
    if not isinstance(channel, DescribesSession):
        return found
    facts = channel.describe(secret)
    return replace(
        found,
        described=True,
        logged_in_ms=facts.logged_in_ms,
        cookies=facts.cookies,
        expires_ms=facts.expires_ms,
        expires=facts.expires,
    )


def _places(ctx: OpContext, target: Target, vault: ProfileVault) -> StoredSession:
    account, key, shared = target.account, ctx.sealing_key, ctx.shares_store
    return StoredSession(
        channel=account.channel,
        account=account.id,
        profile=account.profile,
        words=target.words,
        file="" if shared else vault.where,
        key_file=str(key.path),
        key_set_by=key.set_by,
        database=vault.where if shared else "",
    )
