"""Taking secrets out of log lines, in time that grows with the text and no faster.

No pattern here backtracks: each part runs over characters that no other part could match.
"""

from __future__ import annotations

import re
import string
from typing import Final

LONGEST_LINE: Final = 2_000
LONGEST_TEXT: Final = 20_000
"""Characters that are kept of a line, and of a message or a traceback. The rest is left out unread."""

_BLOB_SIGNS: Final = string.ascii_letters + string.digits + "+/_=%-"
_LONG_BLOB: Final = 100
_BLOB = re.compile(f"[{re.escape(_BLOB_SIGNS)}]+")
_NAME = re.compile(r"[\w.-]+")
_SECRET = re.compile(
    r"cookie|token|secret|passw(?:or)?d|api[_-]?key|session[_-]?id|sek|enk|imei", re.IGNORECASE
)
_NUMBERS: Final = ("maxTokens", "tokensPerDay")
"""Settings that count tokens: what follows them in a line is no secret."""

_PARTS_OF_NAMES: Final = ("cookie", "token", "secret", "passw", "api", "session", "sek", "enk", "imei")
"""Each match of `_SECRET` in ASCII holds one of these."""

_SEPARATOR = re.compile(r"""\\?["']?\s*[:=]\s*\\?["']?""")
_VALUE = re.compile(r"""[^\s"',;&}\\]+(?:;[^\n"']*)?""")
_CUT: Final = " …"
_REDACTED: Final = "[redacted]"


def redact(text: str) -> str:
    """The text without what looks like a cookie, key or token."""
    shown = "".join(_without_values(text)) if _may_name_a_secret(text) else text
    return _BLOB.sub(_without_blob, shown) if len(shown) >= _LONG_BLOB else shown


def _may_name_a_secret(text: str) -> bool:
    """False for most lines, after a look that costs a tenth of what reading their names does."""
    lower = text.lower()
    return not text.isascii() or any(part in lower for part in _PARTS_OF_NAMES)


def capped(text: str) -> str:
    """The beginning of a text, and of each of its lines. A cut leaves no part of a long key behind."""
    if len(text) <= LONGEST_LINE:
        return text
    lines = _cut(text, LONGEST_TEXT).split("\n")
    return "\n".join(_cut(line, LONGEST_LINE) for line in lines)


def _without_values(text: str) -> list[str]:
    parts, done, at = [], 0, 0
    while name := _NAME.search(text, at):
        at = name.end()
        secret = _SECRET.search(name[0]) and name[0].rpartition(".")[2] not in _NUMBERS
        value = _value_after(text, at) if secret else None
        if value is not None:
            parts += [text[done : value.start()], _REDACTED]
            done = at = value.end()
    return [*parts, text[done:]]


def _value_after(text: str, at: int) -> re.Match[str] | None:
    separator = _SEPARATOR.match(text, at)
    return _VALUE.match(text, separator.end()) if separator else None


def _without_blob(found: re.Match[str]) -> str:
    return _REDACTED if len(found[0]) >= _LONG_BLOB else found[0]


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return text[:longest].rstrip(_BLOB_SIGNS) + _CUT
