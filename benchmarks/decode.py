"""How long decoding a recorded frame to typed events takes, beside the floor of its parts.

The floor is what cannot be left out, with the quickest tool for each part and nothing around it: the
envelope's JSON, undoing percent-escapes, base64, AES-GCM, inflating, and the inner JSON read without types.
Decoding may take twice that.
"""

from __future__ import annotations

import binascii
import json
import statistics
import time
import zlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zaloweb.events import Decoder, Message, Notice
from zaloweb.wire.cipher import seal_event
from zaloweb.wire.frames import Frame, pack

VECTORS = Path(__file__).parent.parent / "tests" / "vectors"
ROUNDS, REPEATS = 60, 40
ALLOWED = 2.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians in microseconds a frame."""

    name: str
    messages: int
    decoded: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times the floor decoding takes."""
        return self.decoded / self.floor


def run() -> list[Timing]:
    """Measure and print. Fails the run (exit code 1) if decoding takes more than twice the floor."""
    timings = [timed(name, frame, key) for name, frame, key in frames()]
    print(f"{'frame':<44}{'messages':>9}{'decode µs':>11}{'floor µs':>10}{'ratio':>7}")
    for timing in timings:
        columns = f"{timing.messages:>9}{timing.decoded:>11.1f}{timing.floor:>10.1f}{timing.ratio:>7.2f}"
        print(f"{timing.name:<44}{columns}")
    if any(timing.ratio > ALLOWED for timing in timings):
        raise SystemExit(f"decoding takes more than {ALLOWED:g} times its floor")
    return timings


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


def timed(name: str, frame: bytes, key: bytes) -> Timing:
    """Both medians of one frame, taken in turns so that a busy machine slows both alike."""
    decoder = Decoder("8200000000000000001", key)
    parts = floor_of(key)
    events = decoder.decode(frame)
    if not events or not all(isinstance(event, Message | Notice) for event in events):
        raise SystemExit(f"{name} does not decode to messages")
    pairs = [(clocked(lambda: decoder.decode(frame)), clocked(lambda: parts(frame))) for _ in range(ROUNDS)]
    decoded, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Timing(name, len(events), decoded, floor)


def clocked(work: Callable[[], object]) -> float:
    """Microseconds that one of `REPEATS` runs takes."""
    begin = time.perf_counter()
    for _ in range(REPEATS):
        work()
    return (time.perf_counter() - begin) / REPEATS * 1e6


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


if __name__ == "__main__":
    run()
