"""Sealed sessions: one file a profile, AES-256-GCM. Where the key is, `clawlane.credentials.vault` says.

A file is `clawlane vault 1\\n`, the generation (32 hex digits, newline), a nonce of 12 bytes, and the sealed
rest: one line of JSON that names the user, then the secret. Head, channel and profile are authenticated, so a
file cannot be given to another profile. The generation changes with every login; who read an older one cannot
save over a newer one.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clawlane.channel import Account, VaultClosed, VaultError
from clawlane.credentials.files import file_name, make_private_dir, sync_dir, write_private

KEY_FILE = "CLAWLANE_KEY_FILE"
CREDENTIAL = "clawlane-key"
_BYTES = 32
_HEX = re.compile(rb"[0-9A-Fa-f]{64}\s*\Z")


@dataclass(frozen=True, slots=True)
class KeyLocation:
    """The file with the key. `elsewhere` names what pointed to it; empty for the one beside the sessions."""

    path: Path
    elsewhere: str = ""

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str]) -> KeyLocation:
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


_MAGIC = b"clawlane vault 1\n"
_GENERATION = 32
_NONCE = 12
_ENDING = ".session"
_HEAD = len(_MAGIC) + _GENERATION + 1

Identity = tuple[str, str]
"""The user's id and name on the platform."""


def profiles_of(folder: Path, channel: str) -> list[str]:
    """The profiles of a channel that have a session in a folder."""
    found = (path.name.removesuffix(_ENDING) for path in folder.glob(f"*{_ENDING}"))
    names = ([unquote(part) for part in name.split("+", 1)] for name in found)
    return sorted(profile for owner, *rest in names if owner == channel for profile in rest)


class FileVault:
    """The sealed session of one profile: a `clawlane.channel.Vault`, and what logging in and out needs."""

    def __init__(
        self, folder: Path, channel: str, profile: str, environ: Mapping[str, str] = os.environ
    ) -> None:
        """`environ` may say where the key is."""
        self._folder = folder
        self._environ = environ
        self._path = folder / f"{file_name(channel, profile)}{_ENDING}"
        self._name = f"{channel}/{profile}"
        self._help = f"run: openclaw channels login --channel {channel} --force"
        self._bound: bytes | None = None

    def read(self) -> bytes | None:
        """The session, or None when nobody is logged in. Later writes hold for this session only."""
        found = self._load()
        if found is None:
            self._bound = None
            return None
        generation, _, secret = found
        self._bound = generation
        return secret

    def write(self, secret: bytes) -> None:
        """Save a refreshed session.

        Raises `VaultClosed` if the one read before was logged out or replaced.
        """
        with self._locked():
            found = self._load()
            if found is None or self._bound is None or found[0] != self._bound:
                raise VaultClosed(
                    f"the session of {self._name} was logged out or replaced; the late save is void"
                )
            self._store(found[0], found[1], secret)

    def replace(self, secret: bytes, identity: Identity) -> None:
        """Keep the session of a new login. Whoever still holds the one before can no longer save it."""
        generation = secrets.token_hex(_GENERATION // 2).encode()
        with self._locked():
            self._store(generation, identity, secret)
        self._bound = generation

    def close(self) -> bool:
        """Log out: forget the session. False if there was none. Works on a damaged file too."""
        self._bound = None
        with self._locked():
            if not self._path.exists():
                return False
            self._path.unlink()
            sync_dir(self._folder)
            return True

    def identity(self) -> Identity | None:
        """Who is logged in, or None. Does not bind later writes."""
        found = self._load()
        return found[1] if found else None

    @property
    def generation(self) -> str:
        """Which login the session is of that was read last; empty when there was none."""
        return self._bound.decode() if self._bound else ""

    def _load(self) -> tuple[bytes, Identity, bytes] | None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        if not raw.startswith(_MAGIC) or len(raw) < _HEAD + _NONCE:
            raise self._damaged("is damaged")
        nonce, sealed = raw[_HEAD : _HEAD + _NONCE], raw[_HEAD + _NONCE :]
        try:
            opened = AESGCM(self._key()).decrypt(nonce, sealed, self._bind(raw[:_HEAD]))
        except InvalidTag as error:
            raise self._damaged("is damaged, or was sealed with another key") from error
        line, _, secret = opened.partition(b"\n")
        user_id, name = json.loads(line)
        return raw[len(_MAGIC) : _HEAD - 1], (user_id, name), secret

    def _store(self, generation: bytes, identity: Identity, secret: bytes) -> None:
        head = _MAGIC + generation + b"\n"
        nonce = secrets.token_bytes(_NONCE)
        plain = json.dumps(identity).encode() + b"\n" + secret
        write_private(
            self._path, head + nonce + AESGCM(self._key(make=True)).encrypt(nonce, plain, self._bind(head))
        )

    def _bind(self, head: bytes) -> bytes:
        return head + self._name.encode()

    def _key(self, make: bool = False) -> bytes:
        place = KeyLocation.of(self._folder, self._environ)
        if make:
            place.make()
        try:
            return place.read()
        except FileNotFoundError as error:
            raise self._damaged(f"has lost its key ({place.path})") from error

    def _damaged(self, what: str) -> VaultError:
        return VaultError(f"the session of {self._name} {what}", self._help)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, over processes: checking the generation and writing are one step."""
        make_private_dir(self._folder)
        handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def linked_elsewhere(
    vaults: Path, account: Account, others: Iterable[Account], user_id: str
) -> Iterator[Account]:
    """The other accounts of the same channel on which a user of the platform is logged in."""
    for other in others:
        another = other.channel == account.channel and other.profile != account.profile
        if another and user_of(vaults, other) == user_id:
            yield other


def user_of(vaults: Path, account: Account) -> str:
    """The id of who is logged in on an account; empty for nobody, and for a session that cannot be read."""
    try:
        identity = FileVault(vaults, account.channel, account.profile).identity()
    except VaultError:
        return ""
    return identity[0] if identity else ""
