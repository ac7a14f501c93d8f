"""Cookies: which go out where, what an answer changes, and the lists they come from and are kept as."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from zaloweb.cookies import Jar
from zaloweb.errors import SettingsError

NOW = 1_700_000_000_000
CHAT = "https://chat.zalo.me/"


def jar_after(url: str, *headers: str) -> Jar:
    jar = Jar()
    jar.store(url, headers, NOW)
    return jar


# What goes out


def test_longer_paths_go_first_then_older_cookies() -> None:
    jar = Jar()
    jar.store(CHAT, ["late=1; Path=/", "deep=2; Path=/api/login"], NOW + 5)
    jar.store(CHAT, ["early=3; Path=/"], NOW + 1)
    assert jar.header("https://chat.zalo.me/api/login/x", NOW + 10) == "deep=2; early=3; late=1"


def test_a_replaced_cookie_keeps_its_place() -> None:
    jar = jar_after(CHAT, "a=1; Path=/", "b=2; Path=/")
    jar.store(CHAT, ["a=new; Path=/"], NOW + 1000)
    assert jar.header(CHAT, NOW + 1000) == "a=new; b=2"


def test_a_domain_cookie_goes_to_sub_domains_and_a_host_only_one_does_not() -> None:
    jar = jar_after(CHAT, "wide=1; Domain=.chat.zalo.me; Path=/", "own=2; Path=/")
    assert jar.header("https://wpa.chat.zalo.me/api", NOW) == "wide=1"
    assert jar.header(CHAT, NOW) == "wide=1; own=2"
    assert jar.header("https://id.zalo.me/", NOW) == ""
    assert jar.header("https://notchat.zalo.me/", NOW) == ""


def test_the_path_of_a_cookie_is_a_whole_step_of_the_path() -> None:
    jar = jar_after(CHAT, "a=1; Path=/api")
    assert jar.header("https://chat.zalo.me/api/x", NOW) == "a=1"
    assert jar.header("https://chat.zalo.me/api", NOW) == "a=1"
    assert jar.header("https://chat.zalo.me/apix", NOW) == ""


def test_without_a_path_the_cookie_is_for_the_folder_of_the_request() -> None:
    jar = jar_after("https://chat.zalo.me/jr/userinfo?x=/y", "a=1")
    assert [cookie.path for cookie in jar] == ["/jr"]


def test_a_secure_cookie_needs_a_secure_connection() -> None:
    jar = jar_after(CHAT, "a=1; Secure; Path=/")
    assert jar.header("wss://chat.zalo.me/", NOW) == "a=1"
    assert jar.header("http://chat.zalo.me/", NOW) == ""
    assert len(jar_after("http://chat.zalo.me/", "a=1; Secure")) == 0


# What is taken


def test_hosts_of_zalo_set_cookies_for_one_another() -> None:
    jar = jar_after("https://id.zalo.me/account/checksession", "zpw_sek=1; Domain=chat.zalo.me; Path=/")
    assert jar.header("https://wpa.chat.zalo.me/", NOW) == "zpw_sek=1"


@pytest.mark.parametrize("domain", ["evil.example", "me", "alo.me", "zalo.me.evil.example"])
def test_a_cookie_for_somebody_else_is_dropped(domain: str) -> None:
    assert len(jar_after(CHAT, f"a=1; Domain={domain}; Path=/")) == 0


def test_other_hosts_set_nothing_for_zalo() -> None:
    assert len(jar_after("https://cdn.example/", "a=1; Domain=zalo.me")) == 0


@pytest.mark.parametrize("header", ["", "nothing", "=1", " ; Path=/", "a=\x01"])
def test_a_header_that_is_no_cookie_is_dropped(header: str) -> None:
    assert len(jar_after(CHAT, header)) == 0


@pytest.mark.parametrize(
    "date",
    [
        "Wed, 18 Mar 2026 08:00:00 GMT",
        "Wednesday, 18-Mar-26 08:00:00 GMT",
        "Wed Mar 18 08:00:00 2026",
    ],
)
def test_dates_are_read_in_all_their_spellings(date: str) -> None:
    (cookie,) = jar_after(CHAT, f"a=1; Expires={date}")
    assert cookie.expires_ms == datetime(2026, 3, 18, 8, tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize("date", ["tomorrow", "Wed, 32 Mar 2026 08:00:00 GMT", "18 Mar 2026", ""])
def test_a_date_that_is_none_makes_a_cookie_of_the_session(date: str) -> None:
    (cookie,) = jar_after(CHAT, f"a=1; Expires={date}")
    assert cookie.expires_ms is None


def test_max_age_wins_over_expires() -> None:
    (cookie,) = jar_after(CHAT, "a=1; Max-Age=60; Expires=Wed, 18 Mar 2026 08:00:00 GMT")
    assert cookie.expires_ms == NOW + 60_000


@pytest.mark.parametrize("end", ["Max-Age=0", "Max-Age=-5", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_an_expired_cookie_removes_the_one_before(end: str) -> None:
    jar = jar_after(CHAT, "a=1; Path=/")
    jar.store(CHAT, [f"a=; Path=/; {end}"], NOW)
    assert len(jar) == 0


def test_a_cookie_that_expires_stops_going_out() -> None:
    jar = jar_after(CHAT, "a=1; Max-Age=10; Path=/")
    assert jar.header(CHAT, NOW + 9_999) == "a=1"
    assert jar.header(CHAT, NOW + 10_000) == ""


def test_what_goes_out_follows_every_change() -> None:
    jar = jar_after(CHAT, "a=1; Path=/; Max-Age=10", "b=2; Path=/")
    assert [jar.header(f"{CHAT}?page={page}", NOW) for page in range(2)] == ["a=1; b=2"] * 2
    jar.store(CHAT, ["b=3; Path=/"], NOW + 1)
    assert jar.header(CHAT, NOW + 1) == "a=1; b=3"
    assert jar.header(CHAT, NOW + 10_000) == "b=3"
    jar.store(CHAT, ["b=; Path=/; Max-Age=0"], NOW + 10_001)
    assert jar.header(CHAT, NOW + 10_001) == ""


def test_changes_are_counted_so_that_a_caller_knows_when_to_write() -> None:
    jar = jar_after(CHAT, "a=1; Path=/")
    before = jar.changes
    jar.store(CHAT, ["a=1; Path=/"], NOW + 1)
    assert jar.changes == before
    jar.store(CHAT, ["a=2; Path=/"], NOW + 2)
    assert jar.changes == before + 1


# Lists


def test_a_list_survives_the_way_out_and_in() -> None:
    jar = jar_after(
        CHAT,
        "zpw_sek=s; Domain=chat.zalo.me; Path=/; Expires=Wed, 18 Mar 2026 08:00:00 GMT; Secure; HttpOnly",
        "own=1; Path=/jr",
    )
    again = Jar.from_list(jar.to_list(), NOW)
    assert list(again) == list(jar)
    assert again.to_list()[0] == {
        "key": "zpw_sek",
        "value": "s",
        "domain": "chat.zalo.me",
        "path": "/",
        "secure": True,
        "httpOnly": True,
        "hostOnly": False,
        "expires": "2026-03-18T08:00:00.000Z",
        "creation": "2023-11-14T22:13:20.000Z",
        "lastAccessed": "2023-11-14T22:13:20.000Z",
    }


def test_a_cookie_without_end_may_say_infinity() -> None:
    (cookie,) = Jar.from_list([{"key": "a", "value": "1", "expires": "Infinity"}], NOW)
    assert cookie.expires_ms is None


@pytest.mark.parametrize(
    "end",
    [
        {"expirationDate": 1_800_000_000.5},
        {"expires": 1_800_000_000.5},
        {"expires": 1_800_000_000_500},
        {"expires": "2027-01-15T08:00:00.500Z"},
    ],
)
def test_browsers_write_the_end_of_a_cookie_in_many_ways(end: dict[str, Any]) -> None:
    (cookie,) = Jar.from_list([{"name": "a", "value": "1", **end}], NOW)
    assert cookie.expires_ms == 1_800_000_000_500


def test_minus_one_stands_for_the_session() -> None:
    (cookie,) = Jar.from_list([{"name": "a", "value": "1", "expires": -1}], NOW)
    assert cookie.expires_ms is None


@pytest.mark.parametrize(
    ("exported", "complaint"),
    [
        ("a=1", "expected a list"),
        ({"url": "https://chat.zalo.me"}, "expected a list"),
        (["a=1"], "entry 1 is not an object"),
        ([{"name": "a", "value": "1"}, {"value": "secret"}], "entry 2 has no name"),
        ([{"name": "a", "value": 5}], "`value` of entry 1 is not a text"),
        ([{"name": "a", "value": "secret\r\nHost: evil"}], "characters that no cookie can have"),
    ],
)
def test_a_list_that_is_none_is_refused_without_showing_values(exported: object, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as refused:
        Jar.from_list(exported, NOW)
    assert "secret" not in str(refused.value)


def test_nobody_sees_values_by_accident() -> None:
    jar = jar_after(CHAT, "zpsid=secret; Path=/")
    assert repr(jar) == "Jar(zpsid)"
    assert "secret" not in repr(list(jar))
