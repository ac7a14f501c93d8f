"""How a session is sealed: AES-256-GCM, under the key of `sealing_key.py`.

A sealed session is `clawlane vault 1\\n`, the generation (32 hex digits, newline), a nonce of 12 bytes, and
the sealed rest: one line of JSON that names the user, then the secret. Head, channel and profile are
authenticated, so that it cannot be moved to another profile. The generation changes with every login.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clawlane.channel import VaultError
from clawlane.credentials.profile_records import GENERATION_HEX, MAGIC, generation_of
from clawlane.credentials.sealing_key import KeyLocation
from clawlane.texts import later

_NONCE_BYTES = 12
_HEAD_BYTES = len(MAGIC) + GENERATION_HEX + 1

Identity = tuple[str, str]
"""The user's id and name on the platform."""


class Opened(NamedTuple):
    """A session that was opened."""

    generation: bytes
    identity: Identity
    secret: bytes


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals and opens the sessions of one profile."""

    key: KeyLocation
    channel: str
    profile: str

    def open(self, raw: bytes) -> Opened:
        """Raises `VaultError` if it is damaged, or was sealed with another key."""
        if not raw.startswith(MAGIC) or len(raw) < _HEAD_BYTES + _NONCE_BYTES:
            raise self._damaged(later("the session of {name} is damaged"))
        nonce, sealed = raw[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES], raw[_HEAD_BYTES + _NONCE_BYTES :]
        try:
            opened = AESGCM(self._key_bytes()).decrypt(nonce, sealed, self._authenticated(raw[:_HEAD_BYTES]))
        except InvalidTag as error:
            raise self._damaged(
                later(
                    "the session of {name} is damaged, or was sealed with another key than {path}:"
                    " put the right key there, or log in again"
                ),
                path=str(self.key.path),
            ) from error
        line, _, secret = opened.partition(b"\n")
        user_id, name = json.loads(line)
        return Opened(generation_of(raw), (user_id, name), secret)

    def seal(self, opened: Opened) -> bytes:
        """Raises `VaultError` if there is no key."""
        head = MAGIC + opened.generation + b"\n"
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps(opened.identity).encode() + b"\n" + opened.secret
        cipher = AESGCM(self._key_bytes())
        return head + nonce + cipher.encrypt(nonce, plain, self._authenticated(head))

    def _authenticated(self, head: bytes) -> bytes:
        return head + self._name.encode()

    def _key_bytes(self) -> bytes:
        try:
            return self.key.read()
        except FileNotFoundError as error:
            raise self._damaged(
                later("the session of {name} has lost its key ({path})"), path=str(self.key.path)
            ) from error

    def _damaged(self, what: str, **values: str) -> VaultError:
        command = f"openclaw channels login --channel {self.channel} --force"
        return VaultError(later(what, name=self._name, **values), later("run: {command}", command=command))

    @property
    def _name(self) -> str:
        return f"{self.channel}/{self.profile}"


def new_generation() -> bytes:
    """Stands for a login."""
    return secrets.token_hex(GENERATION_HEX // 2).encode()
