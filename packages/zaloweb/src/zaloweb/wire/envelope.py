"""The two layers every answer comes in, `{error_code, error_message, data}`: one plain, one encrypted.

Codes are compared loosely: "0" counts as 0, and an answer without a code is an error.

This is the one place where a text of the server becomes a value: whatever is wrong with it (broken, nested
without end, numbers of thousands of digits, far more values than any answer has) is a `ProtocolError`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from zaloweb.errors import AnswerTooLarge, ApiError, CipherError, ProtocolError
from zaloweb.wire import cipher

T = TypeVar("T")

MOST_VALUES: Final = 500_000
"""Values of one answer, by the signs before them. The friends of a full account are some 200 000."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST_MESSAGE = 200
_LONGEST_CODE = 18  # digits
_LARGEST_CODE = 10**_LONGEST_CODE
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError)


class Envelope(msgspec.Struct):
    """One layer, as it came. `data` is the JSON text of what is inside, empty when there was nothing."""

    error_code: Any = None
    error_message: Any = ""
    data: msgspec.Raw = msgspec.Raw(b"")

    @property
    def code(self) -> int | None:
        """The error code as a number, None when there is none that could be one."""
        told = self.error_code
        if isinstance(told, str):
            text = told.strip()
            digits = text.removeprefix("-")
            number = digits.isdecimal() and len(digits) <= _LONGEST_CODE
            return int(text or "0") if number or not text else None
        sane = isinstance(told, int | float) and abs(told) < _LARGEST_CODE  # no NaN is
        return int(told) if sane else None

    @property
    def message(self) -> str:
        """What the server says, as one line that can be shown."""
        told = self.error_message if isinstance(self.error_message, str) else ""
        return _CONTROL.sub(" ", told[:_LONGEST_MESSAGE]).strip()

    @property
    def empty(self) -> bool:
        """Whether there is no data, or only null."""
        return bytes(self.data) in (b"", b"null")


_ENVELOPE = msgspec.json.Decoder(Envelope)
_TEXT = msgspec.json.Decoder(str)


@lru_cache(maxsize=128)  # msgspec would read the type anew for each text
def _decoder(shape: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def compact(params: object) -> str:
    """Parameters as Zalo wants them: JSON without blanks, not escaped, keys in the order given."""
    try:
        return msgspec.json.encode(params).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 cannot hold
        text = json.dumps(params, ensure_ascii=False, separators=(",", ":"))
        return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def decode(name: str, text: bytes | str, shape: type[T]) -> T:
    """A JSON text of the server as a value of this type. Raises `ProtocolError`, with `name` for the call.

    Null counts as missing where the type has no place for it: in a list, in an object, and as the whole.
    """
    _check_size(name, text)
    try:
        answer: T = _decoder(shape).decode(text)  # type: ignore[arg-type] # types do have a hash
        return answer
    except msgspec.ValidationError as error:
        return _without_nulls(name, text, shape, error)
    except _UNREADABLE:
        raise ProtocolError(name, "the answer is not JSON that can be read") from None


def readable(text: bytes | str, shape: type[T]) -> T | None:
    """The same of a text beside the important ones: None when it cannot be read."""
    try:
        return decode("", text, shape)
    except ProtocolError:
        return None


def parse(name: str, text: bytes) -> Envelope:
    """One layer. Raises `ProtocolError`, with `name` for the call."""
    _check_size(name, text)
    try:
        return _ENVELOPE.decode(text)
    except _UNREADABLE:
        raise ProtocolError(name, "the answer is not the JSON object that was expected") from None


def read(name: str, body: bytes, key: bytes | None, answer: type[T]) -> T:
    """What an answer holds; without a key there is only one layer. Raises `ApiError`, `ProtocolError`.

    No data is the empty answer: an empty list, or an object without anything in it.
    """
    layer = _accepted(name, parse(name, body))
    if key is not None:
        layer = _accepted(name, parse(name, open_data(name, layer, key)))
    return decode(name, bytes(layer.data) or b"null", answer)


def open_data(name: str, layer: Envelope, key: bytes) -> bytes:
    """The decrypted data of a layer. Raises `ProtocolError`."""
    try:
        return cipher.decrypt(key, _TEXT.decode(bytes(layer.data) or b"null"))
    except (*_UNREADABLE, CipherError):
        raise ProtocolError(name, "the data of the answer cannot be decrypted") from None


def _check_size(name: str, text: bytes | str) -> None:
    """A value takes many times the memory of its text, so what counts is how many there are."""
    if len(text) <= MOST_VALUES:
        return
    told = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if sum(told.count(sign) for sign in (b"{", b"[", b",")) > MOST_VALUES:
        raise AnswerTooLarge(name, f"the answer has more than {MOST_VALUES} values")


def _without_nulls(name: str, text: bytes | str, shape: type[T], error: msgspec.ValidationError) -> T:
    try:
        for plain in _plainer(msgspec.json.decode(text)):
            try:
                return msgspec.json.decode(json.dumps(plain, ensure_ascii=False), type=shape)
            except msgspec.ValidationError:
                continue
    except _UNREADABLE:
        pass
    raise ProtocolError(name, f"the answer has another shape than expected: {error}") from None


def _plainer(value: object) -> tuple[object, ...]:
    # A function of its own, so that the value with the nulls is gone before its replacement is decoded.
    return ([], {}) if value is None else (_pruned(value),)


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        return {key: _pruned(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_pruned(one) for one in value if one is not None]
    return value


def _accepted(name: str, layer: Envelope) -> Envelope:
    if layer.error_code != 0 and layer.code != 0:
        raise ApiError.of(layer.code, layer.message, name)
    return layer
