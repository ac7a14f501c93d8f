"""What people read, in their language. The sentences stand in the code in English; catalogues have the rest.

    t("{n} of {all} sent", n=1, all=3)     the sentence in the locale in force, filled in
    tn("{n} message", "{n} messages", 3)   the same by a number
    later("The account is paused.")        marks a sentence that `t` translates where it is shown
    with in_locale("vi"): …                another locale for this block
    speak(lambda: "vi")                    another locale for the rest of this command, or of this task

What `later` gives reads as English (in the log), and `t` can say it in any locale.
`make texts` finds these calls; see docs/languages.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from types import NoneType
from typing import Any

ENGLISH, VIETNAMESE = "en", "vi"
LOCALES = (ENGLISH, VIETNAMESE)
DOMAIN = "clawlane"
FOLDER = os.path.join(os.path.dirname(__file__), "locales")

_CATALOGUES = {DOMAIN: FOLDER}


def _english() -> str:
    return ENGLISH


_IN_FORCE: ContextVar[Callable[[], str]] = ContextVar("locale in force", default=_english)


class Later(str):
    """A sentence in English, with what it was made from."""

    __slots__ = ("sentence", "values")

    sentence: str
    values: Mapping[str, object]

    def __new__(cls, sentence: str, values: Mapping[str, object]) -> Later:
        made = super().__new__(cls, sentence.format(**values) if values else sentence)
        made.sentence, made.values = sentence, values
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def later(sentence: str, /, **values: object) -> str:
    """The sentence in English; `t` translates it where it is shown."""
    return Later(sentence, values)


def t(sentence: str, /, **values: object) -> str:
    """A sentence in the locale in force. Without values its braces stay as they are."""
    if isinstance(sentence, Later):
        return t(sentence.sentence, **{**sentence.values, **values})
    locale = _IN_FORCE.get()()
    said = sentence if locale == ENGLISH else _catalogue(locale).gettext(sentence) if sentence else ""
    return _filled(said, sentence, values) if values else said


def tn(one: str, many: str, n: int, /, **values: object) -> str:
    """The sentence that fits the number, which it may show as `{n}`."""
    locale = _IN_FORCE.get()()
    english = one if n == 1 else many
    said = english if locale == ENGLISH else _catalogue(locale).ngettext(one, many, n)
    return _filled(said, english, {"n": n, **values})


def joined(parts: Iterable[str], between: str = ", ") -> str:
    """Parts one after the other, of which some may be for later."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    return Later(between.join(f"{{{name}}}" for name in values), values)


def to_json(text: str) -> Any:
    """A sentence for a place that keeps JSON: with what it was made from, if `later` made it."""
    if not isinstance(text, Later):
        return text
    plain = (str, int, float, NoneType)
    values = {name: value if isinstance(value, plain) else str(value) for name, value in text.values.items()}
    kept = {name: to_json(value) if isinstance(value, str) else value for name, value in values.items()}
    return [text.sentence, kept]


def from_json(kept: Any) -> str:
    """The sentence that `to_json` gave; a text stays what it is."""
    if isinstance(kept, str):
        return kept
    sentence, values = kept
    made = {name: from_json(value) if isinstance(value, list) else value for name, value in values.items()}
    return later(sentence, **made)


def told(error: BaseException) -> str:
    """What an error says, in the locale in force if its text was made by `later`."""
    said = error.args[0] if error.args else ""
    return t(said) if isinstance(said, Later) else t(str(error))


def locale() -> str:
    """The locale in force: `en` or `vi`."""
    return _IN_FORCE.get()()


def speak(chosen: Callable[[], str]) -> None:
    """Take the locale from there: for the rest of this command, or of this task."""
    _IN_FORCE.set(chosen)


@contextmanager
def in_locale(name: str) -> Iterator[None]:
    """The locale within a block."""
    before = _IN_FORCE.set(lambda: name)
    try:
        yield
    finally:
        _IN_FORCE.reset(before)


def in_each(names: tuple[str, ...], between: str, sentence: str, /, **values: object) -> str:
    """The same sentence in several locales, one after the other."""
    said = []
    for name in names:
        with in_locale(name):
            said.append(t(sentence, **values))
    return between.join(said)


def add_catalogue(domain: str, package_folder: str) -> None:
    """Look for sentences in `locales/LOCALE/LC_MESSAGES/DOMAIN.mo` of a package, too.

    Plugins bring their texts so. A sentence that several catalogues have is that of the first one.
    """
    _CATALOGUES[domain] = os.path.join(package_folder, "locales")
    _catalogue.cache_clear()


def from_environment(environ: Mapping[str, str]) -> str:
    """The locale of the terminal: of LC_ALL, else LC_MESSAGES, else LANG. English for any other language."""
    named = next(filter(None, map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return VIETNAMESE if named[:2].lower() == VIETNAMESE and not named[2:3].isalpha() else ENGLISH


def chosen(environ: Mapping[str, str], written: str = "") -> str:
    """The locale of the operator: of CLAWLANE_LOCALE, else of the config (`written`), else of the terminal.

    Raises `ValueError` for a CLAWLANE_LOCALE that is none of `LOCALES`.
    """
    if named := environ.get("CLAWLANE_LOCALE", ""):
        if named not in LOCALES:
            raise ValueError(later("CLAWLANE_LOCALE must be 'vi' or 'en'"))
        return named
    return written if written in LOCALES else from_environment(environ)


@cache
def _catalogue(name: str) -> NullTranslations:
    """All catalogues of a locale, each the fallback of the one before."""
    found = NullTranslations()
    for domain, folder in reversed(_CATALOGUES.items()):
        try:
            with open(os.path.join(folder, name, "LC_MESSAGES", f"{domain}.mo"), "rb") as compiled:
                own = GNUTranslations(compiled)
        except OSError:  # a plugin without this language
            continue
        own.add_fallback(found)
        found = own
    return found


def _filled(said: str, english: str, values: Mapping[str, Any]) -> str:
    shown = {name: t(value) if isinstance(value, Later) else value for name, value in values.items()}
    try:
        return said.format(**shown)
    except (
        LookupError,
        ValueError,
        AttributeError,
    ):  # a translation of a plugin, with a name that is not there
        return english.format(**shown)
