"""*Now*: every account with its state, its health and what helps; and what happens, as it falls."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aiohttp import web

from clawlane.clock import now_ms
from clawlane.condition import Phase
from clawlane.console.answers import page
from clawlane.console.feed import SHOWN, Reader
from clawlane.console.pages.common import asks_of
from clawlane.console.rendering import fragment
from clawlane.console.site import SITE
from clawlane.console.streaming import SILENCE_S, STILL_HERE, opened, while_signed_in, written
from clawlane.ops.account_status import AccountStatus
from clawlane.ops.context import account_words
from clawlane.ops.exit_codes import Exit, accounts_of, exit_code, exit_code_of
from clawlane.ops.status import GetStatus, Status
from clawlane.ops.why import Why
from clawlane.texts import t
from clawlane.words.account_rows import account_rows
from clawlane.words.status import (
    config_lines,
    gateway_line,
    help_of,
    on_node,
    phase_words,
    serves_lines,
    webhook_lines,
)
from clawlane.words.stories import lines

_LOGIN_HELPS = (Phase.NEEDS_LOGIN, Phase.NEEDS_CONSENT)


async def show(request: web.Request) -> web.Response:
    """The whole page."""
    told = await asks_of(request).call(Why(last=SHOWN))
    items = [list(lines(one)) for one in told.items]
    return await page(request, "now.html", items=items, **await _values(request))


async def accounts(request: web.Request) -> web.Response:
    """The part that is fetched again every few seconds."""
    return web.Response(text=fragment("accounts.html", **await _values(request)), content_type="text/html")


async def stream(request: web.Request) -> web.StreamResponse:
    """The feed of one page, until it goes, reads too slowly, or its browser is signed out."""
    async with request.app[SITE].feed.reading() as reader:
        response = await opened(request)
        with suppress(ConnectionError, TimeoutError):
            async with while_signed_in(request):
                while not reader.slow:
                    if not await written(request, response, await _next(reader)):
                        break
        return response


async def _next(reader: Reader) -> bytes:
    try:
        async with asyncio.timeout(SILENCE_S):
            return await reader.queue.get()
    except TimeoutError:
        return STILL_HERE


async def _values(request: web.Request) -> dict[str, Any]:
    found, now = await asks_of(request).call(GetStatus()), now_ms()
    told = (*config_lines(found.config, now), *serves_lines(found), *webhook_lines(found, now))
    return {
        "found": found,
        "well": exit_code(found) is Exit.WELL,
        "gateway": gateway_line(found, now),
        "runs": found.gateway is not None or any(one.node for one in accounts_of(found)),
        "lines": [text for _, text in told],
        "rows": _rows(found),
    }


def _rows(found: Status) -> dict[str, dict[str, object]]:
    """By `channel/account`: the badge of the account, its rows, and the command that helps."""
    return {
        f"{channel}/{one.id}": _account(
            found, one, account_words(channel, one.id, one.id == block.default_account)
        )
        for channel, block in found.channels.items()
        for one in block.accounts.values()
    }


def _account(found: Status, one: AccountStatus, words: str) -> dict[str, object]:
    code = exit_code_of(one)
    return {
        "well": bool(found.gateway or one.node) and code is Exit.WELL,
        "phase": phase_words(found, one),
        "node": on_node(one),
        "rows": [(t(head) if head else "", text) for head, text in account_rows(one, words, now_ms())],
        "help": help_of(one, words),
        "needs_login": one.enabled and (not one.linked or one.phase in _LOGIN_HELPS),
    }


ROUTES = (("GET", "/", show), ("GET", "/now/accounts", accounts), ("GET", "/now/events", stream))
