"""What of a text somebody else may see: the words of the program, and pseudonyms for all others."""

from __future__ import annotations

import pytest

from clawlane.ops.scrubbing import Scrubber
from clawlane.store.sqlite.inspection import Identities

KNOWN = Identities(
    people=("8200000000000000005",),
    groups=("7100000000000000009",),
    names=("Trần Bình", "the family chat", "Will"),
)


@pytest.fixture
def scrubber() -> Scrubber:
    return Scrubber(KNOWN, {"/home/quyen": "~"})


@pytest.mark.parametrize(
    "line",
    [
        "zalouser/default: dmPolicy is pairing (channels.zalouser.dmPolicy, line 1)",
        "zalouser/default is connecting: logging in with the stored session",
        "zalouser/default: call send text: 307 bytes out, 153 bytes in, 40 ms, HTTP 200, code 0",
        "write channels.zalouser.groupPolicy: 'allowlist' to say that it is meant",
        "the session was refused on 2026-03-02 09:15",
    ],
)
def test_our_own_sentences_stay(scrubber: Scrubber, line: str) -> None:
    assert scrubber.text(line) == line


def test_who_is_known_keeps_one_pseudonym(scrubber: Scrubber) -> None:
    line = "admit 8200000000000000005 in group:7100000000000000009"
    assert scrubber.text(line) == "admit person-1 in group:group-1"
    assert scrubber.id("8200000000000000005") == "person-1"


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("call 0912 345 678", ("0912", "345", "678")),
        ("+84-912-345-678", ("912", "345", "678")),
        ("the family chat", ("family",)),
        ("answered Will", ("Will",)),
        ("Will is ready", ("Will",)),
        ("answered Mark", ("Mark",)),
        ("from Bình and Uyên", ("Bình", "Uyên")),
        ("sk-proj-12345-abcdef", ("12345", "abcdef")),
        ("/home/quyen/.clawlane", ("quyen",)),
        ("%C4%90%E1%BA%B7ng \\u0110\\u1eb7ng \U0001f338", ("u0110", "\U0001f338")),
        ("aGVsbG8gd29ybGQ=", ("aGVsbG8",)),
    ],
)
def test_what_is_not_ours_goes(scrubber: Scrubber, written: str, left: tuple[str, ...]) -> None:
    shown = scrubber.text(written)
    assert [one for one in left if one in shown] == []


def test_values_keep_their_shape(scrubber: Scrubber) -> None:
    id_ = 8200000000000000005
    told = {"user_id": str(id_), "since_ms": 1795932128719, "id": id_, "Lê": [True]}
    assert scrubber.value(told) == {
        "user_id": "person-1",
        "since_ms": 1795932128719,
        "id": "person-1",
        "word-1": [True],
    }
