"""Replies as chunks: whom they mention, how they are numbered, and where their files go."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawlane.messages import (
    Media,
    MediaKind,
    Mention,
    Outgoing,
    Person,
    Photos,
    Reply,
    ReplyFile,
    Text,
    Thread,
    ThreadKind,
)
from clawlane_zalouser.markdown import render
from clawlane_zalouser.outbound import plan
from zaloweb.wire.text import LIMIT, utf16_len

GROUP = Thread(ThreadKind.GROUP, "5511223344556677889")
PEOPLE = (
    Person("1", "Lan"),
    Person("2", "Lan Anh", ("Chị Lan Anh",)),
    Person("3", "Trần Bình"),
    Person("4", "Đỗ_Hà*"),
    Person("5", "Minh"),
    Person("6", "minh"),
    Person("7", "All"),
    Person("8", "Tất cả"),
    Person("9", ""),
    Person("10", "👍🏽 Tuấn"),
)


def mentioned(text: str) -> list[tuple[str, str]]:
    """The ids of the people that a text mentions, and the words that do."""
    [out] = plan(GROUP, Reply(text, people=PEOPLE))
    assert isinstance(out, Text)
    return [(one.user_id, out.text[one.start : one.start + one.length]) for one in out.mentions]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("chào @Lan nhé", [("1", "@Lan")]),
        ("@lan anh, @LAN ANH.", [("2", "@lan anh"), ("2", "@LAN ANH")]),
        ("@Chị Lan Anh ơi", [("2", "@Chị Lan Anh")]),
        ("@Lan  Anh", [("1", "@Lan")]),
        ("**@Trần Bình**: _@Lan_", [("3", "@Trần Bình"), ("1", "@Lan")]),
        ("- @Lan\n- @Lan Anh", [("1", "@Lan"), ("2", "@Lan Anh")]),
        ("@Đỗ_Hà* xem *giúp*", [("4", "@Đỗ_Hà*")]),
        (unicodedata.normalize("NFD", "@Trần Bình đây"), [("3", unicodedata.normalize("NFD", "@Trần Bình"))]),
        ("👍 @👍🏽 Tuấn", [("10", "@👍🏽 Tuấn")]),
        ("(@Lan)", [("1", "@Lan")]),
        ("@Lann @Lan1 @La @Tran Binh @Trân Bình", []),
        ("@Minh", []),
        ("@All @all @Tất cả @tất cả @everyone", []),
        ("lan@Lan.vn x.@Lan https://zalo.me/@Lan zalo.me/@Lan @@Lan", []),
        ("`@Lan` ``x @Lan``", []),
        ("```\n@Lan\n```", []),
        ("    @Lan", []),
        ("<a@Lan.vn> <b title='@Lan'>", []),
        ("\\@Lan", []),
        ("@", []),
    ],
)
def test_a_name_is_a_mention_where_exactly_one_member_has_it(
    text: str, people: list[tuple[str, str]]
) -> None:
    assert mentioned(text) == people


def test_nobody_is_mentioned_without_members_or_in_plain_text() -> None:
    for reply in (Reply("@Lan"), Reply("@Lan", markdown=False, people=PEOPLE)):
        [out] = plan(GROUP, reply)
        assert out == Text(GROUP, "@Lan")


def test_a_group_of_thousands_costs_no_more_than_its_names_lengths() -> None:
    people = tuple(Person(str(number), f"Người thứ {number}") for number in range(5000))
    styled = render("@Người thứ 4999 @Người " * 800, people=people)
    assert len(styled.mentions) == 800


NAMES = ["@Lan", "@Lan Anh", "@Trần Bình", "@Đỗ_Hà*", "@👍🏽 Tuấn", "@all", "@Minh"]
PARTS = st.lists(
    st.sampled_from(
        [*NAMES, " ", "\n", "\n\n", "**", "*", "`", "- ", "phở gà. ", "x" * 400, "👨‍👩‍👧‍👦", "é", "_", "@"]
    ),
    max_size=60,
).map("".join)


@given(PARTS, st.booleans())
def test_mentions_stay_whole_and_in_place_wherever_the_text_is_cut(text: str, numbered: bool) -> None:
    styled = render(text, people=PEOPLE)
    words = [styled.text[one.start : one.start + one.length] for one in styled.mentions]
    assert all(word.startswith("@") for word in words)
    outs = plan(GROUP, Reply(text, people=PEOPLE), numbered=numbered)
    texts = [out for out in outs if isinstance(out, Text)]
    assert len(texts) == len(outs)
    found = []
    for out in texts:
        assert utf16_len(out.text) <= LIMIT
        for mark in (*out.styles, *out.mentions):
            assert 0 <= mark.start < mark.start + mark.length <= len(out.text)
        found += [(one.user_id, out.text[one.start : one.start + one.length]) for one in out.mentions]
    assert found == list(zip([one.user_id for one in styled.mentions], words, strict=True))


@given(st.lists(st.sampled_from(["chào **anh** ", "phở. ", "\n\n", "x" * 900, "👍", "*a* "]), max_size=150))
def test_numbers_count_within_the_limit_and_change_nothing_else(pieces: list[str]) -> None:
    text = "".join(pieces)
    outs = [out for out in plan(GROUP, Reply(text), numbered=True) if isinstance(out, Text)]
    if len(outs) < 2:
        assert outs == plan(GROUP, Reply(text))
        return
    bare = []
    for number, out in enumerate(outs, 1):
        assert utf16_len(out.text) <= LIMIT
        assert out.text.endswith(f"\n({number}/{len(outs)})")
        bare.append(out.text.rpartition("\n")[0])
    whole = render(text).text
    assert re.sub(r"\s", "", "".join(bare)) == re.sub(r"\s", "", whole)


def test_ten_and_more_parts_leave_room_for_their_numbers() -> None:
    outs = plan(GROUP, Reply("x" * 1995 * 12), numbered=True)
    assert [out.text.rpartition("\n")[2] for out in outs if isinstance(out, Text)][:1] == ["(1/13)"]
    assert len(outs) == 13


def photo(name: str) -> ReplyFile:
    return ReplyFile(f"/out/{name}", MediaKind.PHOTO, name)


PDF = ReplyFile("/out/a.pdf", MediaKind.FILE, "a.pdf")
GIF = photo("a.gif")


@pytest.mark.parametrize(
    ("text", "files", "outs"),
    [
        ("đây", (photo("a.png"),), [Media(GROUP, MediaKind.PHOTO, "/out/a.png", "a.png", "đây")]),
        ("", (photo("a.png"),), [Media(GROUP, MediaKind.PHOTO, "/out/a.png", "a.png")]),
        ("đây", (PDF,), [Text(GROUP, "đây"), Media(GROUP, MediaKind.FILE, "/out/a.pdf", "a.pdf")]),
        ("đây", (GIF,), [Text(GROUP, "đây"), Media(GROUP, MediaKind.PHOTO, "/out/a.gif", "a.gif")]),
        (
            "@Lan",
            (photo("a.png"),),
            [
                Text(GROUP, "@Lan", mentions=(Mention("1", 0, 4),)),
                Media(GROUP, MediaKind.PHOTO, "/out/a.png", "a.png"),
            ],
        ),
        (
            "",
            (PDF, photo("a.png"), GIF, photo("b.jpg")),
            [
                Media(GROUP, MediaKind.FILE, "/out/a.pdf", "a.pdf"),
                Photos(GROUP, ("/out/a.png", "/out/b.jpg")),
                Media(GROUP, MediaKind.PHOTO, "/out/a.gif", "a.gif"),
            ],
        ),
        ("", (), []),
    ],
)
def test_text_comes_first_then_files_in_order_with_pictures_as_one_album(
    text: str, files: tuple[ReplyFile, ...], outs: list[Outgoing]
) -> None:
    assert plan(GROUP, Reply(text, files=files, people=PEOPLE)) == outs
