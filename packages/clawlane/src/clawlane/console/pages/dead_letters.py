"""*Set aside*: messages that the agent could not answer; give one to it again, or give it up."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from clawlane.console.answers import done, page
from clawlane.console.pages.common import asks_of, fields, over_channels
from clawlane.ops.messages import DeadLetters, DropDeadLetter, Resubmit
from clawlane.words import dead_letters as words

_PAGE = "/dead-letters"


async def show(request: web.Request) -> web.Response:
    letters = await over_channels(asks_of(request), DeadLetters)
    return await page(request, "dead_letters.html", letters=letters, words=words)


async def resubmit(request: web.Request) -> web.Response:
    channel, message, account = _of(await fields(request))
    decided = await asks_of(request).call(Resubmit(channel, message, account))
    return await done(request, _PAGE, words.resubmitted_sentence(message, running=decided.running))


async def drop(request: web.Request) -> web.Response:
    channel, message, account = _of(await fields(request))
    await asks_of(request).call(DropDeadLetter(channel, message, account))
    return await done(request, _PAGE, words.dropped_sentence(message))


def _of(given: Mapping[str, str]) -> tuple[str, str, str]:
    channel, _, account = given.get("account", "").partition("/")
    return channel, given.get("message", ""), account


ROUTES = (
    ("GET", _PAGE, show),
    ("POST", "/dead-letters/resubmit", resubmit),
    ("POST", "/dead-letters/drop", drop),
)
