"""What an account could not catch up with."""

from __future__ import annotations

from clawlane.store.told import Gap
from clawlane.texts import later, t
from clawlane.words.times import local

_GAP_OF_DMS = later(
    "direct messages from {since} to {until} may be missing: the platform did not give them out"
)


_GAP_OF_GROUPS = later(
    "messages of groups from {since} to {until} may be missing: the platform did not give them out"
)


def gap_words(gap: Gap) -> str:
    """A stretch of time whose messages the platform did not give out."""
    span = {"since": local(gap.from_ms), "until": local(gap.to_ms)}
    if gap.kind == "dm":
        return t(_GAP_OF_DMS, **span)
    return t(_GAP_OF_GROUPS, **span)
