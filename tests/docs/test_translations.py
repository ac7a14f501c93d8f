"""Pages that there are in Vietnamese, too: neither of the two may say less than the other."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from docs.shell_blocks import ROOT

TRANSLATED = sorted(
    str(page.relative_to(ROOT)).removesuffix(".vi.md")
    for page in (*ROOT.glob("*.vi.md"), *(ROOT / "docs").rglob("*.vi.md"))
)
EACH = pytest.mark.parametrize("name", TRANSLATED)
_FENCE = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)]+)\)")
_ACCENTED = re.compile(r"[ạảấầẩẫậắằẳẵặẹẻẽếềểễệịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹđ]")
_CODE = re.compile(r"`[^`\n]+`")


def both(name: str) -> tuple[str, str]:
    """The page in English and in Vietnamese."""
    return read(ROOT / f"{name}.md"), read(ROOT / f"{name}.vi.md")


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(text: str) -> str:
    return _FENCE.sub("", text)


def headings(text: str) -> list[str]:
    return re.findall(r"^(#+) ", prose(text), re.MULTILINE)


def links(text: str) -> list[str]:
    """Where the links lead, in order of their names. A translated page or picture stands for the original.

    The headings of a page have other anchors, so those do not count there.
    """
    found = [re.sub(r"\.vi\.(md|png)", r".\1", link) for link in _LINK.findall(prose(text))]
    return sorted(link.partition("#")[0] if pair_of(link) or link.startswith("#") else link for link in found)


def pair_of(link: str) -> bool:
    stem = link.partition("#")[0].removesuffix(".md").rpartition("/")[2]
    return stem in {name.rpartition("/")[2] for name in TRANSLATED}


def test_the_front_page_and_the_rollout_are_in_vietnamese() -> None:
    assert {"README", "docs/rollout"} <= set(TRANSLATED)


@EACH
def test_both_have_the_same_headings(name: str) -> None:
    english, vietnamese = both(name)
    assert headings(vietnamese) == headings(english)


@EACH
def test_both_show_the_same_blocks(name: str) -> None:
    english, vietnamese = both(name)
    assert _FENCE.findall(vietnamese) == _FENCE.findall(english)


@EACH
def test_both_link_to_the_same_pages(name: str) -> None:
    english, vietnamese = both(name)
    assert links(vietnamese) == links(english)


@EACH
def test_both_name_the_same_commands_and_keys(name: str) -> None:
    english, vietnamese = both(name)
    assert sorted(_CODE.findall(prose(vietnamese))) == sorted(_CODE.findall(prose(english)))


@EACH
def test_both_have_the_same_rows_and_lists(name: str) -> None:
    english, vietnamese = both(name)
    for mark in (r"^\|", r"^ *- ", r"^ *\d+\. ", r"^\*\*"):
        counts = [len(re.findall(mark, prose(text), re.MULTILINE)) for text in (english, vietnamese)]
        assert counts[0] == counts[1], mark


@EACH
def test_they_link_to_each_other(name: str) -> None:
    english, vietnamese = both(name)
    base = name.rpartition("/")[2]
    assert f"]({base}.vi.md)" in english.split("\n## ")[0]
    assert f"]({base}.md)" in vietnamese.split("\n## ")[0]


@EACH
def test_the_vietnamese_is_written_with_whole_letters(name: str) -> None:
    """One code point a letter, as keyboards write them and as people search for them."""
    vietnamese = both(name)[1]
    assert unicodedata.is_normalized("NFC", vietnamese)
    assert len(_ACCENTED.findall(vietnamese)) > len(vietnamese) / 20
