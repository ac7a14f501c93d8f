"""The recorded vectors as Python values.

The folder they are read from is the environment variable `ZALOWEB_VECTORS`, or `tests/vectors` of this
repository.
"""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_FOLDER = Path(__file__).parent.parent / "vectors"

_PERIOD = 251
"""After how many bytes a made sequence begins again."""


def folder() -> Path:
    """Where the vectors are."""
    return Path(os.environ.get("ZALOWEB_VECTORS") or DEFAULT_FOLDER)


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded case: a dictionary with a name. `$bigint` and `$bytes` have become what they stand for."""

    family: str
    data: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def quirk(self) -> str:
        """Why this behaviour of the reference need not be copied, or "" when it must."""
        return str(self.data.get("reference_quirk", ""))

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def get(self, key: str, default: Any = None) -> Any:
        return self.data.get(key, default)


@functools.cache
def document(family: str) -> dict[str, Any]:
    """A whole file, for what stands beside its cases (`default_headers`, `endpoints`)."""
    path = folder() / f"{family}.json"
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"), object_hook=_special)
    return loaded


@functools.cache
def load(family: str) -> list[Case]:
    """The cases of a family (`crypto`, `ws-events`, `api-sendMessage` …) in their order."""
    return [Case(family, data) for data in document(family)["cases"]]


def fixture() -> dict[str, Any]:
    """The account that all recordings use."""
    return document("fixture")


def bytes_value(value: Any) -> bytes:
    """The bytes that `{"$bytes": {"length": n, "seed": s}}` stands for; `load` has mostly made them."""
    if isinstance(value, bytes):
        return value
    length, seed = value["$bytes"]["length"], value["$bytes"]["seed"]
    once = bytes((7 * i + seed) % _PERIOD for i in range(_PERIOD))
    return (once * (length // _PERIOD + 1))[:length]


def _special(value: dict[str, Any]) -> Any:
    if value.keys() == {"$bigint"}:
        return int(value["$bigint"])
    if value.keys() == {"$bytes"} and isinstance(value["$bytes"], dict):
        return bytes_value(value)
    return value
