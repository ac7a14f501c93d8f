"""What holds an approved draft, in words: the same in a terminal and in a chat."""

from __future__ import annotations

from clawlane.ops.drafts import Approved
from clawlane.texts import t


def held_by(done: Approved, resume: str, until: str) -> str:
    """A sentence for each thing that holds a draft, with a blank before it; empty where it leaves now.

    `resume` is the command that ends its pause, `until` when the quiet hours end, as it is shown.
    """
    told = ""
    if done.quiet_until_ms is not None:
        told += t(" Quiet hours hold it until {time}.", time=until)
    if done.warming_up:
        told += t(" The warm-up of the new session holds it for now.")
    if done.paused:
        told += t(" A pause holds it; to go on: {command}", command=resume)
    return told
