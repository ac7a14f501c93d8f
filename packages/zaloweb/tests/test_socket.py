"""One connection after the other: deadlines, silence, refusals, rubbish, and what is fresh each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from vectors_harness.listening import ENDPOINTS, Play, listening
from vectors_harness.socket_server import Peer
from vectors_harness.vectors import fixture
from zaloweb import BeforeSending, CipherKey, Disconnected, Pong, SessionExpired, Undecodable, UnknownEvent
from zaloweb.realtime.listener import endpoint_url, upgrade_headers
from zaloweb.realtime.socket import ANSWER_S, HANDSHAKE_S, Upgrade
from zaloweb.session import Api
from zaloweb.sim.http_server import Authority
from zaloweb.wire.frames import Cmd, Frame, old_messages, pack
from zaloweb.wire.settings import Settings

PING_S = Settings(fixture()["settings"]).ping_interval_ms / 1000
PONG = pack(Frame(1, Cmd.PING, 1, b"{}"))
SOMETHING = pack(Frame(1, 77, 0, b"{}"))


@pytest.fixture
async def play(authority: Authority, tmp_path: Path) -> AsyncIterator[Play]:
    authority.write(tmp_path / "ca.pem")
    async with listening(authority, tmp_path / "ca.pem") as both_ends:
        yield both_ends


async def disconnected(play: Play) -> Disconnected:
    event = await play.next_event()
    assert isinstance(event, Disconnected)
    return event


async def wait_out(play: Play, gone: Disconnected) -> None:
    assert gone.retry_in_ms is not None
    await play.clock.until_asleep(gone.retry_in_ms / 1000)
    play.clock.advance(gone.retry_in_ms / 1000)


async def one_ping(play: Play, peer: Peer) -> None:
    await play.clock.until_asleep(PING_S)
    play.clock.advance(PING_S)
    await peer.received.get()


async def answered_ping(play: Play) -> Peer:
    """A connection whose server has answered a ping, and then says nothing more."""
    peer = await play.connect_with_key()
    await one_ping(play, peer)
    await peer.push(PONG)
    assert isinstance(await play.next_event(), Pong)
    return peer


async def an_unanswered_ping(play: Play, peer: Peer) -> None:
    await one_ping(play, peer)
    await play.clock.until_asleep(ANSWER_S)
    play.clock.advance(ANSWER_S)


async def test_a_server_that_sends_no_key_is_left_after_the_deadline(play: Play) -> None:
    peer = await play.connect()
    await play.clock.until_asleep(HANDSHAKE_S)
    play.clock.advance(HANDSHAKE_S)
    gone = await disconnected(play)
    assert (gone.code, gone.reason) == (1006, "no key within 30 seconds")
    assert await peer.closed == (1000, "")


async def test_a_server_that_never_answers_the_upgrade_is_left_after_the_deadline(play: Play) -> None:
    play.server.hanging = True
    waiting = asyncio.ensure_future(disconnected(play))
    await play.clock.until_asleep(HANDSHAKE_S)
    play.clock.advance(HANDSHAKE_S)
    assert (await waiting).reason == "no key within 30 seconds"


async def test_the_deadline_is_over_once_the_key_has_come(play: Play) -> None:
    await play.connect_with_key()
    await play.clock.until_asleep(PING_S)
    assert HANDSHAKE_S not in play.clock.asleep


async def test_a_connection_is_told_of_once_however_many_keys_come(play: Play) -> None:
    peer = await play.connect_with_key()
    await peer.give_key(fixture()["cipher_key"])
    await peer.push(SOMETHING)
    told = [await play.next_event(), await play.next_event()]
    assert [type(event) for event in told] == [CipherKey, UnknownEvent]


async def test_a_server_that_stopped_answering_is_asked_and_then_left(play: Play) -> None:
    peer = await answered_ping(play)
    peer.answers_pings = False
    await an_unanswered_ping(play, peer)
    await peer.pinged.wait()
    await play.clock.until_asleep(ANSWER_S)
    play.clock.advance(ANSWER_S)
    gone = await disconnected(play)
    assert (gone.code, gone.reason) == (1006, "the server stopped answering")


async def test_a_silent_server_that_answers_when_asked_is_kept(play: Play) -> None:
    peer = await answered_ping(play)
    await an_unanswered_ping(play, peer)
    await peer.pinged.wait()
    await peer.push(SOMETHING)
    assert isinstance(await play.next_event(), UnknownEvent)
    await play.clock.until_asleep(ANSWER_S)
    play.clock.advance(ANSWER_S)
    await play.clock.until_asleep(PING_S - 2 * ANSWER_S)
    play.clock.advance(PING_S - 2 * ANSWER_S)
    assert await peer.received.get() != b""


async def test_what_was_learnt_of_the_server_counts_from_the_first_ping_of_the_next_connection(
    play: Play,
) -> None:
    first = await answered_ping(play)
    first.cut()
    await wait_out(play, await disconnected(play))
    second = await play.connect_with_key()
    second.answers_pings = False
    await an_unanswered_ping(play, second)
    await second.pinged.wait()
    await play.clock.until_asleep(ANSWER_S)
    play.clock.advance(ANSWER_S)
    assert (await disconnected(play)).reason == "the server stopped answering"


async def test_a_server_that_never_answers_pings_is_not_judged_by_its_silence(play: Play) -> None:
    peer = await play.connect_with_key()
    for _ in range(5):
        await one_ping(play, peer)
    assert not peer.pinged.is_set()


async def test_rubbish_is_told_and_costs_nothing_that_follows(play: Play) -> None:
    peer = await play.connect_with_key()
    for rubbish in (b"", b"\x01", b"\x01\xf5\x01\x00not json", b"\xff" * 50):
        await peer.push(rubbish)
    await peer.push(SOMETHING)
    told = [await play.next_event() for _ in range(4)]
    assert [type(event) for event in told[:3]] == [Undecodable] * 3
    assert not isinstance(told[3], Disconnected)


async def test_texts_mean_nothing_and_a_ping_is_answered(play: Play) -> None:
    peer = await play.connect_with_key()
    await peer.socket.send_str("hello")
    await peer.socket.ping(b"there?")
    assert await peer.ponged.get() == b"there?"


async def test_a_large_frame_arrives_whole(play: Play) -> None:
    peer = await play.connect_with_key()
    body = b'{"text":"' + b"x" * 3_000_000 + b'"}'
    await peer.push(pack(Frame(1, 77, 0, body)))
    event = await play.next_event()
    assert isinstance(event, UnknownEvent)
    assert len(event.body) == len(body)


async def test_time_and_cookies_are_fresh_on_each_connection(play: Play) -> None:
    first = await play.connect_with_key()
    play.cookies.store(
        "https://chat.zalo.me/", ["zpw_sek=renewed; Domain=chat.zalo.me; Path=/"], play.clock.now_ms()
    )
    first.cut()
    await wait_out(play, await disconnected(play))
    second = await play.connect()
    assert int(second.request.query["t"]) > int(first.request.query["t"])
    assert first.request.cookies["zpw_sek"] != "renewed"
    assert second.request.cookies["zpw_sek"] == "renewed"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_connection_refused_for_its_cookies_asks_for_a_login(play: Play, status: int) -> None:
    play.server.refuse = status
    gone = await disconnected(play)
    assert (gone.code, gone.retry_in_ms) == (1006, None)
    assert gone.reason == f"the server refused with HTTP status {status}"
    with pytest.raises(SessionExpired, match=f"status {status}") as caught:
        await play.next_event()
    assert caught.value.help == "log in again"


async def test_a_connection_refused_for_now_is_tried_at_the_next_endpoint(play: Play) -> None:
    play.server.refuse = 503
    gone = await disconnected(play)
    play.server.refuse = None
    await wait_out(play, gone)
    peer = await play.connect()
    assert peer.request.path == urlsplit(ENDPOINTS[1]).path


async def test_an_endpoint_that_is_not_there_is_tried_again_and_again(play: Play) -> None:
    play.server.cutting = True
    for _ in range(3):
        gone = await disconnected(play)
        assert gone.reason.startswith("no connection")
        await wait_out(play, gone)
    play.server.cutting = False
    await play.connect_with_key()


async def test_stopping_closes_with_1000_and_leaves_nothing_behind(play: Play) -> None:
    peer = await play.connect_with_key()
    await play.events.aclose()
    assert await peer.closed == (1000, "")
    assert play.clock.asleep == []


async def test_stopping_while_waiting_to_come_back_leaves_nothing_behind(play: Play) -> None:
    peer = await play.connect_with_key()
    peer.cut()
    await disconnected(play)
    await play.events.aclose()
    assert play.clock.asleep == []


async def test_a_request_without_a_connection_was_not_sent(play: Play) -> None:
    with pytest.raises(BeforeSending):
        await play.listener.request(lambda number: old_messages(group=False, request_number=number))


async def test_request_numbers_go_on_over_connections(play: Play) -> None:
    first = await play.connect_with_key()
    await play.listener.request(lambda number: old_messages(group=False, request_number=number))
    assert b'"req_0"' in await first.received.get()
    first.cut()
    await wait_out(play, await disconnected(play))
    second = await play.connect()
    await play.listener.request(lambda number: old_messages(group=True, request_number=number))
    assert b'"req_1"' in await second.received.get()


def test_an_endpoint_keeps_its_own_query_in_front() -> None:
    assert endpoint_url("wss://ws1.zalo.me", 5, Api()) == "wss://ws1.zalo.me/?t=5&zpw_ver=685&zpw_type=30"
    assert endpoint_url("wss://ws1.zalo.me/a?zpw_ver=1&x=", 5, Api()) == (
        "wss://ws1.zalo.me/a?zpw_ver=1&x=&t=5&zpw_type=30"
    )


def test_an_upgrade_shows_nothing_of_its_cookies() -> None:
    upgrade = Upgrade(
        "wss://ws1.zalo.me", upgrade_headers("Firefox", "zpw_sek=secret"), "http://user:secret@proxy"
    )
    assert "secret" not in repr(upgrade)
    assert "cookie" not in upgrade_headers("Firefox", "")
