"""Entries that stand twice in one list of people: found, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from clawlane.config.errors import KeyPath, format_path
from clawlane.ops.findings import Finding, Severity

if TYPE_CHECKING:
    from clawlane.config.load import Config


def doubled(config: Config) -> Iterator[Finding]:
    """Each entry that says what one before it in the list says."""
    for path, text in _doubled(config, {}):
        position = config.source.position(path)
        line = position.line if position else None
        yield Finding(Severity.NOTE, "entry_twice", format_path(path), {"entry": text}, line)


def to_remove(config: Config, replaced: Mapping[KeyPath, str]) -> list[KeyPath]:
    """The entries that are doubled once those at some paths are replaced, the last of a list first."""
    return [path for path, _ in _doubled(config, replaced)][::-1]


def _doubled(config: Config, replaced: Mapping[KeyPath, str]) -> Iterator[tuple[KeyPath, str]]:
    from clawlane.config.sender_lists import sender_lists

    blocks = list(config.channels.values())
    shortest = {one.manifest.id: 1 for one in blocks}
    for listed in sender_lists(config.source, [one.manifest for one in blocks], shortest):
        seen: set[str] = set()
        for index, text in listed.entries(config.source):
            path = (*listed.path, index)
            entry = replaced.get(path, text)
            if entry in seen:
                yield path, text
            seen.add(entry)
