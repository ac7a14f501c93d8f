"""A file sealed with a passphrase, written and read as a stream: it never has to fit into memory.

The head is two lines: `clawlane backup 1`, and one line of JSON with the cost and the salt of scrypt and a
`check` of the head. Then chunks of 64 KiB follow, each sealed with AES-256-GCM under its number; the last one
is marked, so that a file that was cut off is known to be. The head is authenticated with every chunk.

CredentialsError
└── SealedFileUnusable   it cannot be opened; `help` says what to do
    ├── WrongPassphrase
    ├── SealedFileDamaged
    └── SealedFileTooNew
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from clawlane.credentials.files import CredentialsError
from clawlane.texts import later

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
SHORTEST_PASSPHRASE = 10
"""Characters."""

_MAGIC = b"clawlane backup "
_LONGEST_HEAD = 1024
_CHUNK = 1 << 16
_TAG = 16
_SALT = 32
_KEY = 32
_MOST_MEMORY = 1 << 28
"""Bytes that scrypt may ask for, whatever a head says."""

_MOST_PASSES = 8
_HEX = re.compile(r"[0-9a-f]{64}\Z")


class SealedFileUnusable(CredentialsError):
    """A sealed file cannot be opened."""

    def __init__(self, text: str, help: str = "") -> None:
        super().__init__(text)
        self.help = help


class WrongPassphrase(SealedFileUnusable):
    """The passphrase does not open the file."""


class SealedFileDamaged(SealedFileUnusable):
    """The file was cut off, or is not as it was written."""


class SealedFileTooNew(SealedFileUnusable):
    """A newer clawlane wrote the file."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What it takes to try one passphrase: `n` and `r` set the memory (128 · n · r bytes), `p` the passes."""

    n: int = 1 << 16
    r: int = 8
    p: int = 2

    @property
    def bearable(self) -> bool:
        """Whether a head may ask for it."""
        powers = self.n > 1 and self.n & (self.n - 1) == 0
        return powers and self.r > 0 and 128 * self.n * self.r <= _MOST_MEMORY and 0 < self.p <= _MOST_PASSES


USUAL = Cost()
"""64 MB, and about a third of a second."""


class SealedWriter:
    """Seals what is written. Nothing is complete before `finish`."""

    def __init__(self, file: BinaryIO, passphrase: str, cost: Cost = USUAL) -> None:
        """Writes the head."""
        salt = secrets.token_bytes(_SALT)
        sealing, checking = _keys(passphrase, salt, cost)
        values = {"kdf": "scrypt", "n": cost.n, "r": cost.r, "p": cost.p, "salt": salt.hex()}
        check = hmac.digest(checking, _checked(values), sha256).hex()
        self._head = b"%s%d\n%s\n" % (_MAGIC, VERSION, json.dumps({**values, "check": check}).encode())
        self._file = file
        self._cipher = _cipher(sealing)
        self._number = 0
        self._rest = bytearray()
        file.write(self._head)

    def write(self, data: bytes) -> None:
        """Add to what is sealed. Raises `OSError`."""
        self._rest += data
        while len(self._rest) > _CHUNK:
            self._seal(bytes(self._rest[:_CHUNK]), last=False)
            del self._rest[:_CHUNK]

    def finish(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._rest), last=True)
        self._rest.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, self._head))
        self._number += 1


class SealedReader:
    """What was sealed, in order. What it gives is authentic; only the end shows that nothing is missing."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        """Reads the head. Raises `SealedFileUnusable`."""
        head = _read_head(file)
        self._file = file
        sealing, checking = _keys(passphrase, head.salt, head.cost)
        if not hmac.compare_digest(hmac.digest(checking, head.checked, sha256).hex(), head.check):
            raise WrongPassphrase(
                later("the passphrase is wrong, or the first lines of the file are damaged")
            )
        self._head = head.raw
        self._cipher = _cipher(sealing)
        self._number = 0
        self._next = self._sealed()
        self._rest = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """So many bytes. Raises `SealedFileDamaged`, also where there are not as many."""
        parts: list[bytes] = []
        while size:
            if not self._rest:
                self._open()
            part, self._rest = self._rest[:size], self._rest[size:]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Check that nothing follows. Raises `SealedFileDamaged`."""
        if not self._ended:
            self._open(empty=True)
        if self._rest or not self._ended:
            raise SealedFileDamaged(later("the file goes on behind its end"))

    def _sealed(self) -> bytes:
        return self._file.read(_CHUNK + _TAG)

    def _open(self, *, empty: bool = False) -> None:
        """Read the next chunk; it has content unless it may be `empty`."""
        if self._ended:
            raise SealedFileDamaged(later("the file ends too early"))
        from cryptography.exceptions import InvalidTag

        sealed, self._next = self._next, self._sealed()
        last = not self._next
        try:
            self._rest = self._cipher.decrypt(_nonce(self._number, last=last), sealed, self._head)
        except InvalidTag as error:
            where = self._number * _CHUNK // 1024
            raise SealedFileDamaged(
                later("the file was cut off or changed, about {where} KB in", where=where)
            ) from error
        self._number += 1
        self._ended = last
        if not (self._rest or empty):
            raise SealedFileDamaged(later("the file ends too early"))


@dataclass(frozen=True, slots=True)
class _Head:
    raw: bytes
    cost: Cost
    salt: bytes
    checked: bytes
    check: str


def _read_head(file: BinaryIO) -> _Head:
    first = file.readline(len(_MAGIC) + 8)
    number = first.removeprefix(_MAGIC).rstrip(b"\n")
    if not first.startswith(_MAGIC) or not first.endswith(b"\n") or not number.isdigit():
        raise SealedFileUnusable(later("it is no backup of clawlane"))
    if int(number) > VERSION:
        raise SealedFileTooNew(
            later("a newer clawlane wrote it (format {number})", number=int(number)),
            later("upgrade clawlane first"),
        )
    line = file.readline(_LONGEST_HEAD + 1)
    try:
        values = json.loads(line)
        cost = Cost(*(values[name] for name in ("n", "r", "p")))
        salt, check, kdf = values["salt"], values.pop("check"), values["kdf"]
        whole = all(type(one) is int for one in (cost.n, cost.r, cost.p)) and kdf == "scrypt"
        if not (line.endswith(b"\n") and whole and _HEX.match(salt) and _HEX.match(check)):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SealedFileDamaged(later("the first lines of the file are damaged")) from error
    if not cost.bearable:
        raise SealedFileUnusable(later("its first lines ask for more memory or time than a backup may"))
    return _Head(first + line, cost, bytes.fromhex(salt), _checked(values), check)


def _checked(values: dict[str, object]) -> bytes:
    return json.dumps(values, sort_keys=True).encode()


def _keys(passphrase: str, salt: bytes, cost: Cost) -> tuple[bytes, bytes]:
    """The key that seals, and the one that checks the passphrase."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    # However a keyboard composes an accent, it is the same passphrase.
    typed = unicodedata.normalize("NFC", passphrase).encode()
    made = Scrypt(salt=salt, length=2 * _KEY, n=cost.n, r=cost.r, p=cost.p).derive(typed)
    return made[:_KEY], made[_KEY:]


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _nonce(number: int, *, last: bool) -> bytes:
    """Each key seals one file, so that the number of a chunk is used once."""
    return number.to_bytes(11, "big") + bytes([last])
