"""The two layers every answer comes in, `{error_code, error_message, data}`: one plain, one encrypted.

Codes are compared loosely: "0" counts as 0, and an answer without a code is an error.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from zaloweb import cipher
from zaloweb.errors import ApiError, CipherError, ProtocolError

T = TypeVar("T")

_SURROGATE = re.compile("[\ud800-\udfff]")


class Envelope(msgspec.Struct):
    """One layer, as it came. `data` is the JSON text of what is inside, empty when there was nothing."""

    error_code: Any = None
    error_message: Any = ""
    data: msgspec.Raw = msgspec.Raw(b"")

    @property
    def code(self) -> int | None:
        """The error code as a number, None when there is none that could be one."""
        if isinstance(self.error_code, str):
            text = self.error_code.strip()
            return int(text or "0") if text.removeprefix("-").isdecimal() or not text else None
        return int(self.error_code) if isinstance(self.error_code, int | float) else None

    @property
    def message(self) -> str:
        return self.error_message if isinstance(self.error_message, str) else ""

    @property
    def empty(self) -> bool:
        """Whether there is no data, or only null."""
        return bytes(self.data) in (b"", b"null")


def compact(params: object) -> str:
    """Parameters as Zalo wants them: JSON without blanks, not escaped, keys in the order given."""
    try:
        return msgspec.json.encode(params).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 cannot hold
        text = json.dumps(params, ensure_ascii=False, separators=(",", ":"))
        return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def parse(name: str, text: bytes) -> Envelope:
    """One layer. Raises `ProtocolError`, with `name` for the call."""
    try:
        return msgspec.json.decode(text, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolError(name, "the answer is not the JSON object that was expected") from None


def read(name: str, body: bytes, key: bytes | None, answer: type[T]) -> T:
    """What an answer holds; without a key there is only one layer. Raises `ApiError`, `ProtocolError`."""
    layer = _accepted(name, parse(name, body))
    if key is not None:
        layer = _accepted(name, parse(name, open_data(name, layer, key)))
    try:
        return msgspec.json.decode(bytes(layer.data) or b"null", type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(name, f"the answer has another shape than expected: {error}") from None


def open_data(name: str, layer: Envelope, key: bytes) -> bytes:
    """The decrypted data of a layer. Raises `ProtocolError`."""
    try:
        return cipher.decrypt(key, msgspec.json.decode(bytes(layer.data) or b"null", type=str))
    except (msgspec.DecodeError, UnicodeDecodeError, CipherError):
        raise ProtocolError(name, "the data of the answer cannot be decrypted") from None


def _accepted(name: str, layer: Envelope) -> Envelope:
    if layer.code != 0:
        raise ApiError.of(layer.code, layer.message, name)
    return layer
