"""How long decoding a recorded frame to typed events takes, beside the floor of its parts.

The floor is what cannot be left out, with the quickest tool for each part and nothing around it: the
envelope's JSON, undoing percent-escapes, base64, AES-GCM, inflating, and the inner JSON read without types.
Decoding may take twice that.

Both are CPU time of this thread, so that waiting for a processor does not count. They are taken by turns and
the quickest round of each counts: another process that fills the caches makes a round longer, never shorter.
The rounds are short, so that some of them are not interrupted even on a busy machine.
"""

from __future__ import annotations

import binascii
import json
import time
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.figure import Figure
from zaloweb.events import Decoder, Message, Notice
from zaloweb.wire.cipher import seal_event
from zaloweb.wire.frames import Frame, pack

VECTORS = Path(__file__).parent.parent / "tests" / "vectors"
ROUNDS, REPEATS = 1500, 4
AIM, LIMIT = 1.5, 2.0


def run() -> Iterator[Figure]:
    """How many times its floor decoding takes, for each frame."""
    for name, frame, key in frames():
        yield timed(name, frame, key)


def frames() -> list[tuple[str, bytes, bytes]]:
    """Recorded frames of one message, and all recorded messages of a kind together in one frame."""
    key = b64decode(json.loads((VECTORS / "fixture.json").read_text("utf-8"))["cipher_key"])
    cases = json.loads((VECTORS / "ws-events.json").read_text("utf-8"))["cases"]
    named = {case["name"]: case["frames"][0] for case in cases if case["kind"] == "incoming"}
    single = ["in/dm/text/newline", "in/group/mention-and-quote", "in/dm/photo", "in/group/file"]
    recorded = [(name, recorded_bytes(named[f"ws-events/{name}"]), key) for name in single]
    return [*recorded, ("all recorded group messages in one", together(list(named.values()), key), key)]


def recorded_bytes(frame: dict[str, Any]) -> bytes:
    """The bytes of a recorded frame."""
    return bytes.fromhex(frame["header_hex"]) + str(frame["body_text"]).encode()


def together(recorded: list[dict[str, Any]], key: bytes) -> bytes:
    """The items of all recorded frames of group messages as one frame."""
    items = [item for frame in recorded for item in group_messages(frame)][:20]
    payload = json.dumps({"error_code": 0, "data": {"groupMsgs": items}}, ensure_ascii=False)
    body = {"error_code": 0, "encrypt": 2, "data": seal_event(payload.encode(), 2, key, packing="gzip")}
    return pack(Frame(1, 521, 0, json.dumps(body, separators=(",", ":")).encode()))


def group_messages(frame: dict[str, Any]) -> list[dict[str, Any]]:
    """The group messages in a recorded frame that are no undo."""
    if frame.get("header", {}).get("cmd") != 521 or "payload" not in frame:
        return []
    items: list[dict[str, Any]] = frame["payload"]["data"]["groupMsgs"]
    return [item for item in items if item["msgType"] != "chat.undo"]


def timed(name: str, frame: bytes, key: bytes) -> Figure:
    """Decoding one frame, and its floor."""
    decoder = Decoder("8200000000000000001", key)
    parts = floor_of(key)
    events = decoder.decode(frame)
    if not events or not all(isinstance(event, Message | Notice) for event in events):
        raise ValueError(f"{name} does not decode to messages")
    pairs = [(clocked(lambda: decoder.decode(frame)), clocked(lambda: parts(frame))) for _ in range(ROUNDS)]
    decoded, floor = (min(column) for column in zip(*pairs, strict=True))
    note = f"{decoded:.1f} µs, floor {floor:.1f} µs, messages: {len(events)}"
    return Figure(f"decode {name}", decoded / floor, "× floor", note, aim=AIM, limit=LIMIT)


def clocked(work: Callable[[], object]) -> float:
    """Microseconds of CPU that one of `REPEATS` runs takes."""
    begin = time.thread_time()
    for _ in range(REPEATS):
        work()
    return (time.thread_time() - begin) / REPEATS * 1e6


def floor_of(key: bytes) -> Callable[[bytes], object]:
    """The parts of opening a sealed and compressed frame, one after the other."""
    gcm, read = AESGCM(key), msgspec.json.Decoder().decode

    def parts(frame: bytes) -> object:
        escaped = read(frame[4:])["data"]
        text = escaped.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
        package = binascii.a2b_base64(text)
        packed = gcm.decrypt(package[:16], package[32:], package[16:32])
        return read(zlib.decompress(packed, 47))

    return parts
