"""What a stranger's message leads to: a code that the owner can approve, sent, held or kept silent."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clawlane.access.decision import Outcome, Reason
from clawlane.access.names import folded, slug
from clawlane.config.choices import PairingReply
from clawlane.config.pairing_text import filled

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8
CODE_LIFE_MS = 60 * 60 * 1000
MAX_PENDING = 3
MAX_TEXTS = 10
TEXTS_WINDOW_MS = 60 * 60 * 1000
REJECTED_MS = 30 * 24 * 60 * 60 * 1000
"""How long a sender stays turned away who is not blocked."""

LAPSED_MS = 30 * 24 * 60 * 60 * 1000
"""How long it counts that a request of somebody expired unanswered."""

_LONGEST_NAME = 200
Choose = Callable[[Sequence[str]], str]
"""Picks one of several: `secrets.choice` where it counts."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one account as one sender meets them. Expired ones are not among them.

    `own_texted` is None when the sender has no request, else whether the code was sent to them. `strangers`
    are the waiting requests of others who are not known to be friends, `lapsed` those of them who let an
    earlier request expire. `texts` are the challenge texts of the last hour. Of the sender: `own_lapsed`,
    `rejected` by the operator, and whether they were a `known_friend` when the friends were last looked up.
    """

    own_texted: bool | None
    strangers: int
    texts: int
    lapsed: int = 0
    own_lapsed: bool = False
    rejected: bool = False
    known_friend: bool = False

    @property
    def full(self) -> bool:
        """Whether every place for a stranger is taken."""
        return self.strangers >= MAX_PENDING

    @property
    def has_place(self) -> bool:
        """Whether a stranger without a request gets one: a free place, or one that must give way."""
        return not self.full or (self.lapsed > 0 and not self.own_lapsed)


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
    """Which reason a message has whose sender is not let in. Only `DM_PAIRING_REQUIRED` sends a text."""
    if requests.rejected:
        return Reason.DM_REJECTED
    friend = approach.friend or requests.known_friend
    if requests.own_texted is None and not friend and not requests.has_place:
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
    return Outcome.DROP if reason in (Reason.DM_PAIRING_FULL, Reason.DM_REJECTED) else Outcome.CHALLENGE


_VIETNAMESE = (
    "Tài khoản này chỉ trả lời những người đã được chủ tài khoản chấp thuận.\n"
    "ID của bạn: {id}\n"
    "Mã ghép nối của bạn: {code}\n"
    "Hãy báo mã này cho chủ tài khoản. Mã có hiệu lực trong một giờ."
)
_ENGLISH = (
    "This account answers only people its owner has approved.\n"
    "Your id: {id}\n"
    "Your pairing code: {code}\n"
    "Tell the owner this code. It is valid for one hour."
)
_BOTH = f"{_VIETNAMESE}\n\n{_ENGLISH}"
_BUILT_IN = {"vi": _VIETNAMESE, "en": _ENGLISH}


def built_in_text(language: str) -> str:
    """The built-in challenge in an account's language (`vi`, `en-US`); in both where that is another."""
    return _BUILT_IN.get(language.strip().lower().replace("_", "-").partition("-")[0], _BOTH)


def challenge_text(template: str, channel: str, sender_id: str, code: str) -> str:
    """What the stranger reads: `pairing.text` of the config or a built-in text, with everything filled in."""
    command = f"openclaw pairing approve {channel} {code}"
    return filled(template, {"id": sender_id, "code": code, "command": command})


def alike(one: str, other: str) -> bool:
    """Whether people could take one name for the other: both have the same `look`."""
    return bool(look(one)) and look(one) == look(other)


def look(name: str) -> str:
    """What people see in a name: the same for names that they could take for each other, empty for none.

    Case, accents, spaces, punctuation, invisible signs and the style of letters do not count.
    """
    plain = unicodedata.normalize("NFKC", name[:_LONGEST_NAME])
    shown = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cc", "Cf"))
    latin = slug(shown).replace("-", "")
    return latin if len(latin) * 2 >= len("".join(shown.split())) else folded(" ".join(shown.split()))


def _keeps_silent(reply: PairingReply, friend: bool | None) -> bool:
    if reply is PairingReply.FRIENDS_SILENT:
        return friend is not False
    return reply is PairingReply.SILENT
