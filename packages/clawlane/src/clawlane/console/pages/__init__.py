"""One module for each page: what it shows, and what can be done on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from aiohttp import web


class Route(NamedTuple):
    """A method and a path, and what answers."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes() -> Iterator[Route]:
    """All of them."""
    from clawlane.console.pages import (
        config,
        dead_letters,
        drafts,
        login,
        now,
        outbox,
        pacing,
        pause,
        people,
        ritual,
        sessions,
        webhooks,
        why,
    )

    for module in (
        now,
        people,
        why,
        drafts,
        outbox,
        dead_letters,
        sessions,
        pacing,
        webhooks,
        config,
        login,
        ritual,
        pause,
    ):
        yield from (Route(*one) for one in module.ROUTES)
