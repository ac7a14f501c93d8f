"""Texts for somebody else's eyes: only words that this program says itself stay, others get pseudonyms.

What is allowed is listed, not what is forbidden: a word stays if it stands in a sentence of our own source
code, a number if it is short. So nothing has to be known of a name, an id or a secret to keep it out.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from clawlane.store.inspection import Identities

_LITERAL = re.compile(r'"([^"\n]*)"')
_WORD = re.compile(r"[^\W_]+")
_CHUNK = re.compile(r"[^\s\"'`(),;\[\]{}<>|]+")
_NOT_OURS = re.compile(r"[^\x20-\x7e\n]+")
_NUMBER = re.compile(r"(?<!\w)(?!\d{4}-\d\d-\d\d)\+?\d(?:[ .\-()]{0,2}\d){7,}(?!\w)")
"""A phone number, an id, an address of the network; no date."""

_ADDRESS = re.compile(r"(?<![\w.])(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
"""An address of the network that is not this machine's own: it may be short."""

_SENTENCE_ENDS = (".", ":", ";", "!", "?")
_LONGEST_NUMBER = 5
_LONGEST = 4000
_MOST_PHRASES = 5000
_STAYING: Final = frozenset({"Zalo", "Personal", "Python", "Linux", "SQLite", "OpenSSL", "Traceback"})
_SOURCES = {
    "clawlane": ("rehearsal", "locales"),
    "zaloweb": ("sim",),
    "clawlane_zalouser": ("cast.py", "simulator.py", "locales"),
}
"""Packages whose words stay, without the parts that name people."""

_AMOUNTS = ("_ms", "size", "bytes", "rss", "pages", "seconds")
"""How keys end whose numbers may be long."""


class Scrubber:
    """Scrubs the texts of one bundle. The same id, name or word gets the same pseudonym everywhere in it."""

    def __init__(self, known: Identities, paths: Mapping[str, str]) -> None:
        """`paths` are folders and hosts, and what stands for them, such as `/home/lan` → `~`."""
        self._pseudonyms: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._paths = sorted(paths.items(), key=lambda one: -len(one[0]))
        for kind, ids in (("person", known.people), ("group", known.groups)):
            for id_ in ids:
                self._pseudonym(id_, kind)
        self._hidden = {word for name in known.names for word in _WORD.findall(name) if not word.islower()}
        self._phrases = _phrases(known.names, lambda word: self._stays(word, True))

    def text(self, text: str) -> str:
        """A sentence, a path or a line of a log, without what is not ours."""
        shown = text[:_LONGEST]
        for path, name in self._paths:
            shown = shown.replace(path, name) if path else shown
        if self._phrases is not None:
            shown = self._phrases.sub(lambda found: self._pseudonym(found[0], "name"), shown)
        for numbers in (_ADDRESS, _NUMBER):
            shown = numbers.sub(lambda found: self._number(found[0]), shown)
        return _NOT_OURS.sub("?", _CHUNK.sub(self._chunk, shown))

    def value(self, value: Any, key: str = "") -> Any:
        """A plain value with all its texts, and the keys that are not ours."""
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(one, str(name)) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one, key) for one in value]
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and not key.endswith(_AMOUNTS):
            return value if len(str(abs(int(value)))) <= _LONGEST_NUMBER + 1 else self._number(str(value))
        return value

    def id(self, text: str) -> str:
        """The pseudonym of a text that stands for itself: of a person or group if it is known as one."""
        return self._pseudonym(text, "text")

    def _number(self, written: str) -> str:
        digits = "".join(filter(str.isdecimal, written))
        return self._pseudonyms.get(digits) or self._pseudonym(digits, "number")

    def _chunk(self, found: re.Match[str]) -> str:
        """One run of signs: where a word of it does not stay, no number of it does."""
        chunk = found[0]
        if chunk in self._pseudonyms:
            return self._pseudonyms[chunk]
        before = found.string[: found.start()].rstrip()
        begins = not before or before.endswith(_SENTENCE_ENDS)
        words = _WORD.findall(chunk)
        strange = any(not word.isdecimal() and not self._stays(word, begins) for word in words)
        return _WORD.sub(lambda word: self._word(word[0], begins, strange), chunk)

    def _word(self, word: str, begins: bool, strange: bool) -> str:
        if word in self._pseudonyms:
            return self._pseudonyms[word]
        if word.isdecimal() and word.isascii():
            short = len(word) <= _LONGEST_NUMBER and not strange
            return word if short else self._pseudonym(word, "number")
        return word if self._stays(word, begins) else self._pseudonym(word, "word")

    def _stays(self, word: str, begins: bool) -> bool:
        """Whether this program says it; what only begins with a capital letter, where a sentence begins."""
        if word in self._hidden:
            return False
        if word.istitle() and not begins:
            return word in _STAYING
        return word in vocabulary() or word in self._counts or word in _STAYING

    def _pseudonym(self, text: str, kind: str) -> str:
        if text not in self._pseudonyms:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._pseudonyms[text] = f"{kind}-{self._counts[kind]}"
        return self._pseudonyms[text]


def _phrases(names: Iterable[str], stays: Callable[[str], bool]) -> re.Pattern[str] | None:
    """What finds the names whose every word would stay."""
    plain = {name for name in names if len(words := _WORD.findall(name)) > 1 and all(map(stays, words))}
    if not plain:
        return None
    longest = sorted(plain, key=lambda one: (-len(one), one))[:_MOST_PHRASES]
    return re.compile("|".join(map(re.escape, longest)))


@cache
def vocabulary() -> frozenset[str]:
    """The words of our own sentences: lower case, abbreviations and names of settings as they are written.

    A word with a capital letter may be a name: of those only the first word of a sentence is here.
    """
    found = {name for name in dir(builtins) if name.endswith(("Error", "Exception", "Warning", "Interrupt"))}
    for literal in _literals():
        words = [word for word in _WORD.findall(literal) if word.isascii() and not word.isdecimal()]
        found |= {word for word in words if not word.istitle()}
        found |= {word.lower() for word in words if word.islower()}
        if words and words[0].istitle() and len(words) > 1 and literal.startswith(words[0]):
            found.add(words[0])
    return frozenset(found)


def _literals() -> Iterator[str]:
    for package, without in _SOURCES.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        folder = Path(spec.origin).parent
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).parts
            if not any(part in without for part in parts):
                yield from (*_LITERAL.findall(file.read_text(encoding="utf-8")), *map(_stem, parts))


def _stem(part: str) -> str:
    return part.removesuffix(".py")
