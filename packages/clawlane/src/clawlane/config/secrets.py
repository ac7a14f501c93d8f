"""Keys in the config: written as a reference to where they are, read when they are needed, never printed.

SecretMissing     there is no key where the config says
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from clawlane.config.regular_file import read_regular

LONGEST = 16 * 1024
"""Bytes of a key file."""

_ENV = re.compile(r"\$\{([A-Za-z_]\w*)\}")
_HINT = "write '${NAME}' for a variable, or {file: '/path/to/key'} for a file that only you can read"


class SecretMissing(Exception):
    """There is no key where the config says. The text names the place and never holds a key."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A key, or where it is: in the variable `env`, in the file `file`, or as it stands in the config.

    `literal` may hold variables in the middle of a text (`Bearer ${TOKEN}`).
    """

    env: str = ""
    file: str = ""
    literal: str = field(default="", repr=False)

    @property
    def is_literal(self) -> bool:
        """Whether the key itself stands in the config file."""
        return bool(self.literal) and not _ENV.search(self.literal)

    def read(self, environ: Mapping[str, str]) -> str:
        """The key. Raises `SecretMissing`; a key file that others can read counts as missing."""
        if self.env:
            return _variable(self.env, environ)
        if self.file:
            return _file(Path(self.file).expanduser())
        return _ENV.sub(lambda found: _variable(found[1], environ), self.literal)


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if not (value := environ.get(name, "").strip()):
        raise SecretMissing(f"the variable {name} is not set; set it where the gateway starts")
    return value


def _file(path: Path) -> str:
    try:
        mode, content = path.stat().st_mode, read_regular(path, LONGEST)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SecretMissing(f"the file {path} cannot be read: {reason}") from None
    except ValueError as error:
        raise SecretMissing(f"the file {path} cannot be read: {error}") from None
    if mode & 0o077:
        raise SecretMissing(f"other users can read the file {path}; run: chmod 600 {path}")
    if len(content) > LONGEST:
        raise SecretMissing(f"the file {path} is larger than {LONGEST // 1024} kB; it must hold one secret")
    try:
        key = content.decode().strip()
    except UnicodeDecodeError:
        raise SecretMissing(f"the file {path} holds no text") from None
    if not key or "\n" in key:
        raise SecretMissing(f"the file {path} must hold one secret, in one line")
    return key


def _secret(value: object) -> Secret:
    match value:
        case Secret():
            return value
        case str() if whole := _ENV.fullmatch(value.strip()):
            return Secret(env=whole[1])
        case str() if value.strip():
            return Secret(literal=value.strip())
        case {"env": str(name), **other} if not other and _ENV.fullmatch(f"${{{name}}}"):
            return Secret(env=name)
        case {"file": str(path), **other} if not other and path.strip():
            return Secret(file=path)
        case {"source": "env", "id": str(name)} if _ENV.fullmatch(f"${{{name}}}"):
            return Secret(env=name)
    raise ValueError(f"is not a key; {_HINT}")


SecretField = Annotated[Secret, BeforeValidator(_secret, json_schema_input_type=str | dict[str, str])]
"""A key in a config model: `'${NAME}'`, `{env: 'NAME'}`, `{file: 'PATH'}`, or the key itself."""
