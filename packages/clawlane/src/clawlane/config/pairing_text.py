"""The text of `pairing.text`: what may stand in it, and how it is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

PLACEHOLDERS = ("{id}", "{code}", "{command}")
_LONGEST = 1000
"""Characters of the text as it is written; filled in, it still fits into one message."""

_IN_BRACES = re.compile(r"\{[^{}]*\}")


def checked(text: str) -> str:
    """The text. Raises `ValueError` with what is wrong with it."""
    for found in _IN_BRACES.findall(text):
        if found not in PLACEHOLDERS:
            raise ValueError(f"{found} is no placeholder here; there are {', '.join(PLACEHOLDERS)}")
    if "{code}" not in text and "{command}" not in text:
        raise ValueError("the text must hold {code}: without it nobody learns their code")
    if len(text) > _LONGEST:
        raise ValueError(f"the text must have at most {_LONGEST} characters, it has {len(text)}")
    return text


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced, each once: what is filled in is not looked at again."""
    return _IN_BRACES.sub(lambda found: values[found[0][1:-1]], text)
