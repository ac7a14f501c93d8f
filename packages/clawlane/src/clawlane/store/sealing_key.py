"""Where the key is that seals sessions: beside them, in a file elsewhere, or among systemd's credentials.

`$CLAWLANE_KEY_FILE` names a file. Without it, `$CREDENTIALS_DIRECTORY/clawlane-key` counts where it exists,
as `LoadCredential=clawlane-key:FILE` and `LoadCredentialEncrypted=` of a unit make it. Without both, a key is
made beside the sessions. A key is 32 bytes, or 64 hexadecimal digits.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clawlane.channel import VaultError
from clawlane.store.atomic import write_private

KEY_FILE = "CLAWLANE_KEY_FILE"
CREDENTIAL = "clawlane-key"
_BYTES = 32
_HEX = re.compile(rb"[0-9A-Fa-f]{64}\s*\Z")


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """The file with the key. `elsewhere` names what pointed to it; empty for the one beside the sessions."""

    path: Path
    elsewhere: str = ""

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str]) -> KeyPlace:
        """Where the key of the sessions in a folder is."""
        if written := environ.get(KEY_FILE, "").strip():
            return cls(Path(written).expanduser().absolute(), KEY_FILE)
        if credentials := environ.get("CREDENTIALS_DIRECTORY", ""):
            path = Path(credentials, CREDENTIAL)
            if path.exists():
                return cls(path, "CREDENTIALS_DIRECTORY")
        return cls(folder / "key")

    def make(self) -> None:
        """Make the key beside the sessions, if it is missing. One elsewhere is the operator's to make."""
        if not self.elsewhere and not self.path.exists():
            write_private(self.path, secrets.token_bytes(_BYTES))

    def read(self) -> bytes:
        """The key. Raises `FileNotFoundError` for the one beside the sessions, else `VaultError`."""
        try:
            written = self._content()
        except OSError as error:
            if not self.elsewhere:
                raise
            raise VaultError(
                f"the sealing key {self.path} ({self.elsewhere}) cannot be read: {error.strerror}",
                f"put it there, or {self._new_one}",
            ) from error
        if len(written) == _BYTES:
            return written
        if _HEX.match(written):
            return bytes.fromhex(written.decode())
        raise VaultError(
            f"{self.path} is no key of {_BYTES} bytes or {2 * _BYTES} hexadecimal digits",
            f"put the right one there, or {self._new_one}",
        )

    @property
    def _new_one(self) -> str:
        if self.elsewhere:
            return "make a new one with (umask 077; head -c 32 /dev/urandom > FILE) and log in again"
        return "remove it and log in again"

    def _content(self) -> bytes:
        # Opened without blocking so that a named pipe is refused instead of waited for.
        handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            return stream.read(1024) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
