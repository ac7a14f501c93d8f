"""The answer of a program or a server: text, or a JSON object with text, attachments and a reaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clawlane.store.codec import storable

LONGEST_ICON = 40
"""Characters of what a message is reacted with: an emoji, or a name."""

_KEYS = {"text", "media", "react"}
_NO_TEXT = "the answer is not UTF-8 text"
_CHARSETS = ("utf-8", "utf8", "us-ascii")
_SHAPE = 'a JSON answer must be {"text": "…", "media": ["…"], "react": "…"}'


class AnswerUnreadable(ValueError):
    """It is none of these. The text says what is wrong, and holds nothing of the answer."""


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """Markdown text, paths or addresses of attachments, an icon to react with."""

    text: str
    media: tuple[str, ...] = ()
    react: str = ""

    def as_json(self) -> str:
        """The same as it is read again."""
        return json.dumps({"text": self.text, "media": self.media, "react": self.react})


def read_written(output: bytes | str) -> WrittenAnswer:
    """The answer in what came. Raises `AnswerUnreadable`."""
    text = _text(output) if isinstance(output, bytes) else output.strip()
    if not text.startswith("{"):
        return WrittenAnswer(storable(text))
    answer = _loaded(text)
    if answer is None:
        if text[1:].lstrip().startswith('"'):
            raise AnswerUnreadable("the JSON of the answer cannot be read")
        return WrittenAnswer(storable(text))
    return _object(answer)


def read_posted(body: bytes, kind: str, charset: str | None) -> WrittenAnswer:
    """The answer in a body of this type, which has to be JSON or plain text, in UTF-8.

    Raises `AnswerUnreadable`.
    """
    if kind not in ("application/json", "text/plain"):
        raise AnswerUnreadable(f"the answer is {kind[:80]}, neither application/json nor text/plain")
    if charset is not None and charset.lower() not in _CHARSETS:
        raise AnswerUnreadable(_NO_TEXT)
    text = _text(body)
    if kind == "application/json" and _loaded(text) is None:
        raise AnswerUnreadable(_SHAPE)
    return read_written(text)


def _text(output: bytes) -> str:
    try:
        return output.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise AnswerUnreadable(_NO_TEXT) from None


def _loaded(text: str) -> dict[str, Any] | None:
    """The object that a text is; None for anything else."""
    try:
        answer = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are each there once: of two texts nobody knows which one was meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _object(answer: dict[str, Any]) -> WrittenAnswer:
    text, media, react = answer.get("text", ""), answer.get("media", []), answer.get("react", "")
    listed = isinstance(media, list) and all(isinstance(one, str) for one in media)
    if isinstance(react, str) and len(react) > LONGEST_ICON:
        raise AnswerUnreadable("`react` must be an icon")
    if not (isinstance(text, str) and isinstance(react, str) and listed) or answer.keys() - _KEYS:
        raise AnswerUnreadable(_SHAPE)
    return WrittenAnswer(storable(text), tuple(media), storable(react))
