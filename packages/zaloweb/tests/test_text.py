"""Counting as Zalo counts, and cutting long texts where a reader would pause."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaloweb.wire.graphemes import is_boundary
from zaloweb.wire.text import Piece, Range, from_utf16, split, to_utf16, utf16_len

unhurried = settings(deadline=None)
FAMILY = "👩‍👩‍👧‍👦"
VIETNAM = "🇻🇳"

TEXTS = st.text(st.sampled_from("ab ớ\n.!?👍🏽🇻🇳👩‍👧❤️각ᄀ\r\té")) | st.text()


@unhurried
@given(TEXTS)
def test_length_is_that_of_javascript(text: str) -> None:
    assert utf16_len(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


@unhurried
@given(TEXTS, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30))))
def test_offsets_there_and_back(text: str, spans: list[tuple[int, int]]) -> None:
    ranges = [Range(min(a, len(text)), min(b, len(text) - min(a, len(text))), "st") for a, b in spans]
    assert from_utf16(text, to_utf16(text, ranges)) == ranges


def test_emoji_before_a_range_count_two() -> None:
    assert to_utf16("👋 @An", [Range(2, 3, "an")]) == [Range(3, 3, "an")]
    assert from_utf16("👋 @An", [Range(3, 3, "an")]) == [Range(2, 3, "an")]


@unhurried
@given(TEXTS, st.integers(-50, 50), st.integers(-50, 50))
def test_places_outside_the_text_are_moved_to_its_ends(text: str, start: int, length: int) -> None:
    for convert in (to_utf16, from_utf16):
        (place,) = convert(text, [Range(start, length, None)])
        assert 0 <= place.start <= place.end <= utf16_len(text)


def test_half_a_character_takes_in_the_whole() -> None:
    assert from_utf16("a👋b", [Range(2, 1, None)]) == [Range(1, 1, None)]
    assert from_utf16("a👋b", [Range(1, 1, None)]) == [Range(1, 1, None)]


def test_short_texts_stay_whole() -> None:
    assert split("xin chào", [Range(0, 3, "b")]) == [Piece("xin chào", (Range(0, 3, "b"),))]
    assert split("") == []


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Một câu. Hai.\n\nĐoạn hai\nở đây", ["Một câu. Hai.\n\n", "Đoạn hai\nở đây"]),
        ("Dòng một. A\nDòng hai dài hơn", ["Dòng một. A\n", "Dòng hai dài hơn"]),
        ("Câu một. Câu hai ở đây", ["Câu một. ", "Câu hai ở đây"]),
        ("chỉ có nhiều từ thôi à", ["chỉ có nhiều từ ", "thôi à"]),
        ("khôngcódấucáchnàoởđâycả", ["khôngcódấucáchnàoở", "đâycả"]),
    ],
    ids=["paragraph", "line", "sentence", "word", "character"],
)
def test_cuts_come_where_a_reader_would_pause(text: str, pieces: list[str]) -> None:
    assert [piece.text for piece in split(text, limit=18)] == pieces


def test_a_flag_or_a_family_is_never_torn_apart() -> None:
    assert [piece.text for piece in split(VIETNAM * 4, limit=7)] == [VIETNAM] * 4
    assert [piece.text for piece in split(FAMILY * 2, limit=12)] == [FAMILY] * 2
    assert [piece.text for piece in split("e\u0301" * 3, limit=3)] == ["e\u0301"] * 3


def test_a_range_across_a_cut_is_divided_and_counts_from_its_piece() -> None:
    first, second = split("mộthai ba bốn", [Range(3, 7, "b")], limit=8)
    assert first == Piece("mộthai ", (Range(3, 4, "b"),))
    assert second == Piece("ba bốn", (Range(0, 3, "b"),))


def test_an_intact_range_is_not_divided() -> None:
    name = Range(6, 13, "Nguyễn Văn An")
    whole = split("chào @Nguyễn Văn An nhé", [Range(5, 14, "an")], limit=18, intact=lambda _: True)
    assert [piece.text for piece in whole] == ["chào ", "@Nguyễn Văn An nhé"]
    assert whole[1].ranges == (Range(0, 14, "an"),)
    assert name.end == 19


@unhurried
@given(TEXTS, st.integers(2, 12), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40))))
def test_pieces_make_the_text_again(text: str, limit: int, spans: list[tuple[int, int]]) -> None:
    ranges = [Range(a, b, number) for number, (a, b) in enumerate(spans)]
    pieces = split(text, ranges, limit)
    assert "".join(piece.text for piece in pieces) == text
    assert all(0 < utf16_len(piece.text) <= limit for piece in pieces)
    covered = {(at, place.value) for at, place in inside(pieces)}
    assert covered == {(at, r.value) for r in ranges for at in range(r.start, min(r.end, len(text)))}


@unhurried
@given(TEXTS, st.integers(2, 12))
def test_only_what_is_longer_than_a_piece_is_torn_apart(text: str, limit: int) -> None:
    cut = 0
    for piece in split(text, limit=limit)[:-1]:
        start, cut = cut, cut + len(piece.text)
        assert is_boundary(text, cut) or not any(is_boundary(text, at) for at in range(start + 1, cut))


def test_a_limit_without_room_for_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="limit is 1"):
        split("👋", limit=1)


def inside(pieces: list[Piece[int]]) -> list[tuple[int, Range[int]]]:
    """Every place of the whole text that lies in a range, with the range."""
    found, start = [], 0
    for piece in pieces:
        assert all(
            place.length and place.start >= 0 and place.end <= len(piece.text) for place in piece.ranges
        )
        found += [(start + at, place) for place in piece.ranges for at in range(place.start, place.end)]
        start += len(piece.text)
    return found
