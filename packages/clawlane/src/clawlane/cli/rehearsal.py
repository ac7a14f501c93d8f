"""Whether a channel is pointed at a simulator."""

from __future__ import annotations

from clawlane.abilities import Rehearsal
from clawlane.channel import Channel


def rehearsal_of(channel: Channel) -> str:
    """Where the simulator is, or empty for the real platform."""
    return channel.rehearsal() if isinstance(channel, Rehearsal) else ""
