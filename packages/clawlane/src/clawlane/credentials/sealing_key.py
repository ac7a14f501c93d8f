"""The key that seals sessions: which file holds it, and what is derived from it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clawlane.channel import VaultError
from clawlane.config.regular_file import read_regular
from clawlane.config.sealing import CREDENTIALS, KEY_FILE, file_of
from clawlane.credentials.files import write_private
from clawlane.texts import later

CONFIG_KEY = "secrets.keyFile"
CREDENTIAL = "clawlane-key"

_KEY_BYTES = 32
_HEX = re.compile(rb"[0-9A-Fa-f]{64}\s*\Z")
_OF_RECORD = b"clawlane: digests of the record"
_MARK = b"clawlane: mark of the key"


@dataclass(frozen=True, slots=True)
class KeyLocation:
    """The file with the key.

    `set_by` names what points to it: a variable, or the key of the config. Empty beside the sessions.
    """

    path: Path
    set_by: str = ""

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str], key_file: str | None = None) -> KeyLocation:
        """The key of the sessions in a folder. `key_file` is what the config says, which counts first."""
        if key_file:
            return cls(file_of(key_file), CONFIG_KEY)
        if written := environ.get(KEY_FILE, "").strip():
            return cls(file_of(written), KEY_FILE)
        if credentials := environ.get(CREDENTIALS, ""):
            path = Path(credentials, CREDENTIAL)
            if path.exists():
                return cls(path, CREDENTIALS)
        return cls(folder / "key")

    def make(self) -> None:
        """Make a missing key beside the sessions. The operator makes one elsewhere."""
        if not self.set_by and not self.path.exists():
            write_private(self.path, secrets.token_bytes(_KEY_BYTES))

    def read(self) -> bytes:
        """The key. Raises `VaultError`, or `FileNotFoundError` if it is missing beside the sessions."""
        try:
            written = read_regular(self.path, 1024)
        except ValueError:
            written = b""
        except OSError as error:
            if not self.set_by:
                raise
            raise VaultError(
                later(
                    "the sealing key {path} ({set_by}) cannot be read: {strerror}",
                    path=self.path,
                    set_by=self.set_by,
                    strerror=error.strerror,
                ),
                later("put it there, or {new_one}", new_one=self._new_one),
            ) from error
        if len(written) == _KEY_BYTES:
            return written
        if _HEX.match(written):
            return bytes.fromhex(written.decode())
        raise VaultError(
            later(
                "{path} is not a key of {n} bytes or {digits} hexadecimal digits",
                path=self.path,
                n=_KEY_BYTES,
                digits=2 * _KEY_BYTES,
            ),
            later("put the right one there, or {new_one}", new_one=self._new_one),
        )

    @property
    def _new_one(self) -> str:
        if self.set_by:
            return later("make a new one with (umask 077; head -c 32 /dev/urandom > FILE) and log in again")
        return later("remove it and log in again")


def key_of_record(key: bytes) -> bytes:
    """The key of the digests in the record of a database that several gateways share: 32 bytes.

    It is derived from the key that seals sessions, so that all of them have the same without storing it.
    """
    return _derived(key, _OF_RECORD)


def mark_of(key: bytes) -> bytes:
    """Tells a key from others, and nothing of what it is: 32 bytes. A database may see it."""
    return _derived(key, _MARK)


def _derived(key: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose).derive(key)
