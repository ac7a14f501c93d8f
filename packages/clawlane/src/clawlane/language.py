"""The language that a platform names for an account."""

from __future__ import annotations


def primary(tag: str) -> str:
    """The language of a tag, in small letters: `vi` for `vi`, `vi-VN` and `VI_vn`; empty for an empty one."""
    return tag.strip().lower().replace("_", "-").partition("-")[0]
