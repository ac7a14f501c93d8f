"""The mark of an account that was taken over by another client: a small file beside its session.

It holds for the session that was replaced. A new login makes it void, a restart does not.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from clawlane.store.atomic import file_name, sync_dir, write_private


@dataclass(frozen=True, slots=True)
class Replaced:
    """When an account was replaced, and how its channel told. `generation` is that of its session."""

    generation: str
    reason: str
    since_ms: int


class ReplacedMark:
    """The mark of one profile."""

    def __init__(self, folder: Path, channel: str, profile: str) -> None:
        self._path = folder / f"{file_name(channel, profile)}.replaced"

    def set(self, replaced: Replaced) -> None:
        """Keep it, durably."""
        write_private(self._path, json.dumps(asdict(replaced), ensure_ascii=False).encode())

    def read(self, generation: str) -> Replaced | None:
        """What is known about the session of this generation. One that cannot be read holds for any."""
        try:
            found = Replaced(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            return Replaced(generation, "another client took the account over", 0)
        return found if found.generation == generation else None

    def clear(self) -> bool:
        """Let the account run again. False if there was no mark."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        sync_dir(self._path.parent)
        return True
