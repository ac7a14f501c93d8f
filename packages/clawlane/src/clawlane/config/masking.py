"""Secrets in the config, left out where values are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clawlane.config.errors import KeyPath

HIDDEN = "…"
"""What is shown in the place of a secret."""

_SECRET_KEY = re.compile(r"key\Z|token\Z|secret|passw|cookie|authorization|credential", re.IGNORECASE)
_SECRET_VALUES = ("env", "headers")
"""Objects whose values are secrets, whatever their keys are called."""

_REFERENCE = re.compile(r"\s*\$\{[A-Za-z_]\w*\}\s*")
_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+(?=@)")


def masked(value: Any, path: KeyPath = ()) -> Any:
    """What the file says at a path, without secrets. References such as `${NAME}` are none."""
    if isinstance(value, Mapping):
        return {key: masked(one, (*path, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [masked(one, (*path, index)) for index, one in enumerate(value)]
    if not isinstance(value, str):
        return value
    return HIDDEN if is_secret(path) and not _REFERENCE.fullmatch(value) else masked_url(value)


def masked_url(text: str) -> str:
    """A text without the passwords of the addresses in it."""
    return _PASSWORD.sub(rf"\1{HIDDEN}", text)


def is_secret(path: KeyPath) -> bool:
    """Whether a text at this path is a secret, or may be one."""
    keys = [step for step in path if isinstance(step, str)]
    if not keys:
        return False
    inside = len(keys) > 1 and keys[-2] in _SECRET_VALUES
    return inside or bool(_SECRET_KEY.search(keys[-1]))
