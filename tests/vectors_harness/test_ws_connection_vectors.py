"""The recorded cases of connecting, pinging, asking and closing, played against our listener over TLS."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from vectors_harness.listening import ENDPOINTS, Play, listening
from vectors_harness.socket_server import Peer
from vectors_harness.vectors import Case, fixture
from zaloweb.errors import Kicked, Replaced
from zaloweb.events import CipherKey, Connected, Disconnected, Duplicate, Event, Message, Undecodable
from zaloweb.sim.http_server import Authority
from zaloweb.wire import frames
from zaloweb.wire.reconnect import RetryTable
from zaloweb.wire.settings import Settings

SETTINGS = Settings(fixture()["settings"])
PING_S = SETTINGS.ping_interval_ms / 1000
TABLE = RetryTable.from_settings(SETTINGS)
GIVEN_BACK: dict[int, type[Exception]] = {3000: Replaced, 3003: Kicked}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.write(path)
    return path


# Connecting


@pytest.mark.family("ws-events", kind="connect")
async def test_upgrade(case: Case, authority: Authority, ca_file: Path) -> None:
    expected = case["upgrade"]
    async with listening(authority, ca_file, (endpoint_of(case),)) as play:
        peer = await play.connect_with_key()
        assert case["emitted"] == [{"event": "connected", "args": []}]
        assert peer.request.path == expected["path"]
        assert peer.query == expected["query"]
        assert headers_of(peer) == recorded_headers(expected["headers"], peer)
        assert list(peer.request.cookies) == expected["cookie_names"]
        assert peer.received.empty()


def endpoint_of(case: Case) -> str:
    """The endpoint whose own query is what stands in front of the time in the recorded one."""
    names = [name for name, _ in case["upgrade"]["query"]]
    own = case["upgrade"]["query"][: names.index("t")]
    return ENDPOINTS[0] + ("?" + "&".join(f"{name}={value}" for name, value in own) if own else "")


def headers_of(peer: Peer) -> dict[str, str]:
    return {name.lower(): value for name, value in peer.request.headers.items()}


def recorded_headers(headers: list[list[str]], peer: Peer) -> dict[str, str]:
    """The recorded headers, where three depend on the place and the dice."""
    recorded = {name.lower(): value for name, value in headers}
    recorded["host"] = peer.request.host
    recorded["cookie"] = "; ".join(f"{name}={value}" for name, value in peer.request.cookies.items())
    recorded["sec-websocket-key"] = peer.request.headers["sec-websocket-key"]
    assert peer.request.host == urlsplit(ENDPOINTS[0]).hostname
    return recorded


# What the client sends


@pytest.mark.family("ws-events", kind="outgoing")
async def test_outgoing(case: Case, authority: Authority, ca_file: Path) -> None:
    steps = PINGS.get(case.name.removeprefix("ws-events/")) or (ask if "calls" in case else None)
    if steps is None:
        pytest.skip("the recording does not say what was done")
    async with listening(authority, ca_file) as play:
        peer, sent = await steps(play, case)
        expected = case["sent"] or []
        assert [frame.hex() for frame in sent] == [frame["hex"] for frame in expected]
        assert peer.received.empty()


async def ask(play: Play, case: Case) -> tuple[Peer, list[bytes]]:
    """Connect, and make the recorded requests."""
    peer = await play.connect()
    for call in case["calls"]:
        await request(play, call["fn"], call["args"])
    return peer, [await peer.received.get() for _ in case["calls"]]


async def request(play: Play, name: str, args: list[Any]) -> None:
    if name == "sendWs":
        await play.listener.request(lambda n: custom(args[0], n))
        return
    builder = {"requestOldMessages": frames.old_messages, "requestOldReactions": frames.old_reactions}[name]
    group, last_id = args[0] == 1, args[1] if len(args) > 1 else None
    await play.listener.request(lambda n: builder(group=group, request_number=n, last_id=last_id))


def custom(frame: dict[str, Any], number: int) -> bytes:
    payload = {**frame["data"], "req_id": f"req_{number}"}
    return frames.request(frame["cmd"], frame["subCmd"], payload)


async def three_pings(play: Play, case: Case) -> tuple[Peer, list[bytes]]:
    peer = await play.connect_with_key()
    return peer, [await ping(play, peer) for _ in case["sent"]]


async def no_key(play: Play, _: Case) -> tuple[Peer, list[bytes]]:
    peer = await play.connect()
    assert PING_S not in play.clock.asleep
    return peer, []


async def second_key(play: Play, case: Case) -> tuple[Peer, list[bytes]]:
    key = case["emitted"][-1]["args"][0]
    peer = await play.connect_with_key()
    await peer.give_key(key)
    assert told(await play.next_event()) == ("cipher_key", [key])
    sent = [await ping(play, peer)]
    assert play.clock.asleep.count(PING_S) <= 1
    return peer, sent


async def requests_around_a_ping(play: Play, _: Case) -> tuple[Peer, list[bytes]]:
    peer = await play.connect_with_key()
    await request(play, "requestOldMessages", [0])
    sent = [await peer.received.get(), await ping(play, peer)]
    await request(play, "requestOldMessages", [0])
    return peer, [*sent, await peer.received.get()]


async def ping(play: Play, peer: Peer) -> bytes:
    """Move the clock by one interval, and take what comes."""
    await play.clock.until_asleep(PING_S)
    play.clock.advance(PING_S)
    return await peer.received.get()


PINGS = {
    "ping/three": three_pings,
    "ping/none-before-key": no_key,
    "ping/second-key-restarts": second_key,
    "request/ping-takes-no-number": requests_around_a_ping,
}


# Closing


@pytest.mark.family("ws-events", kind="close")
async def test_close(case: Case, authority: Authority, ca_file: Path) -> None:
    async with listening(authority, ca_file) as play:
        await SCENES.get(case.name.removeprefix("ws-events/close/"), one_close)(play, case)


async def one_close(play: Play, case: Case) -> None:
    """The server closes once: the event told is the recorded one, the table waits as the reference did."""
    code, reason = case["server_closes_with"]["code"], case["server_closes_with"]["reason"]
    peer = await play.connect_with_key()
    await peer.close(code, reason)
    gone = await closed(play)
    assert told(gone) == (case["emitted"][0]["event"], case["emitted"][0]["args"])
    if case["retry_on_close"]:
        assert [TABLE.delay_ms(code)] == (case["retry_after_ms"] or [None])
    await goes_on(play, gone)


async def rounds(play: Play, case: Case) -> None:
    """The server closes again and again: the table waits and rotates as the reference did."""
    counters: dict[int, int] = {}
    rotations = 0
    for step in case["rounds"]:
        code = step["server_closes_with"]["code"]
        peer = await play.connect_with_key()
        await peer.close(code)
        gone = await closed(play)
        assert told(gone) == (step["emitted"][0]["event"], step["emitted"][0]["args"])
        already = counters.get(code, 0)
        assert [TABLE.delay_ms(code, already)] == (step["retry_after_ms"] or [None])
        if "reconnects_to" in step:
            rotations += TABLE.rotates(code, rotations, len(ENDPOINTS))
            assert urlsplit(ENDPOINTS[rotations]).path == step["reconnects_to"]["path"]
        counters[code] = already + 1
        if not await goes_on(play, gone):
            return


async def key_again(play: Play, case: Case) -> None:
    """A key ends with its connection: the same frame cannot be read before the new key has come."""
    frame = bytes.fromhex(case["frame"]["header_hex"]) + case["frame"]["body_text"].encode()
    first = await play.connect_with_key()
    first.cut()
    heard = [await closed(play)]
    await goes_on(play, heard[0])
    second = await play.connect()
    await second.push(frame)
    heard.append(await play.next_event())
    await second.give_key(fixture()["cipher_key"])
    heard += [await play.next_event(), await play.next_event()]
    await second.push(frame)
    heard.append(await play.next_event())
    words = [told(event)[0] for event in heard]
    assert words == ["disconnected", "error", "cipher_key", "connected", "message"]
    assert sorted(words) == sorted(step["event"] for step in case["emitted"])
    assert isinstance(heard[-1], Message)
    assert heard[-1].text == case["emitted"][-1]["args"][0]["data"]["content"]
    await request(play, "requestOldMessages", [0])
    assert (await second.received.get()).hex() == case["sent"][0]["hex"]


async def duplicate(play: Play, case: Case) -> None:
    """The server tells of another client: ours closes with 3000 and gives the account back."""
    peer = await play.connect_with_key()
    frame = case["frame"]
    await peer.push(bytes.fromhex(frame["header_hex"]) + frame["body_text"].encode())
    assert isinstance(await play.next_event(), Duplicate)
    gone = await closed(play)
    assert told(gone) == (case["emitted"][0]["event"], case["emitted"][0]["args"])
    assert not await goes_on(play, gone)
    assert await peer.closed == close_of(case)


async def stop(play: Play, case: Case) -> None:
    peer = await play.connect_with_key()
    await play.events.aclose()
    assert await peer.closed == close_of(case)
    assert play.clock.asleep == []


async def start_twice(play: Play, _: Case) -> None:
    """Asking for events while connected ends the first connection instead of being refused."""
    first = await play.connect_with_key()
    await play.restart()
    await play.connect()
    assert (await first.closed)[0] == 1000


async def stop_and_start(play: Play, case: Case) -> None:
    await play.connect_with_key()
    await play.restart()
    peer = await play.connect()
    assert peer.request.path == case["reconnects_to"]["path"]
    assert peer.query == case["reconnects_to"]["query"]


SCENES = {
    "retry-until-exhausted": rounds,
    "rotates-on-3003": rounds,
    "key-again-after-reconnect": key_again,
    "duplicate-frame": duplicate,
    "duplicate-frame-retry": duplicate,
    "stop": stop,
    "start-twice": start_twice,
    "stop-and-start": stop_and_start,
}


async def closed(play: Play) -> Disconnected:
    event = await play.next_event()
    assert isinstance(event, Disconnected)
    return event


async def goes_on(play: Play, gone: Disconnected) -> bool:
    """Whether the client comes back; moves the clock on to when it does. It comes back unless the account is
    lost.
    """
    if gone.code in GIVEN_BACK:
        assert gone.retry_in_ms is None
        with pytest.raises(GIVEN_BACK[gone.code]):
            await play.next_event()
        return False
    assert gone.retry_in_ms is not None
    assert gone.retry_in_ms >= (TABLE.delay_ms(gone.code) or 0)
    await play.clock.until_asleep(gone.retry_in_ms / 1000)
    play.clock.advance(gone.retry_in_ms / 1000)
    return True


def close_of(case: Case) -> tuple[int, str]:
    return case["client_closes_with"]["code"], case["client_closes_with"]["reason"]


def told(event: Event) -> tuple[str, list[Any]]:
    """Our event in the words of the recordings."""
    match event:
        case Connected():
            return "connected", []
        case CipherKey(key):
            return "cipher_key", [b64encode(key).decode()]
        case Disconnected(code, reason):
            return "disconnected", [code, reason]
        case Undecodable():
            return "error", []
        case Message():
            return "message", []
    raise AssertionError(f"the recordings have no word for {event}")
