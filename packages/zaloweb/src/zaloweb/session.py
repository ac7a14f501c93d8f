"""The credentials of a device, and the session that a login makes from them.

Both are read from JSON. The credentials are what zca-js exports, `{imei, cookie, userAgent, language}`; a
session is that object with more in it, so a saved session can be used wherever credentials are read.
"""

from __future__ import annotations

import codecs
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from zaloweb.cookies import Jar
from zaloweb.errors import ProtocolError, SettingsError
from zaloweb.wire import envelope
from zaloweb.wire.hosts import Hosts
from zaloweb.wire.services import filter_services
from zaloweb.wire.settings import Settings

DEFAULT_LANGUAGE = "vi"
API_TYPE = 30
API_VERSION = 685
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Api:
    """The client we claim to be: 30 is the web, and the version of its API."""

    type: int = API_TYPE
    version: int = API_VERSION


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything a login needs. The imei, the cookies and the user agent belong together."""

    imei: str = field(repr=False)
    user_agent: str
    jar: Jar
    language: str = DEFAULT_LANGUAGE

    @classmethod
    def from_json(cls, data: bytes | str, now_ms: int | None = None) -> Credentials:
        """From an export of zca-js or a saved session. Raises `SettingsError`.

        Cookies that have expired at `now_ms`, by default this machine's time, are left out.
        """
        return cls.from_object(_object(data, "the credentials"), now_ms)

    @classmethod
    def from_object(cls, data: dict[str, Any], now_ms: int | None = None) -> Credentials:
        """From the decoded JSON. Raises a `SettingsError` that names what is missing."""
        cookies = data.get("cookie", data.get("cookies"))
        if not cookies:
            raise SettingsError(
                "the credentials have no `cookie`: export imei, cookie and userAgent together"
            )
        return cls(
            imei=_required(data, "imei"),
            user_agent=_required(data, "userAgent"),
            jar=Jar.from_list(cookies, time.time_ns() // 1_000_000 if now_ms is None else now_ms),
            language=_text(data, "language") or DEFAULT_LANGUAGE,
        )


@dataclass(frozen=True, slots=True)
class Session:
    """A successful login. Only its cookies change, in the `jar` of its credentials."""

    credentials: Credentials
    uid: str
    secret_key: str = field(repr=False)
    """The key of all calls, base64 (`zpw_enk`)."""
    services: dict[str, list[str]] = field(repr=False)
    """The base addresses of each service (`zpw_service_map_v3`); the first one is used."""
    ws_urls: tuple[str, ...] = field(repr=False)
    settings: Settings = field(repr=False)
    extra_ver: dict[str, Any] = field(default_factory=dict, repr=False)
    send2me_id: str = ""
    """The thread of the account with itself."""
    api: Api = Api()
    left_out: dict[str, str] = field(default_factory=dict)
    """Services (and `socket`) with an address that is not Zalo's, each with the reason."""

    @property
    def jar(self) -> Jar:
        return self.credentials.jar

    def to_json(self) -> bytes:
        """The whole session, secrets included, as `from_json` reads it."""
        held = self.credentials
        return msgspec.json.encode(
            {
                "version": _FORMAT,
                "imei": held.imei,
                "userAgent": held.user_agent,
                "language": held.language,
                "cookie": held.jar.to_list(),
                "uid": self.uid,
                "secretKey": self.secret_key,
                "services": self.services,
                "wsUrls": self.ws_urls,
                "settings": self.settings.raw,
                "extraVer": self.extra_ver,
                "send2meId": self.send2me_id,
                "apiType": self.api.type,
                "apiVersion": self.api.version,
                "leftOut": self.left_out,
            }
        )

    @classmethod
    def from_json(
        cls, data: bytes | str, now_ms: int | None = None, *, hosts: Hosts | None = None
    ) -> Session:
        """A saved session. Raises `SettingsError`.

        Cookies that have expired at `now_ms`, by default this machine's time, are left out, and so are
        addresses that are not under `hosts`.
        """
        saved = _object(data, "the saved session")
        if saved.get("version") != _FORMAT:
            raise SettingsError(f"the saved session is not of version {_FORMAT}: log in again")
        try:
            held = msgspec.convert(saved, _Saved)
        except msgspec.ValidationError as error:
            raise SettingsError(f"the saved session is damaged ({error}): log in again") from None
        places = filter_services(held.services, held.ws_urls, hosts or Hosts())
        return cls(
            credentials=Credentials.from_object(saved, now_ms),
            uid=held.uid,
            secret_key=held.secret_key,
            services=places.services,
            ws_urls=places.ws_urls,
            settings=Settings(held.settings),
            extra_ver=held.extra_ver,
            send2me_id=held.send2me_id,
            api=Api(held.api_type, held.api_version),
            left_out={**held.left_out, **places.left_out},
        )


class _Saved(msgspec.Struct, rename="camel"):
    uid: str
    secret_key: str
    services: dict[str, list[str]]
    ws_urls: tuple[str, ...]
    settings: dict[str, Any]
    extra_ver: dict[str, Any] = {}
    send2me_id: str = ""
    api_type: int = API_TYPE
    api_version: int = API_VERSION
    left_out: dict[str, str] = {}


msgspec.json.Decoder(_Saved)
"""Reads the type: msgspec (0.22) crashes where several threads do so at the first `convert`."""


def _object(data: bytes | str, what: str) -> dict[str, Any]:
    try:
        decoded = envelope.decode(what, _without_mark(data), object)
    except (ProtocolError, UnicodeDecodeError):
        decoded = None
    if not isinstance(decoded, dict):
        raise SettingsError(f"{what}: this is not a JSON object")
    return decoded


def _without_mark(data: bytes | str) -> bytes | str:
    """The text behind a byte order mark; editors of Windows write one, and some write UTF-16 behind it."""
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.removeprefix(codecs.BOM_UTF8)


def _required(data: dict[str, Any], key: str) -> str:
    found = _text(data, key)
    if not found:
        raise SettingsError(f"the credentials have no `{key}`: export imei, cookie and userAgent together")
    return found


def _text(data: dict[str, Any], key: str) -> str:
    found = data.get(key)
    if found is None or isinstance(found, str):
        return found or ""
    raise SettingsError(f"the credentials: `{key}` is not a text")
