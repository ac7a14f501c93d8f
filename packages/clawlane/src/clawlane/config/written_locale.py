"""The `locale` of a config file, found without parsing all of it: even the help of a command asks for it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_LONGEST = 4 * 1024 * 1024
_SIGNS = r"""//[^\n\r]*|/\*[\s\S]*?\*/|'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|[{}\[\]]|\blocale\b"""
_VALUE = r"""\s*:\s*(['"])(\w+)\1"""


def written_locale(environ: Mapping[str, str]) -> str:
    """What the file says, unchecked; empty where it says nothing that is written as a plain text."""
    state = environ.get("CLAWLANE_STATE_DIR") or "~/.clawlane"
    file = environ.get("CLAWLANE_CONFIG") or os.path.join(state, "config.json5")
    try:
        # Opened without blocking: the path may be that of a pipe.
        handle = os.open(os.path.expanduser(file), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as stream:
            raw = stream.read(_LONGEST)
    except OSError:
        return ""
    return find_locale(raw.decode("utf-8", "replace")) if b"locale" in raw else ""


def find_locale(text: str) -> str:
    """The value of the key `locale` of the outermost object of a JSON5 text; empty without one."""
    depth = 0
    for found in re.finditer(_SIGNS, text):
        sign = found[0]
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
        elif depth == 1 and sign.strip("'\"") == "locale":
            value = re.compile(_VALUE).match(text, found.end())
            if value:
                return value[2]
    return ""
