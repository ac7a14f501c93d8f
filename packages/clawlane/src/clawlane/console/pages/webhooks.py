"""*Webhooks*: how far each is; send it a test, try it again, and give up what it refuses."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from clawlane.console.answers import done, page
from clawlane.console.pages.common import asks_of, fields, number
from clawlane.ops.webhooks import DropEvents, ListWebhooks, RetryWebhooks, TestWebhooks
from clawlane.words import webhooks as words

_PAGE = "/webhooks"


async def show(request: web.Request) -> web.Response:
    found = await asks_of(request).call(ListWebhooks())
    return await page(request, "webhooks.html", found=found, words=words)


async def test(request: web.Request) -> web.Response:
    found = await asks_of(request).call(TestWebhooks(_chosen(await fields(request))))
    return await done(request, _PAGE, *map(words.tested_sentence, found))


async def retry(request: web.Request) -> web.Response:
    found = await asks_of(request).call(RetryWebhooks(_chosen(await fields(request))))
    return await done(request, _PAGE, words.retried_sentence(found))


async def drop(request: web.Request) -> web.Response:
    given = await fields(request)
    found = await asks_of(request).call(DropEvents(_chosen(given), given.get("all") == "yes"))
    return await done(request, _PAGE, words.dropped_sentence(found))


def _chosen(given: Mapping[str, str]) -> int:
    return number(given.get("number", ""))


ROUTES = (
    ("GET", _PAGE, show),
    ("POST", "/webhooks/test", test),
    ("POST", "/webhooks/retry", retry),
    ("POST", "/webhooks/drop", drop),
)
