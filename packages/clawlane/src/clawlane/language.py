"""The language that a platform names for an account."""

from __future__ import annotations

from clawlane.texts import ENGLISH, LOCALES, VIETNAMESE


def spoken(tag: str) -> tuple[str, ...]:
    """The locales in which people are told something where an account has that language: both for another."""
    return (primary(tag),) if primary(tag) in LOCALES else (VIETNAMESE, ENGLISH)


def primary(tag: str) -> str:
    """The language of a tag, in small letters: `vi` for `vi`, `vi-VN` and `VI_vn`; empty for an empty one."""
    return tag.strip().lower().replace("_", "-").partition("-")[0]
