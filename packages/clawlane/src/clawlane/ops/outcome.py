"""Waits, in the process of a command, for what becomes of what it queued."""

from __future__ import annotations

from dataclasses import replace

from clawlane.clock import now_ms
from clawlane.ops.client import Client, ControlError
from clawlane.ops.message import LONGEST_WAIT_MS, Outcome, Outcomes


def wait_for(client: Client, asked: Outcome, wait_s: float) -> Outcomes:
    """The outcome, as soon as nothing more happens by itself before the time is up."""
    ends_ms = now_ms() + int(1000 * wait_s)
    while True:
        left_ms = max(0, ends_ms - now_ms())
        question = replace(asked, wait_ms=min(left_ms, LONGEST_WAIT_MS), until_ms=ends_ms)
        try:
            found = client.call(question)
        except ControlError:  # it has ended meanwhile; the store tells the rest
            found = client.run_here(asked)
        too_late = any((part.held_until_ms or 0) > ends_ms for part in found.open)
        if not found.open or not left_ms or found.paused or found.stopped or too_late:
            return found
