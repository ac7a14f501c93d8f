"""The records of profiles as private files of one state directory."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from clawlane.config.paths import Paths
from clawlane.credentials.files import file_name, make_private_dir, sync_dir, write_private
from clawlane.credentials.profile_records import Kind, Owner, Record, generation_of

_SUFFIXES = {Kind.SESSION: ".session", Kind.CONSENT: ".json", Kind.TAKEOVER: ".replaced"}


@dataclass(frozen=True, slots=True)
class RecordFiles:
    """The records as files in two folders.

    Who holds them (`held`) is the only one that changes sessions at the moment.
    """

    vault: Path
    consent: Path
    held: bool = False

    @classmethod
    def of(cls, paths: Paths) -> RecordFiles:
        return cls(paths.vault_dir, paths.consent_dir)

    def load(self, record: Record) -> bytes | None:
        try:
            return self._path(record).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, record: Record, content: bytes) -> None:
        write_private(self._path(record), content)

    def remove(self, record: Record) -> bool:
        path = self._path(record)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        sync_dir(path.parent)
        return True

    def names(self, kind: Kind) -> list[Record]:
        suffix = _SUFFIXES[kind]
        found = (path.name.removesuffix(suffix) for path in self._folder(kind).glob(f"*{suffix}"))
        parts = (name.partition("+") for name in found if not name.startswith("."))
        return sorted(Record(kind, unquote(channel), unquote(profile)) for channel, _, profile in parts)

    def changed_ms(self, record: Record) -> int | None:
        try:
            return self._path(record).stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            return None

    def where(self, record: Record) -> str:
        return str(self._path(record))

    @contextmanager
    def at_once(self) -> Iterator[RecordFiles]:
        yield self

    @contextmanager
    def alone(self) -> Iterator[RecordFiles]:
        if self.held:
            yield self
            return
        make_private_dir(self.vault)
        handle = os.open(self.vault / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield replace(self, held=True)
        finally:
            os.close(handle)

    async def refresh(self, record: Record, generation: bytes, content: bytes, owner: Owner | None) -> bool:
        del owner  # the lock of the gateway keeps this folder for one process

        def save() -> bool:
            with self.alone():
                found = self.load(record)
                if found is None or generation_of(found) != generation:
                    return False
                self.put(record, content)
                return True

        return await asyncio.to_thread(save)

    async def put_by(self, owner: Owner, record: Record, content: bytes) -> None:
        del owner
        await asyncio.to_thread(self.put, record, content)

    def _path(self, record: Record) -> Path:
        name = f"{file_name(record.channel, record.profile)}{_SUFFIXES[record.kind]}"
        return self._folder(record.kind) / name

    def _folder(self, kind: Kind) -> Path:
        return self.consent if kind is Kind.CONSENT else self.vault
