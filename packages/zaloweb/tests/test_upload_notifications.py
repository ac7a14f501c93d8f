"""Announcements of finished uploads, and those who wait for them."""

from __future__ import annotations

import asyncio

import pytest

from vectors_harness.watched_clock import WatchedClock
from zaloweb.errors import NotPrepared
from zaloweb.events import FileDone
from zaloweb.media.upload import ANNOUNCED_S, UploadNotifications


async def test_an_announcement_is_kept_until_somebody_asks() -> None:
    finished = UploadNotifications(WatchedClock())
    finished.tell(FileDone("1", "https://file/1"))
    assert await finished.url_of("1") == "https://file/1"


async def test_who_asks_first_waits() -> None:
    clock = WatchedClock()
    finished = UploadNotifications(clock)
    waiting = asyncio.ensure_future(finished.url_of("1"))
    await clock.until_asleep(ANNOUNCED_S)
    finished.tell(FileDone("2", "https://file/2"))
    finished.tell(FileDone("1", "https://file/1"))
    finished.tell(FileDone("1", "https://file/again"))
    assert await waiting == "https://file/1"
    assert await finished.url_of("2") == "https://file/2"


async def test_of_the_announcements_nobody_asks_for_only_the_latest_are_kept() -> None:
    clock = WatchedClock()
    finished = UploadNotifications(clock)
    for number in range(1000):
        finished.tell(FileDone(str(number), f"https://file/{number}"))
    assert await finished.url_of("999") == "https://file/999"
    waiting = asyncio.ensure_future(finished.url_of("0"))
    await clock.until_asleep(ANNOUNCED_S)
    clock.advance(ANNOUNCED_S)
    with pytest.raises(NotPrepared):
        await waiting
