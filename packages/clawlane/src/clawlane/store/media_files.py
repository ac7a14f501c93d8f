"""The files that came with messages, in one private folder. Their names are ours and hold nothing of theirs.

`zalouser+default+1204+0+5f2c9a1b.jpg`: the account, the message's number, the number of the attachment, a
digest of where it came from, and an ending by its content. What is not complete yet has a dot before its
name. One process writes here: the gateway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clawlane.credentials.files import file_name, make_private_dir

QUOTED = "q"
"""Stands for the number of an attachment that was quoted: it is there for one turn only."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Which file: of which account (`channel/id`), message and attachment; `source` is where it came from."""

    account: str
    message: int
    number: int | None
    source: str

    @property
    def stem(self) -> str:
        """The name without its ending."""
        number = QUOTED if self.number is None else self.number
        digest = hashlib.sha256(self.source.encode("utf-8", "replace")).hexdigest()[:8]
        return f"{_owner(self.account)}+{self.message}+{number}+{digest}"


class MediaFiles:
    """The folder. Nothing is made before the first file is to be kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tidy(self) -> None:
        """Remove what an end in mid-work left: unfinished files, and files for one turn only."""
        for path in self._paths(lambda name: name.startswith(".") or f"+{QUOTED}+" in name):
            path.unlink(missing_ok=True)

    def find(self, place: FilePlace) -> Path | None:
        """The file, if it was kept. An empty one does not count: a power cut can leave it."""
        found = self._paths(lambda name: name.startswith(f"{place.stem}."))
        return next((path for path in found if path.stat().st_size), None)

    def scratch(self, place: FilePlace) -> Path:
        """Where to write the file before `keep`. Makes the folder."""
        make_private_dir(self._folder.parent)
        make_private_dir(self._folder)
        return self._folder / f".{place.stem}"

    def keep(self, place: FilePlace, scratch: Path, extension: str) -> Path:
        """Give a complete file its name."""
        scratch.chmod(0o600)
        return scratch.replace(self._folder / f"{place.stem}.{extension}")

    def remove(self, account: str, messages: Collection[int]) -> None:
        """Remove the files of messages."""
        starts = tuple(f"{_owner(account)}+{message}+" for message in messages)
        for path in self._paths(lambda name: name.removeprefix(".").startswith(starts)):
            path.unlink(missing_ok=True)

    def of_messages(self, account: str, messages: Collection[int]) -> list[Path]:
        """The complete files of messages."""
        starts = tuple(f"{_owner(account)}+{message}+" for message in messages)
        return sorted(self._paths(lambda name: name.startswith(starts)))

    def messages(self, account: str) -> set[int]:
        """The numbers of the messages of an account that have files."""
        owner = f"{_owner(account)}+"
        names = (path.name for path in self._paths(lambda name: name.startswith(owner)))
        return {int(name.rsplit("+", 3)[1]) for name in names}

    def prune(self, before_s: float, account: str, most_bytes: int) -> None:
        """Remove files that were kept before a time, and of an account the oldest beyond a size."""
        owner, total = f"{_owner(account)}+", 0
        for kept_s, size, path in sorted(self._ages(), reverse=True):
            total += size if path.name.startswith(owner) else 0
            if kept_s < before_s or (total > most_bytes and path.name.startswith(owner)):
                path.unlink(missing_ok=True)

    def _ages(self) -> Iterator[tuple[float, int, Path]]:
        """When each file was kept, its size and its path."""
        for path in self._paths(lambda _: True):
            with suppress(FileNotFoundError):  # removed meanwhile, by a recall
                info = path.stat()
                yield info.st_mtime, info.st_size, path

    def _paths(self, wanted: Callable[[str], bool]) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from [path for path in self._folder.iterdir() if wanted(path.name)]


def _owner(account: str) -> str:
    channel, _, name = account.partition("/")
    return file_name(channel, name)
