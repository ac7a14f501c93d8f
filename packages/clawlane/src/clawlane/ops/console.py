"""The way into the web console: one-time links, and signing browsers out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from clawlane.credentials.console_access import LINK_MS, ConsoleAccess
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class Link(Request["OneTimeLink"]):
    """A link that signs one browser in to the console that runs; with `page` also a file that leads to it."""

    page: bool = False


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """An address that can be used once, until `until_ms`. Who has it can do all that the console can.

    `page` is a private file that leads a browser of this machine there, empty where none was asked for.
    """

    url: str = field(repr=False)
    until_ms: int
    page: str = ""


@dataclass(frozen=True, slots=True)
class SignOut(Request["SignedOut"]):
    """Sign out every browser, and end the links that were not used."""


@dataclass(frozen=True, slots=True)
class SignedOut:
    """How many browsers there were."""

    browsers: int


@operation
async def link(ctx: OpContext, request: Link) -> OneTimeLink:
    """Raises `OpError` where no console runs."""
    access = ConsoleAccess(ctx.paths.console_dir)
    place = await asyncio.to_thread(access.place)
    if place is None:
        raise OpError(later("no console runs"), "openclaw console")
    now = ctx.now_ms()
    token = await asyncio.to_thread(access.make_link, now)
    url = f"{place.url}/sign-in?link={token}"
    page = str(await asyncio.to_thread(access.page_to, url, token)) if request.page else ""
    return OneTimeLink(url, now + LINK_MS, page)


@operation
async def sign_out(ctx: OpContext, request: SignOut) -> SignedOut:  # noqa: ARG001
    access = ConsoleAccess(ctx.paths.console_dir)
    return SignedOut(await asyncio.to_thread(access.sign_out_all))
