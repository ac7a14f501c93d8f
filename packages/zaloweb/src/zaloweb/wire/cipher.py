"""Zalo's encryption: bytes and texts in, bytes and texts out. Nothing here does I/O.

Three families of keys, which must not be mixed up:

- the *login key*, 32 characters that are the key themselves, for parameters and answer of `getLoginInfo`;
- the *session key*, base64 in the answer of the login (`zpw_enk`), for every API call after it;
- the *event key*, base64 in the first frame of a WebSocket, for what the server pushes.

The first two are AES-CBC with an IV of zeros and PKCS#7, the last is AES-GCM with a nonce of 16 bytes.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import zlib
from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import BinaryIO, Literal
from urllib.parse import unquote
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zaloweb.errors import CipherError

ENC_VER = "v2"
EVENT_LIMIT = 8 * 1024 * 1024
"""Bytes an event may have once inflated. Zalo announces messages of at most 64 KiB; a page of 200 of them
that were missed has one or two MB. This only stops bombs."""

_ZCID_KEY = b"3FC4F0D2AB50057BCE0D90D9187A22B1"
_IV = bytes(16)
_BLOCK = 16
_KEY_LENGTHS = (16, 24, 32)
_NONCE = 16
_AAD_END = 32
_SHORTEST_PACKAGE = 48
_AUTO_DETECT = 47
_ZLIB, _GZIP = 15, 31
_PIECE = 1024 * 1024


def base64_key(text: str) -> bytes:
    """The key that a base64 text (`zpw_enk`, or `key` of the first frame) stands for. Raises CipherError."""
    try:
        key = binascii.a2b_base64(text)
    except ValueError:
        raise CipherError("the server's key is not base64") from None
    if len(key) not in _KEY_LENGTHS:
        raise CipherError(f"the server's key has {len(key)} bytes, not 16, 24 or 32")
    return key


def session_key(zpw_enk: str) -> bytes:
    """The key of all calls of a session, from the login's `zpw_enk`. Raises CipherError."""
    return base64_key(zpw_enk)


def encrypt(key: bytes, text: str) -> str:
    """A text encrypted, as base64: what `params` holds, before it is escaped for a URL or a form."""
    return binascii.b2a_base64(_cbc_encrypt(key, text), newline=False).decode("ascii")


def decrypt(key: bytes, data: str) -> bytes:
    """What `encrypt` made the text from, as UTF-8. Percent-escapes are undone first. Raises CipherError."""
    try:
        sealed = binascii.a2b_base64(_unescape(data))
        decryptor = _cbc(key).decryptor()
        return _without_padding(decryptor.update(sealed) + decryptor.finalize())
    except ValueError:
        raise CipherError("encrypted data is damaged or was made with another key") from None


def zcid(api_type: int, imei: str, launched_ms: int) -> str:
    """The client id of a login: upper-case hex that hides API type, device id and start time."""
    return _cbc_encrypt(_ZCID_KEY, f"{api_type},{imei},{launched_ms}").hex().upper()


def new_zcid_ext(random: Random) -> str:
    """A fresh random part for the login key: 6 to 12 hex digits."""
    return "".join(random.choices("0123456789abcdef", k=random.randint(6, 12)))


def login_key(zcid: str, zcid_ext: str) -> bytes:
    """The 32 ASCII bytes that encrypt the parameters and the answer of `getLoginInfo`."""
    mixed = hashlib.md5(zcid_ext.encode(), usedforsecurity=False).hexdigest().upper()
    return (mixed[::2][:8] + zcid[::2][:12] + zcid[1::2][::-1][:12]).encode("ascii")


