"""The token of the MCP server over HTTP: a file that only its owner can read."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from clawlane.credentials.files import CredentialsError
from clawlane.texts import later

_TOKEN = re.compile(rb"[\x21-\x7e]{32,200}")
_LONGEST = 300


class TokenUnusable(CredentialsError):
    """The file of the token cannot be used. `help` says what to do."""

    def __init__(self, text: str, help: str) -> None:
        super().__init__(text)
        self.help = help


def make_token(path: Path) -> None:
    """Write a new token into a new file (0600). Raises `TokenUnusable` if there is one, or it cannot be."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        there = later("{path} is there already", path=path)
        raise TokenUnusable(there, later("remove it first, or name another file")) from None
    except OSError as error:
        told = later("{path} cannot be written: {reason}", path=path, reason=error.strerror)
        raise TokenUnusable(told, later("name another file")) from None
    with open(handle, "w") as file:
        file.write(f"{secrets.token_urlsafe(32)}\n")


def read_token(path: Path) -> str:
    """The token in a file. Raises `TokenUnusable` for one that others can read, and for what is no token."""
    make = f"openclaw mcp token '{path}'"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        told = later("{path} cannot be read: {reason}", path=path, reason=error.strerror)
        raise TokenUnusable(told, make) from None
    with open(handle, "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise TokenUnusable(later("{path} is no file", path=path), make)
        if info.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            told = later("other users can read or change {path}", path=path)
            raise TokenUnusable(told, f"chmod 600 '{path}'")
        token = file.read(_LONGEST).strip()
    if not _TOKEN.fullmatch(token):
        raise TokenUnusable(later("{path} has no token of 32 characters or more in it", path=path), make)
    return token.decode("ascii")
