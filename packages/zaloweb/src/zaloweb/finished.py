"""Which uploads the server has finished with. It says so over the socket, before or after it answers."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from zaloweb.clock import Clock, within
from zaloweb.errors import NotPrepared
from zaloweb.events import FileDone

ANNOUNCED_S: Final = 300.0
"""Seconds that the server may take for it, once all of a file is there."""

_MOST_KEPT = 64
"""Announcements nobody has asked for yet: other devices of the account upload as well."""


class Finished:
    """Matches announcements with those who wait for them, whichever comes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[str]] = {}

    def tell(self, event: FileDone) -> None:
        """Note that a file is finished."""
        waiting = self._waiting.get(event.file_id)
        if waiting is not None:
            if not waiting.done():
                waiting.set_result(event.url)
            return
        self._kept[event.file_id] = event.url
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    async def url_of(self, file_id: str) -> str:
        """The address of a finished file. Raises `NotPrepared` when nothing is said of it in time."""
        if file_id in self._kept:
            return self._kept.pop(file_id)
        waiting = self._waiting.setdefault(file_id, asyncio.get_running_loop().create_future())
        try:
            return await within(self._clock, ANNOUNCED_S, waiting)
        except TimeoutError:
            reason = f"Zalo took the file but said nothing more of it within {ANNOUNCED_S:.0f} seconds"
            raise NotPrepared("upload", reason) from None
        finally:
            self._waiting.pop(file_id, None)
