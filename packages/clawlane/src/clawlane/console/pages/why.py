"""*Why*: what was decided about messages and why, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from clawlane.access.decision import Reason
from clawlane.clock import now_ms
from clawlane.console.answers import page
from clawlane.console.pages.common import asks_of, number
from clawlane.ops.operation import OpError
from clawlane.ops.why import Why
from clawlane.store.notices import COUNTED_AS
from clawlane.texts import t
from clawlane.words.gaps import gap_words
from clawlane.words.stories import lines, looked_to_words
from clawlane.words.times import written_ms

_PAGE = "/why"
_SHOWN = 25
_ASKED = ("person", "group", "reason", "since", "until", "dropped", "message")
_REASONS = (*map(str, Reason), *COUNTED_AS)


async def show(request: web.Request) -> web.Response:
    """What fits, a page of it, with ways to older and newer ones."""
    given = {name: value for name in _ASKED if (value := request.query.get(name, "").strip()[:200])}
    told = await asks_of(request).call(_asked(given, request.query))
    return await page(
        request,
        "why.html",
        given={name: given.get(name, "") for name in _ASKED},
        reasons=_REASONS,
        items=[list(lines(one)) for one in told.items],
        gaps=list(map(gap_words, told.gaps)),
        looked_to="" if told.looked_to_ms is None else looked_to_words(told.looked_to_ms),
        older=_way(given, before=told.older) if told.older else "",
        newer=_way(given, after=told.newer) if told.newer else "",
    )


def _asked(given: Mapping[str, str], query: Mapping[str, str]) -> Why:
    return Why(
        given.get("message", ""),
        _SHOWN,
        given.get("dropped") == "yes",
        person=given.get("person", ""),
        group=given.get("group", ""),
        reason=given.get("reason", ""),
        since_ms=_time(given.get("since", "")),
        until_ms=_time(given.get("until", "")),
        before=number(query.get("before", "0")),
        after=number(query.get("after", "0")),
    )


def _time(written: str) -> int | None:
    if not written:
        return None
    try:
        return written_ms(written, now_ms())
    except ValueError:
        raise OpError(t("'{written}' is no time", written=written[:40])) from None


def _way(given: Mapping[str, str], **place: int) -> str:
    return f"{_PAGE}?{urlencode({**given, **place})}"


ROUTES = (("GET", _PAGE, show),)
