"""The object content of a message, with the accessors that all its readers use."""

from __future__ import annotations

from typing import Any

from zaloweb.events.lenient import as_list, as_object, as_text, as_whole, is_prose

_MISSPELT = "recommened."
"""Zalo's own spelling of the action of links, cards and calls. Some clients write it right."""


class Fields:
    """The fields of an object content, and those in its `params`, a JSON text or already an object."""

    __slots__ = ("action", "all", "params")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.all = fields
        self.params = as_object(fields.get("params"))
        action = fields.get("action")
        action = action.strip().lower() if isinstance(action, str) else ""
        if action.startswith("recommended."):
            action = _MISSPELT + action.removeprefix("recommended.")
        self.action: str = action

    def text(self, name: str) -> str:
        """A field of the object as text."""
        return as_text(self.all.get(name))

    def words(self, name: str) -> str:
        """A field of the object as text, unless it is JSON."""
        text = as_text(self.all.get(name))
        return text if text and is_prose(text) else ""

    def param(self, name: str) -> str:
        """A parameter as text."""
        return as_text(self.params.get(name))

    def number(self, name: str, else_name: str = "") -> int:
        """A parameter as a number; if it is 0 or missing, another one."""
        found = as_whole(self.params.get(name))
        return found or (as_whole(self.params.get(else_name)) if else_name else 0)

    def media(self) -> tuple[str, str, str, str]:
        """Title, description, URL, and URL of the preview."""
        get = self.all.get
        return as_text(get("title")), self.words("description"), as_text(get("href")), as_text(get("thumb"))

    def custom_text(self) -> str:
        """The sentence that Zalo's clients show instead of the title: `customMsg`, in one of its forms."""
        return _sentence(self.params.get("customMsg")) or _sentence(self.all.get("customMsg"))

    def banner_text(self) -> str:
        """The sentence of a banner without a title: its pattern, filled in with names."""
        sentence = _sentence(self.params.get("msg"))
        marked = as_list(self.params.get("highLightsV2"))
        for place, mark in enumerate(marked, start=1):
            name = as_text(mark.get("dpn")) if isinstance(mark, dict) else ""
            sentence = sentence.replace(f"%{place}$s", name)
        return "" if "$s" in sentence else sentence.strip()


def _sentence(held: object) -> str:
    """A text, or the one in an object: by language, Vietnamese first, or in `msg` or `title`."""
    found = as_object(held)
    if not found:
        return held.strip() if isinstance(held, str) and is_prose(held) else ""
    return next((text for name in ("msg", "vi", "en", "title") if (text := _sentence(found.get(name)))), "")
