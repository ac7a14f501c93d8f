"""The sealed session of each profile: one file per profile, AES-256-GCM.

A file is `clawlane vault 1\\n`, the generation (32 hex digits, newline), a nonce of 12 bytes, and the sealed
rest: one line of JSON that names the user, then the secret. Head, channel and profile are authenticated, so
that a file cannot be moved to another profile. The generation changes with every login; a
handle that read an older one cannot save over a newer one.

`sealing_key.py` says where the key is.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clawlane.channel import Account, VaultClosed, VaultError
from clawlane.credentials.files import file_name, make_private_dir, sync_dir, write_private
from clawlane.credentials.sealing_key import KeyLocation
from clawlane.texts import later

_MAGIC = b"clawlane vault 1\n"
_GENERATION_HEX = 32
_NONCE_BYTES = 12
_SUFFIX = ".session"
_HEAD_BYTES = len(_MAGIC) + _GENERATION_HEX + 1

Identity = tuple[str, str]
"""The user's id and name on the platform."""


class FileVault:
    """The sealed session of one profile: a `clawlane.channel.Vault`, and what logging in and out needs."""

    def __init__(
        self, folder: Path, channel: str, profile: str, environ: Mapping[str, str] = os.environ
    ) -> None:
        """`environ` may say where the key is."""
        self._folder = folder
        self._environ = environ
        self._path = folder / f"{file_name(channel, profile)}{_SUFFIX}"
        self._name = f"{channel}/{profile}"
        self._help = later("run: {command}", command=f"openclaw channels login --channel {channel} --force")
        self._generation: bytes | None = None

    async def read(self) -> bytes | None:
        """The session, or None when nobody is logged in. Later writes are for this session only."""
        found = await asyncio.to_thread(self._load)
        if found is None:
            self._generation = None
            return None
        generation, _, secret = found
        self._generation = generation
        return secret

    async def write(self, secret: bytes) -> None:
        """Save a refreshed session.

        Raises `VaultClosed` if the one read before was logged out or replaced.
        """

        def save() -> None:
            with self._locked():
                found = self._load()
                if found is None or self._generation is None or found[0] != self._generation:
                    raise VaultClosed(
                        later(
                            "the session of {name} was logged out or replaced; the late save is void",
                            name=self._name,
                        )
                    )
                self._store(found[0], found[1], secret)

        await asyncio.to_thread(save)

    def replace(self, secret: bytes, identity: Identity, check: Callable[[], object] | None = None) -> None:
        """Store the session of a new login. Handles that read the one before can no longer write.

        `check` may raise to keep it from being stored; meanwhile no other session of the folder changes.
        """
        generation = _new_generation()
        with self._locked():
            if check is not None:
                check()
            self._store(generation, identity, secret)
        self._generation = generation

    def sealed(self, secret: bytes, identity: Identity) -> bytes:
        """The session of a new login as it would be stored, for `adopt`. Stores nothing but a missing key."""
        with self._locked():
            return self._seal(_new_generation(), identity, secret)

    def adopt(self, sealed: bytes) -> None:
        """Store what `sealed` gave, in place of any other session. Raises `VaultError` if it is damaged."""
        with self._locked():
            self._generation, _, _ = self._open(sealed)
            write_private(self._path, sealed)

    def close(self) -> bool:
        """Log out: delete the session, damaged or not. False if there was none."""
        self._generation = None
        with self._locked():
            if not self._path.exists():
                return False
            self._path.unlink()
            sync_dir(self._folder)
            return True

    def identity(self) -> Identity | None:
        """Who is logged in, or None. Has no effect on later writes."""
        found = self._load()
        return found[1] if found else None

    @property
    def file(self) -> Path:
        """Where the session is sealed, or would be."""
        return self._path

    @property
    def generation(self) -> str:
        """Identifies the login of the session that was read last; empty if there was none."""
        return self._generation.decode() if self._generation else ""

    def _load(self) -> tuple[bytes, Identity, bytes] | None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        return self._open(raw)

    def _open(self, raw: bytes) -> tuple[bytes, Identity, bytes]:
        if not raw.startswith(_MAGIC) or len(raw) < _HEAD_BYTES + _NONCE_BYTES:
            raise self._damaged(later("the session of {name} is damaged"))
        nonce, sealed = raw[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES], raw[_HEAD_BYTES + _NONCE_BYTES :]
        try:
            opened = AESGCM(self._key()).decrypt(nonce, sealed, self._authenticated(raw[:_HEAD_BYTES]))
        except InvalidTag as error:
            raise self._damaged(
                later("the session of {name} is damaged, or was sealed with another key")
            ) from error
        line, _, secret = opened.partition(b"\n")
        user_id, name = json.loads(line)
        return raw[len(_MAGIC) : _HEAD_BYTES - 1], (user_id, name), secret

    def _store(self, generation: bytes, identity: Identity, secret: bytes) -> None:
        write_private(self._path, self._seal(generation, identity, secret))

    def _seal(self, generation: bytes, identity: Identity, secret: bytes) -> bytes:
        head = _MAGIC + generation + b"\n"
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps(identity).encode() + b"\n" + secret
        cipher = AESGCM(self._key(make=True))
        return head + nonce + cipher.encrypt(nonce, plain, self._authenticated(head))

    def _authenticated(self, head: bytes) -> bytes:
        return head + self._name.encode()

    def _key(self, make: bool = False) -> bytes:
        location = KeyLocation.of(self._folder, self._environ)
        if make:
            location.make()
        try:
            return location.read()
        except FileNotFoundError as error:
            raise self._damaged(
                later("the session of {name} has lost its key ({path})"), path=str(location.path)
            ) from error

    def _damaged(self, what: str, **values: str) -> VaultError:
        return VaultError(later(what, name=self._name, **values), self._help)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time among all processes: checking the generation and writing are one step."""
        make_private_dir(self._folder)
        handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _new_generation() -> bytes:
    return secrets.token_hex(_GENERATION_HEX // 2).encode()


def profiles_of(folder: Path, channel: str) -> list[str]:
    """The profiles of a channel that have a session in a folder."""
    found = (path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}"))
    names = ([unquote(part) for part in name.split("+", 1)] for name in found)
    return sorted(profile for owner, *rest in names if owner == channel for profile in rest)


def linked_elsewhere(
    vaults: Path, account: Account, others: Iterable[Account], user_id: str
) -> Iterator[Account]:
    """The other accounts of the same channel that are logged in as this user of the platform."""
    for other in others:
        another = other.channel == account.channel and other.profile != account.profile
        if another and user_of(vaults, other) == user_id:
            yield other


def user_of(vaults: Path, account: Account) -> str:
    """The user id that an account is logged in as; empty for none, and for a session that cannot be read."""
    try:
        identity = FileVault(vaults, account.channel, account.profile).identity()
    except VaultError:
        return ""
    return identity[0] if identity else ""
