"""What becomes of a request that fails: a page that says what is wrong and what to do, and no more."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from clawlane.console.answers import own_path, page
from clawlane.console.errors import lines_of
from clawlane.console.guard import refusal
from clawlane.console.rendering import HEADERS, STATIC
from clawlane.ops.asking import OURS
from clawlane.texts import t

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer has the headers that keep a page to itself; a failure is a page, too."""
    response = await _answer(request, handler)
    if not response.prepared:
        response.headers.update(HEADERS)
        fixed = request.path.startswith(STATIC) and response.status == 200
        kept = "private, max-age=31536000, immutable" if fixed else "no-store"
        response.headers["Cache-Control"] = kept
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.RequestPayloadError:
        return await _told(request, 400, [t("That did not come whole.")])
    except web.HTTPException as error:
        if error.status in (404, 405):
            return await _told(request, error.status, [t("There is no such page.")])
        return refusal(error.status, error.reason)
    except OURS as error:
        return await _told(request, 409, *lines_of(error))
    except Exception as error:
        log.exception("%s failed", request.path)
        return await _told(request, 500, *lines_of(error))


async def _told(request: web.Request, status: int, lines: list[str], help: str = "") -> web.Response:
    back = own_path(_path_of(request.headers.get("Referer", "")))
    return await page(request, "failure.html", status=status, lines=lines, help=help, back=back)


def _path_of(url: str) -> str:
    """The path of an address; empty for what is none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
