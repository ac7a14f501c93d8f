"""Paths into the config as people type them: `channels.zalouser.groups['Work Chat'].allow`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clawlane.config.errors import KeyPath, did_you_mean
from clawlane.ops.operation import OpError
from clawlane.texts import later

_STEP = re.compile(r"\.?(?:([^.\[\]'\"]+)|\[(\d+)\]|\[(?:'([^']*)'|\"([^\"]*)\")\])")
_LONGEST = 1000


def steps(path: str) -> KeyPath:
    """The keys and indices of a path. Raises `OpError`."""
    found: list[str | int] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if not step or len(path) > _LONGEST:
            raise OpError(
                later("'{path}' is no path", path=path[:80]),
                later("write it as channels.zalouser.groups['Work Chat'].allow"),
            )
        key, index, single, double = step.groups()
        found.append(int(index) if index is not None else key or single or double or "")
        at = step.end()
    return tuple(found)


def in_data(path: KeyPath, data: Any) -> KeyPath:
    """The path as the data has it: `groups[9001]` and `groups.9001` are a key, `list.0` an index.

    Where the data has nothing, `[0]` begins a list and any other index is a key.
    """
    found: list[str | int] = []
    for written in path:
        step = written
        if isinstance(data, list) and isinstance(written, str) and written.isdecimal():
            step = int(written)
        elif isinstance(written, int) and not isinstance(data, list) and (data is not None or written):
            step = str(written)
        found.append(step)
        data = value_at(data, (step,), None)
    return tuple(found)


def value_at(data: Any, path: KeyPath, absent: Any) -> Any:
    """What the data has at a path; `absent` where there is nothing."""
    for step in path:
        inside = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if not inside and not (isinstance(data, Mapping) and isinstance(step, str) and step in data):
            return absent
        data = data[step]
    return data


def not_set(data: Any, path: KeyPath, written: str) -> OpError:
    """The error for a path that the file has not, with the key of that place that is most like it."""
    for step in path:
        inner = value_at(data, (step,), _NOTHING)
        if inner is _NOTHING:
            known = list(data) if isinstance(data, Mapping) else []
            return OpError(
                later("{path} is not set in the config file", path=written), did_you_mean(str(step), known)
            )
        data = inner
    return OpError(later("{path} is not set in the config file", path=written))


_NOTHING = object()
