"""What is decided at the borders of the client: addresses, statuses, limits, cookies, senseless calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from zaloweb import (
    Credentials,
    Hosts,
    HttpStatusError,
    InvalidRequest,
    ProtocolError,
    Session,
    SessionExpired,
    SessionRefused,
    Settings,
    SettingsError,
    Sticker,
    Thread,
    ThreadKind,
    TryLater,
    UploadedFile,
    UploadedGif,
    UploadedImage,
)
from zaloweb.calls import friends, group_admin, links, media, mute, reactions, receipts, stickers, undo
from zaloweb.calls.account import KeepAlive
from zaloweb.calls.friends import Onlines
from zaloweb.calls.groups import Group, GroupDetails, GroupVersions
from zaloweb.calls.links import Preview
from zaloweb.calls.media import SendOptions
from zaloweb.calls.messages import Sent
from zaloweb.calls.mute import Mutes
from zaloweb.cookies import Jar
from zaloweb.transport.http import retry_after
from zaloweb.transport.network import is_public
from zaloweb.wire.envelope import Envelope, decode
from zaloweb.wire.hosts import ZALO_SUFFIXES, shown

NOW = 1_700_000_000_000
NOBODY = [Thread(ThreadKind.USER, ""), Thread(ThreadKind.GROUP, "")]


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://chat.zalo.me",
        "https://tt-files-wpa.chat.zalo.me",
        "https://zalo.me/pc",
        "https://chat.zalo.me:443/a?b=c",
        "https://CHAT.ZALO.ME",
        "https://chat.zalo.me?x=1",
        *(f"https://a.{suffix}" for suffix in ZALO_SUFFIXES),
    ],
)
def test_addresses_of_zalo(url: str) -> None:
    assert Hosts().refusal(url) == ""
    assert Hosts().refusal(url.replace("https", "wss", 1), "wss") == ""
    assert Hosts().refusal(url, "wss")


def test_every_suffix_of_the_table_has_a_source() -> None:
    assert all(len(source) > 20 for source in ZALO_SUFFIXES.values())


def test_an_operator_may_add_hosts() -> None:
    hosts = Hosts(["zaloapp.example"])
    assert hosts.refusal("https://a.zaloapp.example") == ""
    assert hosts.refusal("https://azaloapp.example")
    assert hosts.refusal("http://a.zaloapp.example")


@pytest.mark.parametrize(
    "suffix", ["", "com", "https://a.vn", "a.vn:8443", "a.vn/x", "*.vn", "127.0.0.1", "[::1]"]
)
def test_what_is_no_host_cannot_be_added(suffix: str) -> None:
    with pytest.raises(SettingsError, match="is no host"):
        Hosts([suffix])


def test_what_is_shown_of_an_address_is_no_secret_and_one_line() -> None:
    assert shown("https://user:secret@evil.example/secret?secret#secret") == "https://…@evil.example"
    assert shown("https://evil.example/\n") == "https://evil.example"
    assert "\n" not in shown("ht\ntp://a\nb")
    assert len(shown("https://" + "a" * 10_000)) < 120


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "no address",
    ],
)
def test_addresses_that_are_near(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(address)


# Statuses


@pytest.mark.parametrize("status", [408, 429, 503])
def test_some_statuses_mean_later(status: int) -> None:
    error = HttpStatusError.of_status("send", status, 7)
    assert isinstance(error, TryLater)
    assert (error.retry_in_s, error.retryable, error.status) == (7, True, status)


@pytest.mark.parametrize("status", [401, 403])
def test_some_statuses_mean_the_session(status: int) -> None:
    error = HttpStatusError.of_status("send", status)
    assert isinstance(error, SessionRefused)
    assert isinstance(error, SessionExpired)
    assert (error.status, error.code, error.retryable) == (status, None, False)
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [300, 400, 404, 418, 500, 502, 504])
def test_the_other_statuses_are_what_they_were(status: int) -> None:
    assert type(HttpStatusError.of_status("send", status)) is HttpStatusError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 5 ", 5),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_how_long_to_wait(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    "wanted", ["0", "9" * 5000, "Tue, 14 Nov 1923 22:14:20 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_waits_are_clamped(wanted: str) -> None:
    error = TryLater("send", 429, retry_after(wanted, NOW))
    assert 1 <= error.retry_in_s <= 3600


# Settings


@pytest.mark.parametrize(
    ("told", "milliseconds"),
    [(1, 10_000), (9_999, 10_000), (180_000, 180_000), (10**12, 3_600_000), (10**4000, 3_600_000)],
)
def test_the_ping_interval_is_clamped(told: int, milliseconds: int) -> None:
    assert Settings({"features": {"socket": {"ping_interval": told}}}).ping_interval_ms == milliseconds


@pytest.mark.parametrize("told", [0, -1, True, "60000", None, [], 1.5])
def test_a_ping_interval_that_is_none_is_the_usual_one(told: object) -> None:
    assert Settings({"features": {"socket": {"ping_interval": told}}}).ping_interval_ms == 180_000


def test_the_other_numbers_are_clamped_too() -> None:
    file = {"max_file": 10**30, "max_size_share_file_v3": 10**30, "chunk_size_file": 1}
    settings = Settings({"features": {"sharefile": file}})
    assert (settings.max_files, settings.max_file_mb, settings.chunk_bytes) == (1000, 16 * 1024, 1000)


# Texts of the server


@pytest.mark.parametrize(
    "code", [f'"{"9" * 5000}"', "1e999", '"--1"', '"1.5"', "[]", "null", '"②"', "9" * 4000, '"-"']
)
def test_an_odd_error_code_is_an_error_and_no_escape(code: str) -> None:
    try:
        layer = decode("x", f'{{"error_code":{code}}}', Envelope)
    except ProtocolError:
        return
    assert layer.code != 0


def test_a_message_of_the_server_is_one_short_line() -> None:
    message = Envelope(1, "a\r\n\x1b[2J\x9b\u2028b" + "c" * 10_000).message
    assert len(message) <= 200
    assert message.isprintable()


@pytest.mark.parametrize("shape", [KeepAlive, Onlines, GroupDetails, GroupVersions, Mutes])
def test_null_where_an_object_was_expected_is_an_empty_one(shape: type[Any]) -> None:
    assert decode("x", b"null", shape) == shape()


def test_null_where_a_list_was_expected_is_an_empty_one() -> None:
    assert decode("x", '{"onlines":null,"predefine":null}', Onlines) == Onlines()
    assert decode("x", '{"gridInfoMap":null,"removedsGroup":null}', GroupDetails) == GroupDetails()
    assert decode("x", '{"gridVerMap":null}', GroupVersions).ids == ()
    assert decode("x", "null", list[int]) == []


@pytest.mark.parametrize("text", ['{"onlines":5}', '{"onlines":{}}', "5", '"x"', "[]"])
def test_what_has_another_shape_is_still_an_error(text: str) -> None:
    with pytest.raises(ProtocolError, match="another shape"):
        decode("x", text, Onlines)


# Credentials


def exported(cookies: object) -> dict[str, object]:
    return {"imei": "device", "userAgent": "agent", "cookie": cookies}


GOOD = {"name": "zpw_sek", "value": "x", "domain": "chat.zalo.me", "path": "/"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_credentials_that_an_editor_of_windows_saved(encoding: str) -> None:
    data = json.dumps(exported([GOOD])).encode(encoding)
    assert Credentials.from_json(data, NOW).imei == "device"


def test_a_mark_before_a_text() -> None:
    assert Credentials.from_json("\ufeff" + json.dumps(exported([GOOD])), NOW).imei == "device"


@pytest.mark.parametrize(
    "data", [b"\xff\xfe{", b"\xff\xfe\x00", b"[" * 100_000, b'{"imei":' + b"9" * 5000 + b"}"]
)
def test_a_broken_file_is_a_settings_error(data: bytes) -> None:
    for read in (Credentials.from_json, Session.from_json):
        with pytest.raises(SettingsError):
            read(data, NOW)


@pytest.mark.parametrize(
    "odd",
    [
        {"name": "n", "value": 1, "domain": ".other.example"},
        {"value": "x", "domain": "other.example"},
        {"name": "a\r\nb", "value": "x", "domain": "other.example"},
        {"name": "n", "value": "x", "domain": 5},
        {"name": "n", "value": "x", "domain": "https://[::1"},
        {"name": "n", "value": "x", "domain": "notzalo.me"},
        {"name": "n", "value": "x", "domain": "zalo.me.evil.example"},
        {"name": "n", "value": "x", "domain": "https://evil.example/zalo.me"},
        {"name": 5, "value": [], "domain": "x", "path": 7, "expires": {}},
    ],
)
def test_cookies_of_other_sites_are_left_out_however_odd(odd: dict[str, object]) -> None:
    assert [one.domain for one in Jar.from_list([odd, GOOD, odd], NOW)] == ["chat.zalo.me"]


@pytest.mark.parametrize(
    "domain",
    [
        ".chat.zalo.me",
        "CHAT.zalo.me",
        "https://chat.zalo.me/",
        "chat.zalo.me:443",
        "chat.zalo.me.",
        " chat.zalo.me",
    ],
)
def test_a_domain_in_many_spellings(domain: str) -> None:
    (cookie,) = Jar.from_list([{**GOOD, "domain": domain}], NOW)
    assert cookie.domain == "chat.zalo.me"


END = int(datetime(2027, 1, 15, 8, tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    "end",
    [
        {"expires": "Fri, 15 Jan 2027 08:00:00 GMT"},
        {"expires": "Friday, 15-Jan-27 08:00:00 GMT"},
        {"expires": "1800000000"},
        {"expires": " 1800000000 "},
        {"expires": "1800000000.0"},
        {"expires": "1800000000000"},
        {"expirationDate": "1800000000"},
        {"expires": None, "expirationDate": 1_800_000_000},
        {"expires": "2027-01-15T08:00:00Z", "expirationDate": None},
    ],
)
def test_the_end_of_a_cookie_in_many_spellings(end: dict[str, object]) -> None:
    (cookie,) = Jar.from_list([{**GOOD, **end}], NOW)
    assert cookie.expires_ms == END


@pytest.mark.parametrize(
    "end", [None, "", "null", "Session", "Infinity", "-1", 0, "0", True, [], {}, "9" * 5000]
)
def test_an_end_that_is_none(end: object) -> None:
    (cookie,) = Jar.from_list([{**GOOD, "expires": end}], NOW)
    assert cookie.expires_ms is None


def test_an_end_far_away_is_no_overflow() -> None:
    for end in (10**400, "9" * 19, "9999-12-31T23:59:59-14:00", 1e308):
        (cookie,) = Jar.from_list([{**GOOD, "expires": end, "creation": "0001-01-01T00:00:00+14:00"}], NOW)
        assert Jar.from_list(Jar([cookie]).to_list(), NOW).header("https://chat.zalo.me/", NOW) == "zpw_sek=x"


def test_a_server_cannot_fill_the_jar() -> None:
    jar = Jar()
    for number in range(2000):
        jar.store("https://chat.zalo.me/", [f"c{number}=1", f"big{number}={'x' * 5000}"], NOW + number)
    assert len(jar) == 300


# Calls that make no sense


FILE = UploadedFile("1", "https://a.zdn.vn/f", "a.txt", "txt", 5, "md5", 1)
IMAGE = UploadedImage("1", "https://a", "https://a", "https://a", 5)
MESSAGE = Sent("1", "2")
TO_A_THREAD: list[Callable[[Thread], object]] = [
    lambda to: receipts.typing(to, imei="i"),
    lambda to: media.send_file(to, FILE, SendOptions()),
    lambda to: media.send_image(to, IMAGE, SendOptions(), client_id=1),
    lambda to: media.send_voice(to, "https://a", 1, ttl_ms=0, client_id=1, imei="i"),
    lambda to: stickers.send_sticker(to, Sticker(1, 1, 1), client_id=1, imei="i"),
    lambda to: links.send_link(to, "https://a", Preview(), text="", ttl_ms=0, client_id=1, imei="i"),
    lambda to: reactions.react(to, MESSAGE, reactions.ICONS["HEART"], client_id=1, imei="i"),
    lambda to: mute.mute(to, 5, now_ms=NOW, imei="i"),
    lambda to: undo.undo(to, MESSAGE, client_id=1, imei="i"),
]


@pytest.mark.parametrize("nobody", NOBODY)
@pytest.mark.parametrize("call", TO_A_THREAD)
def test_nothing_goes_to_nobody(call: Callable[[Thread], object], nobody: Thread) -> None:
    with pytest.raises(InvalidRequest, match="needs a thread"):
        call(nobody)


@pytest.mark.parametrize("ids", [[], [""], ["1", ""], "123"])
def test_groups_are_made_of_people(ids: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="ids of people"):
        group_admin.create("name", ids, client_id=1, language="vi", imei="i")
    with pytest.raises(InvalidRequest, match="ids of people"):
        group_admin.add("1", ids, language="vi", imei="i")
    with pytest.raises(InvalidRequest, match="ids of people"):
        group_admin.remove("1", ids, imei="i")


@pytest.mark.parametrize("size", [0, -1])
def test_a_file_has_a_size(size: int) -> None:
    to = Thread(ThreadKind.USER, "1")
    with pytest.raises(InvalidRequest, match="needs its size"):
        media.send_file(to, UploadedFile("1", "u", "a.txt", "txt", size, "md5", 1), SendOptions())
    with pytest.raises(InvalidRequest, match="needs its size"):
        media.send_image(to, UploadedImage("1", "a", "a", "a", size), SendOptions(), client_id=1)
    gif = UploadedGif("a", "a.gif", size, "md5", None)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="needs its size"):
        media.send_gif(to, gif, SendOptions(), client_id=1)


def test_pages_and_sizes_of_pictures_are_parameters() -> None:
    assert (friends.all_friends("i", page=3, count=5, avatar_size=240).params or {})["avatar_size"] == 240
    for page, count in ((0, 5), (1, 0), (-1, 5)):
        with pytest.raises(InvalidRequest, match="count from 1"):
            friends.all_friends("i", page=page, count=count)


# Groups


def test_a_group_that_hides_members_says_how_many() -> None:
    group = Group(group_id="1", total_member=339, mem_ver_list=["1_0", "2_0", "3_0"])
    assert (len(group.members()), group.hidden) == (3, 336)
    assert Group(group_id="1", total_member=None, mem_ver_list=["1_0"]).hidden == 0
    assert Group(group_id="1", total_member=1, mem_ver_list=["1_0", "2_0"]).hidden == 0
