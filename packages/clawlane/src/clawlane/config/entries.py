"""What an entry of a list looks like: everybody, an id, or a telephone number that somebody took for one."""

from __future__ import annotations

import re
import unicodedata

ANYONE = "*"
LOOKS_LIKE = "looks like a telephone number, and no id is one, so it matches nobody"
_NOISE = re.compile(r"\b(?:tel|phone|mobile|sdt|sđt|zalo|id|uid|user)\b|[\s().,:/'’_#-]", re.IGNORECASE)
_INTERNATIONAL = range(7, 16)
"""Digits that a number with a + has, country code included (ITU-T E.164: at most 15)."""
_PLAIN = range(8, 16)


def is_id(entry: str) -> bool:
    """Whether an entry is a user id: ASCII digits."""
    return entry.isascii() and entry.isdecimal()


def is_phone_number(entry: str, shortest_id: int) -> bool:
    """Whether an entry looks like a telephone number: `+84 98 765 4321`, `(098) 765-4321`, `84987654321`.

    `shortest_id` is how many digits an id of the platform has at least. Digits without a + count only where
    they are fewer than that: on other platforms they may be an id.
    """
    bare = _NOISE.sub("", _plain(entry))
    digits = bare.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return False
    if bare.startswith("+"):
        return len(digits) in _INTERNATIONAL
    return len(digits) in _PLAIN and len(digits) < shortest_id


def find_the_id(channel: str, account: str = "", *, group: bool = False) -> str:
    """What to do instead of writing a number."""
    which = f" --account {account}" if account else ""
    whose, kind = ("group's", "groups") if group else ("person's", "peers")
    words = f"openclaw directory {kind} list --channel {channel}{which} --query NAME"
    return f"write the id; find it by the {whose} name: {words}"


def visible(entry: str) -> str:
    """The entry without the invisible signs that come along from an address book."""
    return "".join(one for one in entry if unicodedata.category(one) != "Cf")


def _plain(entry: str) -> str:
    """In ASCII digits, and only with what can be seen."""
    kept = visible(unicodedata.normalize("NFKC", entry))
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in kept)
