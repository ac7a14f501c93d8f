"""Recognises telephone numbers written in place of ids, as some guides advise; they match nobody."""

from __future__ import annotations

import re
import unicodedata

LOOKS_LIKE = "looks like a telephone number, and no id is one, so it matches nobody"
_NOISE = re.compile(r"\b(?:tel|phone|mobile|sdt|sđt|zalo|id|uid|user)\b|[\s().,:/'’_#-]", re.IGNORECASE)
_INTERNATIONAL = range(7, 16)
"""Digits that a number with a + has, country code included (ITU-T E.164: at most 15)."""
_PLAIN = range(8, 16)


def is_phone_number(entry: str, shortest_id: int) -> bool:
    """Whether an entry looks like a telephone number: `+84 98 765 4321`, `(098) 765-4321`, `84987654321`.

    `shortest_id` is the least number of digits in an id of the platform. Digits without a + are a telephone
    number only if they are fewer than that; otherwise they may be an id.
    """
    # ASCII digits, and only what can be seen.
    shown = visible(unicodedata.normalize("NFKC", entry))
    bare = _NOISE.sub("", "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in shown))
    digits = bare.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return False
    if bare.startswith("+"):
        return len(digits) in _INTERNATIONAL
    return len(digits) in _PLAIN and len(digits) < shortest_id


def find_the_id(channel: str, account: str = "", *, group: bool = False) -> str:
    """What to write instead of a number, and the command that finds it."""
    which = f" --account {account}" if account else ""
    whose, kind = ("group's", "groups") if group else ("person's", "peers")
    words = f"openclaw directory {kind} list --channel {channel}{which} --query NAME"
    return f"write the id; find it by the {whose} name: {words}"


def visible(entry: str) -> str:
    """The entry without invisible characters, which address books add."""
    return "".join(one for one in entry if unicodedata.category(one) != "Cf")