def sign(kind: str, params: Mapping[str, str | int | bool]) -> str:
    """The `signkey` of a request: an MD5 over its kind and its values in the order of their names."""
    values = (
        _as_javascript(params[name])
        for name in sorted(params, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    )
    return _md5("zsecure" + kind + "".join(values))


def new_imei(user_agent: str, uuid: UUID) -> str:
    """A device id for a fresh login. It belongs to the user agent and the cookies: keep all three."""
    return f"{uuid}-{_md5(user_agent)}"


def file_checksum(file: BinaryIO) -> str:
    """The MD5 of the rest of a file in hex. It is read in pieces: large files need no more memory."""
    digest = hashlib.md5(usedforsecurity=False)
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


class EventCipher:
    """Opens what the server pushes over one connection. Without a key it opens only what is not encrypted."""

    __slots__ = ("_gcm",)

    def __init__(self, key: bytes | None) -> None:
        try:
            self._gcm = None if key is None else AESGCM(key)
        except ValueError:
            raise CipherError(f"an event key has 16, 24 or 32 bytes, not {len(key or b'')}") from None

    def open(self, data: str, encrypt: int) -> bytes:
        """The JSON text inside a frame's `data`.

        `encrypt` is the number beside it: 0 plain, 1 compressed, 2 compressed and sealed, 3 sealed. The text
        is as the server wrote it: its UTF-8 may be broken. Raises CipherError.
        """
        if encrypt == 0:
            return data.encode("utf-8", "replace")
        if encrypt == 1:
            return _inflate(_from_base64(data))
        if encrypt == 2:
            return _inflate(self._unseal(data))
        if encrypt == 3:
            return self._unseal(data)
        raise CipherError(f"encrypt is {encrypt!r:.20}, not 0, 1, 2 or 3")

    def _unseal(self, data: str) -> bytes:
        if self._gcm is None:
            raise CipherError("an encrypted event came before the connection's key")
        package = memoryview(_from_base64(_unescape(data)))
        if len(package) < _SHORTEST_PACKAGE:
            raise CipherError("an encrypted event is shorter than nonce, header and tag")
        try:
            return self._gcm.decrypt(package[:_NONCE], package[_AAD_END:], package[_NONCE:_AAD_END])
        except InvalidTag:
            raise CipherError(
                "the tag of an encrypted event does not fit: damaged, or sealed with another key"
            ) from None


def open_event(data: str, encrypt: int, key: bytes | None) -> bytes:
    """The JSON text inside a frame's `data`, as from `EventCipher.open`. Raises CipherError."""
    return EventCipher(key).open(data, encrypt)


def seal_event(
    plain: bytes,
    encrypt: int,
    key: bytes | None,
    *,
    packing: Literal["zlib", "gzip"] = "zlib",
    nonce: bytes | None = None,
    aad: bytes | None = None,
) -> str:
    """What a server puts into `data` so that `open_event` gives `plain` back.

    `nonce` and `aad` have 16 bytes each, random ones if they are not given.
    """
    if encrypt == 0:
        return plain.decode()
    packed = plain if encrypt == 3 else _deflate(plain, packing)
    if encrypt == 1:
        return binascii.b2a_base64(packed, newline=False).decode("ascii")
    if encrypt not in (2, 3) or key is None:
        raise CipherError(f"cannot seal with encrypt {encrypt!r} and {'no' if key is None else 'a'} key")
    nonce, aad = nonce or os.urandom(16), aad or os.urandom(16)
    package = nonce + aad + AESGCM(key).encrypt(nonce, packed, aad)
    text = binascii.b2a_base64(package, newline=False).decode("ascii")
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def _cbc_encrypt(key: bytes, text: str) -> bytes:
    try:
        plain = text.encode()
    except UnicodeEncodeError:
        raise CipherError("a text with half a surrogate pair cannot be sent") from None
    missing = _BLOCK - len(plain) % _BLOCK
    encryptor = _cbc(key).encryptor()
    return encryptor.update(plain + bytes((missing,)) * missing) + encryptor.finalize()


@lru_cache(maxsize=64)  # checking a key and a mode takes as long as encrypting a call
def _cbc(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(_IV))


def _without_padding(padded: bytes) -> bytes:
    """Undo PKCS#7. Raises ValueError for what has no such padding."""
    length = padded[-1] if padded else 0
    if not 1 <= length <= _BLOCK or not padded.endswith(bytes((length,)) * length):
        raise ValueError("no PKCS#7 padding")
    return padded[:-length]


def _unescape(data: str) -> str:
    # Only three characters of base64 are ever escaped; unquote() is many times slower than three
    # replacements.
    if "%" not in data:
        return data
    data = data.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
    return unquote(data) if "%" in data else data


def _from_base64(data: str) -> bytes:
    try:
        return binascii.a2b_base64(data)
    except ValueError:
        raise CipherError("the data of an event is not base64") from None


def _inflate(packed: bytes) -> bytes:
    inflater = zlib.decompressobj(_AUTO_DETECT)
    try:
        plain = inflater.decompress(packed, EVENT_LIMIT)
    except zlib.error:
        raise CipherError("the data of an event is neither zlib nor gzip, or is damaged") from None
    if inflater.eof:
        return plain
    if len(plain) >= EVENT_LIMIT:
        raise CipherError(f"an event is larger than {EVENT_LIMIT} bytes once inflated")
    raise CipherError("the compressed data of an event breaks off")


def _deflate(plain: bytes, packing: Literal["zlib", "gzip"]) -> bytes:
    deflater = zlib.compressobj(wbits=_GZIP if packing == "gzip" else _ZLIB)
    return deflater.compress(plain) + deflater.flush()


def _as_javascript(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
