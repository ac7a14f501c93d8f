"""What a stranger's message leads to: a pairing code for the owner to approve, sent, held or kept silent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clawlane.access.decision import Outcome, Reason
from clawlane.access.names import fold_name, slug
from clawlane.config.choices import PairingReply
from clawlane.language import spoken
from clawlane.texts import in_each, later

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8
CODE_LIFE_MS = 60 * 60 * 1000
MAX_PENDING = 3
MAX_TEXTS = 10
TEXTS_WINDOW_MS = 60 * 60 * 1000
REJECTED_MS = 30 * 24 * 60 * 60 * 1000
"""How long a rejection lasts for a sender who is not blocked."""

LAPSED_MS = 30 * 24 * 60 * 60 * 1000
"""How long a request that expired unanswered counts against its sender."""

_LONGEST_NAME = 200
Choose = Callable[[Sequence[str]], str]
"""Picks one of several: `secrets.choice` where it counts."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The open pairing requests of one account, seen from one sender. Expired ones are left out.

    `own_texted` is None when the sender has no request, else whether the code was sent to them. `strangers`
    counts the requests of others who are not known to be friends, `lapsed` those of them who let an earlier
    request expire. `texts` counts the challenges sent in the last hour. About the sender: `own_lapsed`,
    `rejected` by the operator, and `known_friend` when the friends were last looked up.
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
        """Whether the most requests of strangers are open."""
        return self.strangers >= MAX_PENDING

    @property
    def has_place(self) -> bool:
        """Whether a stranger without a request gets one: a free place, or that of somebody who lapsed."""
        return not self.full or (self.lapsed > 0 and not self.own_lapsed)


@dataclass(frozen=True, slots=True)
class Contact:
    """What pairing looks at in a message. `friend` is None where the channel cannot tell.

    `mute` says that nothing may leave to its sender.
    """

    live: bool
    friend: bool | None
    mute: bool = False


def new_code(choose: Choose) -> str:
    return "".join(choose(ALPHABET) for _ in range(CODE_LENGTH))


def normalise_code(written: str) -> str:
    """A code as typed by a person, without blanks around it and in upper case."""
    return written.strip().upper()


def answer(reply: PairingReply, contact: Contact, requests: Requests) -> Reason:
    """The reason for a message of a sender who has to pair. Only `DM_PAIRING_REQUIRED` sends a text."""
    if requests.rejected:
        return Reason.DM_REJECTED
    friend = contact.friend or requests.known_friend
    if requests.own_texted is None and not friend and not requests.has_place:
        return Reason.DM_PAIRING_FULL
    if requests.own_texted:
        return Reason.DM_PAIRING_PENDING
    friend_silent = reply is PairingReply.FRIENDS_SILENT and contact.friend is not False
    if friend_silent or reply is PairingReply.SILENT:
        return Reason.DM_PAIRING_SILENT
    if contact.mute or not contact.live or requests.texts >= MAX_TEXTS:
        return Reason.DM_PAIRING_HELD
    return Reason.DM_PAIRING_REQUIRED


def outcome(reason: Reason) -> Outcome:
    """What a pairing reason means for the message."""
    return Outcome.DROP if reason in (Reason.DM_PAIRING_FULL, Reason.DM_REJECTED) else Outcome.CHALLENGE


_CHALLENGE = later(
    "This account answers only people its owner has approved.\n"
    "Your id: {id}\n"
    "Your pairing code: {code}\n"
    "Tell the owner this code. It is valid for one hour."
)


def built_in_text(language: str) -> str:
    """The built-in challenge in an account's language (`vi`, `en-US`); in both languages for any other."""
    return in_each(spoken(language), "\n\n", _CHALLENGE)


def challenge_text(template: str, channel: str, sender_id: str, code: str) -> str:
    """What the stranger reads: `pairing.text` of the config or a built-in text, placeholders filled."""
    values = {"id": sender_id, "code": code, "command": f"openclaw pairing approve {channel} {code}"}
    # One pass: what is filled in is not searched for placeholders again.
    return re.sub(r"\{(id|code|command)\}", lambda found: values[found[1]], template)


def skeleton(name: str) -> str:
    """What people see in a name, the same for names they could mistake for each other; empty for none.

    Ignores case, accents, spaces, punctuation, invisible characters and styled letters.
    """
    plain = unicodedata.normalize("NFKC", name[:_LONGEST_NAME])
    shown = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cc", "Cf"))
    latin = slug(shown).replace("-", "")
    return latin if len(latin) * 2 >= len("".join(shown.split())) else fold_name(" ".join(shown.split()))
