"""Credentials and sessions as JSON: what is read, what is kept, what is never shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zaloweb.cookies import Jar
from zaloweb.errors import SettingsError
from zaloweb.session import Api, Credentials, Session
from zaloweb.transport.clock import SystemClock
from zaloweb.wire.settings import Settings

NOW = 1_700_000_000_000
COOKIES = [{"key": "zpw_sek", "value": "secret-cookie", "domain": "chat.zalo.me", "path": "/"}]
EXPORTED = {"imei": "secret-imei", "cookie": COOKIES, "userAgent": "Mozilla/5.0 test", "language": "en"}


def a_session(**more: Any) -> Session:
    given: dict[str, Any] = {
        "credentials": Credentials.from_object(EXPORTED, NOW),
        "uid": "8200000000000000001",
        "secret_key": "secret-key",
        "services": {"chat": ["https://chat1.chat.zalo.me"]},
        "ws_urls": ("wss://ws1-msg.chat.zalo.me",),
        "settings": Settings({"features": {"socket": {"ping_interval": 60_000}}}),
        "extra_ver": {"phonebook": 17},
        "send2me_id": "8200000000000000999",
        "api": Api(24, 670),
    }
    return Session(**{**given, **more})


# Credentials


def test_what_zca_js_exports_is_read() -> None:
    credentials = Credentials.from_json(json.dumps(EXPORTED), NOW)
    assert (credentials.imei, credentials.user_agent) == ("secret-imei", "Mozilla/5.0 test")
    assert credentials.language == "en"
    assert [cookie.name for cookie in credentials.jar] == ["zpw_sek"]


def test_cookies_may_come_from_a_browser_extension() -> None:
    exported = {**EXPORTED, "cookie": {"url": "https://chat.zalo.me", "cookies": COOKIES}}
    assert len(Credentials.from_object(exported, NOW).jar) == 1


@pytest.mark.parametrize("missing", ["imei", "userAgent", "cookie"])
def test_what_is_missing_is_named(missing: str) -> None:
    for value in (None, ""):
        with pytest.raises(SettingsError, match=f"no `{missing}`"):
            Credentials.from_object({**EXPORTED, missing: value}, NOW)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", b"\xff"])
def test_credentials_that_are_no_object(text: str | bytes) -> None:
    with pytest.raises(SettingsError, match="not a JSON object"):
        Credentials.from_json(text, NOW)


def test_a_wrong_type_is_named() -> None:
    with pytest.raises(SettingsError, match="`imei` is not a text"):
        Credentials.from_object({**EXPORTED, "imei": 5}, NOW)


# Sessions


def test_a_session_survives_the_way_out_and_in() -> None:
    session = a_session()
    again = Session.from_json(session.to_json(), NOW)
    assert again.to_json() == session.to_json()
    assert list(again.jar) == list(session.jar)
    assert (again.uid, again.secret_key, again.api) == (session.uid, session.secret_key, Api(24, 670))
    assert again.settings.ping_interval_ms == 60_000


def test_refreshed_cookies_are_part_of_it() -> None:
    session = a_session()
    session.jar.store("https://chat.zalo.me/", ["zpw_sek=new; Domain=chat.zalo.me; Path=/"], NOW)
    again = Session.from_json(session.to_json(), NOW)
    assert again.jar.header("https://chat.zalo.me/", NOW) == "zpw_sek=new"


def test_expired_cookies_are_left_out_when_it_is_read() -> None:
    session = a_session()
    session.jar.store("https://chat.zalo.me/", ["short=1; Max-Age=60; Path=/"], NOW)
    assert len(Session.from_json(session.to_json(), NOW).jar) == 2
    assert len(Session.from_json(session.to_json(), NOW + 60_000).jar) == 1


def test_without_a_time_it_is_read_at_the_time_of_this_machine() -> None:
    session, now_ms = a_session(), SystemClock().now_ms()
    session.jar.store("https://chat.zalo.me/", ["dead=1; Max-Age=60; Path=/"], now_ms - 3_600_000)
    session.jar.store("https://chat.zalo.me/", ["alive=1; Max-Age=3600; Path=/"], now_ms)
    for jar in (Session.from_json(session.to_json()).jar, Credentials.from_json(session.to_json()).jar):
        assert [cookie.name for cookie in jar] == ["zpw_sek", "alive"]


def test_a_saved_session_can_be_used_as_credentials() -> None:
    credentials = Credentials.from_json(a_session().to_json(), NOW)
    assert credentials.imei == "secret-imei"
    assert len(credentials.jar) == 1


def test_a_session_of_another_version_asks_for_a_new_login() -> None:
    saved = {**json.loads(a_session().to_json()), "version": 99}
    with pytest.raises(SettingsError, match="not of version 1: log in again"):
        Session.from_json(json.dumps(saved), NOW)


@pytest.mark.parametrize(("key", "value"), [("uid", 5), ("services", []), ("secretKey", None)])
def test_a_damaged_session_says_where_but_not_what(key: str, value: object) -> None:
    saved = {**json.loads(a_session().to_json()), key: value}
    with pytest.raises(SettingsError, match=rf"damaged \(.*`\$\.{key}`\): log in again") as refused:
        Session.from_json(json.dumps(saved), NOW)
    assert "secret-" not in str(refused.value)


def test_nobody_sees_secrets_by_accident() -> None:
    assert "secret-" not in repr(a_session())
    assert "8200000000000000001" in repr(a_session())


# Settings


def test_settings_of_the_server() -> None:
    settings = Settings(
        {
            "features": {
                "sharefile": {
                    "max_file": 5,
                    "max_size_share_file_v3": 512,
                    "chunk_size_file": 1024,
                    "restricted_ext_file": ["exe", "bat"],
                },
                "socket": {
                    "ping_interval": 90_000,
                    "retries": {"1006": {"max": 4, "times": [1500, 2500]}},
                    "close_and_retry_codes": [1000, 1006],
                    "rotate_error_codes": [1006],
                },
            }
        }
    )
    assert (settings.max_files, settings.max_file_mb, settings.chunk_bytes) == (5, 512, 1024)
    assert settings.refused_extensions == {"exe", "bat"}
    assert settings.ping_interval_ms == 90_000
    assert settings.retries == {"1006": {"max": 4, "times": [1500, 2500]}}
    assert settings.close_and_retry_codes == (1000, 1006)
    assert settings.rotate_error_codes == (1006,)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"features": None},
        {"features": {"sharefile": [], "socket": 5}},
        {"features": {"socket": {"ping_interval": -1, "retries": [], "close_and_retry_codes": "1006"}}},
    ],
)
def test_missing_or_strange_settings_have_defaults(raw: dict[str, Any]) -> None:
    settings = Settings(raw)
    assert settings.ping_interval_ms == 180_000
    assert settings.max_files > 0
    assert settings.chunk_bytes > 0
    assert settings.retries == {}
    assert settings.close_and_retry_codes == ()
    assert settings.refused_extensions == frozenset()


def test_a_jar_in_credentials_is_shown_by_names() -> None:
    assert repr(Credentials("secret-imei", "agent", Jar.from_list(COOKIES, NOW))) == (
        "Credentials(user_agent='agent', jar=Jar(zpw_sek), language='vi')"
    )
