"""The recorded cases of pushed frames: what the reference told of them, our events tell as well."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from vectors_harness.reference_view import LISTS, Emitted, merged, normalised, seen_by_reference
from vectors_harness.vectors import Case, fixture
from zaloweb.events import Decoder, Event, Notice, OldMessages, OldReactions, Pong, Undecodable, UnknownEvent


@pytest.mark.family("ws-events", kind="incoming")
def test_pushed_frames(case: Case, differs: Callable[[str], None]) -> None:
    own_id = fixture()["uid"]
    expected = [normalised(emitted) for emitted in case["emitted"]]
    events: list[tuple[Event, bool]] = []
    for frame in decoded(case, own_id):
        events.extend(with_bad_neighbour(frame))

    told: list[Emitted] = []
    for event, neighbour in events:
        if extra := kind_of_extra(event, case["self_listen"], {"event": "error"} in expected):
            differs(extra)
            continue
        if isinstance(event, Notice):
            differs("notice")
        view = seen_by_reference(event, own_id)
        assert view is not None, f"{event!r} is nothing the reference knows, and no difference either"
        if neighbour and view not in expected:
            differs("neighbours")
            continue
        told.append(view)
    assert merged(told) == agreed(expected, events, differs)


def decoded(case: Case, own_id: str) -> list[list[Event]]:
    """The events of each frame. Text frames never reach the decoder: the socket leaves them alone."""
    has_key = case["before"] != "no cipher key yet"
    decoder = Decoder(own_id, b64decode(fixture()["cipher_key"]) if has_key else None)
    return [decoder.decode(frame_bytes(frame)) for frame in case["frames"] if "text_frame" not in frame]


def frame_bytes(frame: dict[str, Any]) -> bytes:
    if "hex" in frame:
        return bytes.fromhex(frame["hex"])
    return bytes.fromhex(frame["header_hex"]) + frame["body_text"].encode()


def with_bad_neighbour(events: list[Event]) -> list[tuple[Event, bool]]:
    """Each event of a frame, and whether a bad item stood before it."""
    bad = [isinstance(event, Undecodable) for event in events]
    return [(event, any(bad[:place])) for place, event in enumerate(events)]


def kind_of_extra(event: Event, self_listen: bool, error_expected: bool) -> str:
    """Why the reference says nothing of an event, or ""."""
    if isinstance(event, Pong):
        return "pong"
    if isinstance(event, UnknownEvent):
        return "unknown"
    if isinstance(event, Undecodable) and not error_expected:
        return "undecodable"
    if isinstance(event, OldMessages | OldReactions) or self_listen:
        return ""
    return "own" if getattr(event, "is_self", False) else ""


def agreed(
    expected: list[Emitted], events: list[tuple[Event, bool]], differs: Callable[[str], None]
) -> list[Emitted]:
    """What the reference emitted, without what ours leaves out by decision."""
    lenient = not any(isinstance(event, Undecodable) for event, _ in events)
    kept = []
    for emitted in expected:
        if emitted["event"] in LISTS and emitted["args"] == [[]]:
            differs("empty")
        elif emitted["event"] == "error" and lenient:
            differs("lenient")
        else:
            kept.append(emitted)
    return kept
