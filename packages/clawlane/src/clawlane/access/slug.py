"""How names are compared at a look-up. At run time no name is ever compared."""

from __future__ import annotations

import re
import unicodedata

_OTHERS = re.compile(r"[^a-z0-9]+")


def folded(name: str) -> str:
    """The form in which two names are the same: case and the way accents are encoded do not count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def slug(name: str) -> str:
    """`Nhóm Đà Nẵng!` as `nhom-da-nang`. Empty, and so fitting none, without Latin letters or digits."""
    decomposed = unicodedata.normalize("NFD", name.lower())
    letters = "".join(char for char in decomposed if not unicodedata.combining(char)).replace("đ", "d")
    return _OTHERS.sub("-", letters).strip("-")
