"""The names of scratch files: what a file is written as before it takes the place of the former one."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"\..+\.[0-9a-f]{12}\Z")


def scratch_of(file: Path) -> Path:
    """A new name beside a file, hidden and never taken."""
    import secrets

    return file.with_name(f".{file.name}.{secrets.token_hex(6)}")


def is_scratch(name: str) -> bool:
    """Whether a file has such a name: a write that was cut off left it."""
    return _NAME.match(name) is not None
