"""What several pages need: asking operations, all channels, and the fields of a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import quote

from aiohttp import web

from clawlane.console.site import SITE
from clawlane.ops.accounts import FoundAccount
from clawlane.ops.asking import Asks
from clawlane.ops.channel_list import ChannelEntry, ListChannels
from clawlane.ops.operation import Request

R = TypeVar("R")
_LONGEST_FIELD = 50_000


def asks_of(request: web.Request) -> Asks:
    return request.app[SITE].asks


async def channels(asks: Asks) -> list[ChannelEntry]:
    """The channels of the config that can run."""
    return [one for one in await asks.call(ListChannels()) if one.off is None]


async def over_channels(asks: Asks, request_of: Callable[[str], Request[list[R]]]) -> list[R]:
    """What an operation gives for each channel, one after the other."""
    found: list[R] = []
    for one in await channels(asks):
        of_channel: list[R] = await asks.call(request_of(one.channel))
        found += of_channel
    return found


async def fields(request: web.Request) -> Mapping[str, str]:
    """The text fields of a form; files and what is too long for a field are left out."""
    given = await request.post()
    return {
        name: value
        for name, value in given.items()
        if isinstance(value, str) and len(value) <= _LONGEST_FIELD
    }


def account_of(text: str) -> tuple[str, str]:
    """Channel and account of `channel/id`. Raises `HTTPNotFound` where one is missing."""
    channel, _, account = text.partition("/")
    if not channel or not account:
        raise web.HTTPNotFound
    return channel, account


def address_of(account: FoundAccount) -> str:
    """An account as the end of an address."""
    return f"{quote(account.channel, safe='')}/{quote(account.account, safe='')}"


def number(text: str) -> int:
    """A number from an address or a form. Raises `HTTPNotFound` for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise web.HTTPNotFound
    return int(text)
