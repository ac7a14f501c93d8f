"""Markdown answers on Zalo's wire, beside what OpenClaw's plugin put there for the same ones.

`REPLY_STYLES` names another file of recordings in the form of data/reply-styles.json.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawlane.agents.answer import read_answer
from clawlane.config.choices import Tables
from clawlane.messages import Reply, Style, Text, Thread, ThreadKind
from clawlane_zalouser.markdown import LONGEST_PARSED, StyledText, render
from clawlane_zalouser.outbound import plan, zalo_styles
from zaloweb.wire.graphemes import is_boundary
from zaloweb.wire.text import LIMIT, Range, to_utf16, utf16_len

DATA = Path(__file__).parent / "data"
THREAD = Thread(ThreadKind.DM, "3912345678901234567")

DIFFERENCES = {
    "silent": "NO_REPLY is silence; OpenClaw lets its own instruction to the model out into the chat.",
    "long-4500": "Cuts come between sentences or words; OpenClaw cuts inside words.",
    "long-paragraphs": "Cuts come between paragraphs; OpenClaw cuts inside words.",
    "long-code": "Cuts come between lines, and no fence is left over; OpenClaw leaves ``` in one part.",
}
"""The recorded cases in which an answer looks different here, and why that is better."""

Part = tuple[str, list[tuple[int, int, str]]]


def recorded() -> dict[str, dict[str, object]]:
    path = Path(os.environ.get("REPLY_STYLES") or DATA / "reply-styles.json")
    cases: dict[str, dict[str, object]] = json.loads(path.read_text("utf-8"))["cases"]
    return cases


CASES = recorded()


def on_the_wire(out: Text) -> Part:
    styles = [Range(style.start, style.length, style.code) for style in zalo_styles(out) or ()]
    return out.text, sorted((one.start, one.length, one.value) for one in to_utf16(out.text, styles))


def parts(markdown: str) -> list[Part]:
    answer = read_answer(markdown, attachments=False)
    return [on_the_wire(out) for out in plan(THREAD, Reply(answer.text))] if answer else []


@pytest.mark.parametrize("name", CASES)
def test_reply_styles(name: str) -> None:
    case = CASES[name]
    theirs = [
        (part["text"], sorted((one["start"], one["len"], one["st"]) for one in part["styles"]))
        for part in case["parts"]  # type: ignore[attr-defined]
    ]
    ours = parts(str(case["markdown"]))
    if name not in DIFFERENCES:
        assert ours == theirs
        return
    assert ours != theirs, f"{name} is held now: take it out of the table"
    if name.startswith("long-"):
        for text, _ in ours[:-1]:
            assert re.search(re.escape(text[-30:]) + r"\s", str(case["markdown"])), "a cut inside a word"
            assert "```" not in text


def reference_styles() -> list[tuple[str, str, list[tuple[int, int, str]]]]:
    cases = []
    for line in (DATA / "text-styles.txt").read_text("utf-8").splitlines():
        if line.startswith('"'):
            markdown, answer = map(json.loads, line.split(" => ", 1))
            styles = [
                (one["start"], one["len"], one["st"].replace("$", f"{one.get('indentSize')}0"))
                for one in answer["styles"]
            ]
            cases.append((markdown, answer["text"], sorted(styles)))
    return cases


@pytest.mark.parametrize(("markdown", "text", "styles"), reference_styles())
def test_the_reference_converts_the_same_markdown_alike(
    markdown: str, text: str, styles: list[tuple[int, int, str]]
) -> None:
    styled = render(markdown, Tables.OFF)
    assert on_the_wire(Text(THREAD, styled.text, styled.styles)) == (text, styles)


@pytest.mark.parametrize(
    ("markdown", "styled"),
    [
        ("3. ba\n4. bốn", StyledText("3. ba\n4. bốn")),  # Zalo would count from 1
        (
            "1. một\n\n   thêm\n2. hai",
            StyledText("một\n\nthêm\nhai", (Style(0, 3, "number"), Style(10, 3, "number"))),
        ),
        ("- a\n\n- b", StyledText("a\n\nb", (Style(0, 1, "bullet"), Style(3, 1, "bullet")))),
        ("{red}một", StyledText("{red}một")),
        ("{red}một\n\nhai{/red}", StyledText("{red}một\n\nhai{/red}")),
        ("{red}**một{/red}**", StyledText("{red}một{/red}", (Style(5, 9, "bold"),))),
        ("{red}{big}một{/big}{/red}", StyledText("một", (Style(0, 3, "big"), Style(0, 3, "red")))),
        (
            "https://a.example/_x_/*y* *z*",
            StyledText("https://a.example/_x_/*y* z", (Style(26, 1, "italic"),)),
        ),
        ("[*a*](https://a.example/_b_)", StyledText("[a](https://a.example/_b_)", (Style(1, 1, "italic"),))),
        ("`**a**` ``b`*c*``", StyledText("`**a**` ``b`*c*``")),
        ("<a href='*x*'>*y*</a>", StyledText("<a href='*x*'>y</a>", (Style(14, 1, "italic"),))),
        ("a\r\nb\rc", StyledText("a\nb\nc")),
        (
            "> - a\n>   - b",
            StyledText(
                "a\nb",
                (
                    Style(0, 1, "indent", 1),
                    Style(0, 1, "bullet"),
                    Style(2, 1, "indent", 2),
                    Style(2, 1, "bullet"),
                ),
            ),
        ),
        (">>>>>>> a", StyledText("a", (Style(0, 1, "indent", 5),))),
        ("# **a**", StyledText("a", (Style(0, 1, "bold"), Style(0, 1, "big")))),
        ("\tx", StyledText("x")),
        ("    a\n      b", StyledText("a\n\u00a0\u00a0b")),
        ("", StyledText("")),
    ],
)
def test_what_was_not_recorded(markdown: str, styled: StyledText) -> None:
    assert render(markdown) == styled


TABLE = "| Tên | Giá | Chỗ |\n|:--|--:|---|\n| **Trà** | 10k | Huế |\n| 茶 | 20k | |"


def test_tables_as_lists() -> None:
    text = "Trà\nGiá: 10k\nChỗ: Huế\n茶\nGiá: 20k\nChỗ: "
    bold = [Style(0, 3, "bold"), Style(text.index("茶"), 1, "bold")]
    bullets = [Style(line.start(), len(line[0]), "bullet") for line in re.finditer(r"(?:Giá|Chỗ): .*", text)]
    styled = render(TABLE, Tables.BULLETS)
    assert styled.text == text
    assert sorted(styled.styles, key=lambda one: one.start) == sorted(
        bold + bullets, key=lambda one: one.start
    )


def test_tables_with_columns_lined_up() -> None:
    assert render(TABLE, Tables.CODE).text.splitlines() == [
        "| Tên | Giá | Chỗ |",
        "| --- | --- | --- |",
        "| Trà | 10k | Huế |",
        "| 茶  | 20k |     |",
    ]


def test_tables_as_they_were_typed() -> None:
    assert render(TABLE.replace("**", ""), Tables.OFF).text == TABLE.replace("**", "")


def test_a_text_that_is_too_long_to_parse_is_sent_without_styles() -> None:
    markdown = "**a** " * (LONGEST_PARSED // 6 + 1)
    assert render(markdown) == StyledText(markdown.strip())


MARKS = st.lists(
    st.sampled_from(
        [
            *"ab \n*_~`#>-+1.[]()!|{}/<&;:\\",
            "\u00a0",
            "ễ",
            "e\u0302",
            "👍🏽",
            "🇻🇳",
            "{red}",
            "{/red}",
            "**",
            "```\n",
        ]
    ),
    max_size=120,
).map("".join)


@given(MARKS, st.sampled_from(list(Tables)))
def test_any_markdown_gives_styles_within_its_text(markdown: str, tables: Tables) -> None:
    styled = render(markdown, tables)
    for style in styled.styles:
        assert style.length > 0
        assert 0 <= style.start < style.start + style.length <= len(styled.text)
    assert len(set(styled.styles)) == len(styled.styles)


@given(MARKS)
def test_letters_are_never_lost(markdown: str) -> None:
    def letters(text: str) -> str:
        return "".join(char for char in text if char.isalpha())

    plain = re.sub(r"\{/?red\}", "", markdown)
    shown = re.sub(r"\{/?red\}", "", render(markdown, Tables.OFF).text)
    info_strings = re.sub(r"^( {0,3}(?:[>\-+*] ?|\d\. )*)*(`{3,}|~{3,}).*", "", plain, flags=re.MULTILINE)
    assert letters(info_strings) in letters(plain)
    assert sorted(letters(shown)) == sorted(letters(plain)) or "```" in plain or "~~~" in plain


@given(
    st.lists(
        st.sampled_from(
            ["Chào **anh** ", "phở gà. ", "👨‍👩‍👧‍👦", "\n\n- ", "x" * 700, "*nghiêng ", "* ", "é"]
        ),
        max_size=60,
    )
)
def test_chunks_fit_and_keep_text_and_styles_in_place(pieces: list[str]) -> None:
    markdown = "".join(pieces)
    whole = render(markdown)
    outs = plan(THREAD, Reply(markdown))
    assert "".join("".join(out.text.split()) for out in outs) == "".join(whole.text.split())
    at = 0
    marked = {(place, s.name) for s in whole.styles for place in range(s.start, s.start + s.length)}
    for out in outs:
        assert 0 < utf16_len(out.text) <= LIMIT
        at = whole.text.index(out.text, at)
        assert is_boundary(whole.text, at)
        chunk = {(at + place, s.name) for s in out.styles for place in range(s.start, s.start + s.length)}
        within = {(place, name) for place, name in marked if at <= place < at + len(out.text)}
        assert chunk == within
        at += len(out.text)
