"""Problems of a configuration, each with its place and what to do about it.

ConfigError     the configuration cannot be used; `problems` holds everything that was found
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from clawlane.texts import later

KeyPath = tuple[str | int, ...]
"""The path from the root to a value: keys and list indices."""

_BARE = re.compile(r"[A-Za-z_$][\w$-]*\Z")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `where` is `config.json5:5:15`, the file alone, or a name in the environment.

    `code` is its kind, for programs.
    """

    path: str
    where: str
    line: int | None
    column: int | None
    message: str
    hint: str = ""
    code: str = "config"

    def __str__(self) -> str:
        place = f"{self.path} ({self.where})" if self.path else self.where
        return f"{place}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class KeyProblem(NamedTuple):
    """What is wrong with a key of a block."""

    key: str
    message: str
    hint: str


class ConfigError(Exception):
    """The configuration cannot be used. `str()` gives one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def format_path(path: KeyPath) -> str:
    """A path as text: `channels.zalouser.groups['Work Chat'].allow`, `allowFrom[0]`."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        elif _BARE.match(part):
            out += f".{part}" if out else part
        else:
            out += f"[{part!r}]"
    return out


def path_below(path: str, *keys: str) -> str:
    """The path of a key below a formatted path: `groups` and `Work Chat` give `groups['Work Chat']`."""
    return path + format_path(("x", *keys))[1:]


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`did you mean 'dmPolicy'?`; empty if no known word is as similar as `cutoff` (0 to 1)."""
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return later("did you mean '{name}'?", name=by_lower[close[0]]) if close else ""
