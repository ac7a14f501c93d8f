"""Threads as the gateway names them, and as zaloweb does."""

from __future__ import annotations

from clawlane.messages import Thread, ThreadKind
from zaloweb import events

KINDS = {events.ThreadKind.USER: ThreadKind.DM, events.ThreadKind.GROUP: ThreadKind.GROUP}
ZALO_KINDS = {ours: theirs for theirs, ours in KINDS.items()}


def thread_of(thread: events.Thread) -> Thread:
    """A thread of zaloweb as the gateway names it."""
    return Thread(KINDS[thread.kind], thread.id)


def zalo_thread(thread: Thread) -> events.Thread:
    """A thread of the gateway as zaloweb names it."""
    return events.Thread(ZALO_KINDS[thread.kind], thread.id)
