"""What handlers answer with: a page, or after an action the way to one."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from clawlane import texts
from clawlane.console.guard import LONGEST_PATH
from clawlane.console.rendering import fragment
from clawlane.console.site import SITE


async def page(request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
    """A whole page. What the last action said is shown once."""
    site = request.app[SITE]
    said = site.notes.take(site.entrance.token(request))
    here = f"/{request.path.split('/')[1]}"
    told = {"path": request.path, "here": here, "locale": texts.locale(), "said": said, "bare": False}
    html = fragment(name, **{**told, **values})
    return web.Response(text=html, status=status, content_type="text/html")


async def done(request: web.Request, to: str, *sentences: str) -> web.Response:
    """The end of an action: the browser goes to a page, which shows the sentences once."""
    site = request.app[SITE]
    for sentence in sentences:
        site.notes.leave(site.entrance.token(request), sentence)
    return web.Response(status=303, headers={"Location": to})


def own_path(path: str) -> str:
    """A path of the console, where a browser may be led; the first page instead of anything else."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and len(path) < LONGEST_PATH else "/"
