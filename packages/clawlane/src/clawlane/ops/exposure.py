"""What a config opens and closes compared with another, for the people and groups that the store knows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from clawlane.access.comparison import compare
from clawlane.access.exposure import Exposure, Known
from clawlane.access.policy import AccessPolicy
from clawlane.ops.context import OpContext

if TYPE_CHECKING:
    from clawlane.config.load import Config


def policies(config: Config | None) -> dict[str, AccessPolicy]:
    """The access rules of the enabled accounts by `channel/id`; none without a config."""
    blocks = config.channels.values() if config is not None else ()
    return {
        str(account): AccessPolicy.of(config, account)
        for block in blocks
        for account in block.accounts
        if config is not None and account.enabled
    }


async def exposure(ctx: OpContext, before: Config | None, after: Config) -> Exposure:
    """What `after` lets in that `before` kept out, and the other way round. Raises `StoreUnusable`."""
    was, now = policies(before), policies(after)

    def known() -> Mapping[str, Known]:
        with ctx.read() as reader:
            return {account: reader.reach(account) for account in {*was, *now}}

    return await asyncio.to_thread(lambda: compare(was, now, known()))
