"""Secrets in the config, left out where values are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from clawlane.config.errors import KeyPath

HIDDEN = "…"
"""What is shown in the place of a secret."""

_SECRET_KEY = re.compile(r"key\Z|token\Z|secret|passw|cookie|authorization|credential", re.IGNORECASE)
_SECRET_VALUES = ("env", "headers")
"""Objects whose values are secrets, whatever their keys are called."""

_REFERENCE = re.compile(r"\s*\$\{[A-Za-z_]\w*\}\s*")
_PASSWORD = re.compile(r"(://[^/@\s:]*:)(?!\$\{\w+\}@)[^/@\s]+(?=@)")
_ALONE = re.compile(r"(https?://)(?!\$\{\w+\}@)[^/@\s:]+(?=@)", re.IGNORECASE)
"""In an address of the web, what stands before the host without a password is often a token."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_QUERY = re.compile(r"([?&][^=&#\s]+=)(?!\$\{)[^&#\s]+")
_LONG = re.compile(r"(?<=[^/]/)(?!\$\{)[\w.~=+-]{20,}(?=[/?#]|\Z)")
_PATH = re.compile(r"(://[^/?#\s]+/)[^?#\s]+")
_NAMED = re.compile(
    r"(-{0,2}[\w-]*(?:key|token|secret|passw|cookie|authorization|credential)[\w-]*)(=|:\s*|)(.*)",
    re.IGNORECASE | re.DOTALL,
)
"""A word of a command line that names a secret: `--token`, `--token=…`, `API_KEY=…`, `Authorization: …`."""


def masked(value: Any, path: KeyPath = ()) -> Any:
    """What the file says at a path, without secrets. References such as `${NAME}` are none."""
    if isinstance(value, Mapping):
        return {key: masked(one, (*path, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked_item(value, index, path) for index in range(len(value))]
    if value is None or isinstance(value, bool):
        return value
    if is_secret(path):
        return value if _REFERENCE.fullmatch(str(value)) else HIDDEN
    if not isinstance(value, str):
        return value
    return _masked_path(value) if _is_hook(path) else masked_url(value)


def hidden_in(data: Any) -> Iterator[tuple[KeyPath, str]]:
    """The paths of all that is not shown as it is, each with what is shown there."""
    return _differing(data, masked(data), ())


def _differing(value: Any, shown: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _differing(one, shown[key], (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _differing(one, shown[index], (*path, index))
    elif shown != value:
        yield path, shown


def masked_url(text: str) -> str:
    """A text without the passwords of the addresses in it, what their queries say, and long words in paths.

    A long word in a path is often what lets in whoever knows it.
    """
    shown = rf"\1{HIDDEN}"

    def hidden(found: re.Match[str]) -> str:
        return _LONG.sub(HIDDEN, _QUERY.sub(shown, _ALONE.sub(shown, _PASSWORD.sub(shown, found[0]))))

    return _ADDRESS.sub(hidden, text)


def _masked_path(url: str) -> str:
    """An address without its path: who knows that of a webhook can write there."""
    return _PATH.sub(rf"\1{HIDDEN}", masked_url(url))


def _masked_item(items: list[Any], index: int, path: KeyPath) -> Any:
    """An item of a list. Words of a command line are no secret, but for those of `--token` and its like."""
    one, before = items[index], items[index - 1] if index else None
    if isinstance(one, str) and not _REFERENCE.fullmatch(one):
        if (own := _NAMED.fullmatch(one)) and own[2]:
            return one if _REFERENCE.fullmatch(own[3]) else f"{own[1]}{own[2]}{HIDDEN}"
        flag = _NAMED.fullmatch(before) if isinstance(before, str) and before.startswith("-") else None
        if flag and not flag[2] and not one.startswith("-"):
            return HIDDEN
    return masked(one, (*path, index))


def _is_hook(path: KeyPath) -> bool:
    """Whether a text at this path is the address of a webhook."""
    keys = [step for step in path if isinstance(step, str)]
    return keys[-1:] == ["url"] and any("webhook" in key.lower() for key in keys)


def is_secret(path: KeyPath) -> bool:
    """Whether a text at this path is a secret, or may be one."""
    keys = [step for step in path if isinstance(step, str)]
    if not keys:
        return False
    inside = len(keys) > 1 and keys[-2] in _SECRET_VALUES
    return inside or bool(_SECRET_KEY.search(keys[-1]))
