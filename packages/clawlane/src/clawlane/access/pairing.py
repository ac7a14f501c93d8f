"""What a stranger's message leads to: a code that the owner can approve, sent, held or kept silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clawlane.access.decision import Outcome, Reason
from clawlane.config.policy import PairingReply

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8
CODE_LIFE_MS = 60 * 60 * 1000
MAX_PENDING = 3
MAX_TEXTS = 10
TEXTS_WINDOW_MS = 60 * 60 * 1000

Choose = Callable[[Sequence[str]], str]
"""Picks one of several: `secrets.choice` where it counts."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one account as one sender meets them. Expired ones are not among them.

    `own_texted` is None when the sender has no request, else whether the code was sent to them.
    `others` are the waiting requests of other senders, `texts` the challenge texts of the last hour.
    """

    own_texted: bool | None
    others: int
    texts: int


@dataclass(frozen=True, slots=True)
class Approach:
    """What of a message counts for pairing. `friend` is None where the channel cannot tell."""

    live: bool
    friend: bool | None


def new_code(choose: Choose) -> str:
    return "".join(choose(ALPHABET) for _ in range(CODE_LENGTH))


def normalise_code(written: str) -> str:
    """A code as somebody typed it: blanks around it and its case do not count."""
    return written.strip().upper()


def answer(reply: PairingReply, approach: Approach, requests: Requests) -> Reason:
    """Which `dm_pairing_…` reason a stranger's message has. Only `DM_PAIRING_REQUIRED` sends a text."""
    if requests.own_texted is None and requests.others >= MAX_PENDING:
        return Reason.DM_PAIRING_FULL
    if requests.own_texted:
        return Reason.DM_PAIRING_PENDING
    if _keeps_silent(reply, approach.friend):
        return Reason.DM_PAIRING_SILENT
    if not approach.live or requests.texts >= MAX_TEXTS:
        return Reason.DM_PAIRING_HELD
    return Reason.DM_PAIRING_REQUIRED


def outcome(reason: Reason) -> Outcome:
    """What a pairing reason means for the message."""
    return Outcome.DROP if reason is Reason.DM_PAIRING_FULL else Outcome.CHALLENGE


def challenge_text(channel: str, sender_id: str, code: str) -> str:
    """What the stranger reads: plain text, so that it can be copied as it stands."""
    return (
        "This account answers only people its owner has approved.\n"
        f"Your id: {sender_id}\n"
        f"Your pairing code: {code}\n"
        "Ask the owner to run:\n"
        f"openclaw pairing approve {channel} {code}"
    )


def _keeps_silent(reply: PairingReply, friend: bool | None) -> bool:
    if reply is PairingReply.FRIENDS_SILENT:
        return friend is not False
    return reply is PairingReply.SILENT
