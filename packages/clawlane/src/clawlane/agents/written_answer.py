"""The answer of a program or a server: text, or a JSON object with text, attachments and a reaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from clawlane.store.codec import storable

LONGEST_ICON = 40
"""Characters of what a message is reacted with: an emoji, or a name."""

_KEYS = {"text", "media", "react"}
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
    try:
        text = (output.decode() if isinstance(output, bytes) else output).strip()
    except UnicodeDecodeError:
        raise AnswerUnreadable("the answer is not UTF-8 text") from None
    if not text.startswith("{"):
        return WrittenAnswer(storable(text))
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        if text[1:].lstrip().startswith('"'):
            raise AnswerUnreadable("the JSON of the answer cannot be read") from None
        return WrittenAnswer(storable(text))
    return _object(answer)


def read_posted(body: bytes, kind: str) -> WrittenAnswer:
    """The answer in a body of this type, which has to be JSON or plain text. Raises `AnswerUnreadable`."""
    if kind not in ("application/json", "text/plain"):
        raise AnswerUnreadable(f"the answer is {kind[:80]}, neither application/json nor text/plain")
    if kind == "application/json" and not _is_object(body):
        raise AnswerUnreadable(_SHAPE)
    return read_written(body)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _object(answer: dict[str, Any]) -> WrittenAnswer:
    text, media, react = answer.get("text", ""), answer.get("media", []), answer.get("react", "")
    listed = isinstance(media, list) and all(isinstance(one, str) for one in media)
    if isinstance(react, str) and len(react) > LONGEST_ICON:
        raise AnswerUnreadable("`react` must be an icon")
    if not (isinstance(text, str) and isinstance(react, str) and listed) or answer.keys() - _KEYS:
        raise AnswerUnreadable(_SHAPE)
    return WrittenAnswer(storable(text), tuple(media), storable(react))
