"""The pages of `openclaw help` in Vietnamese: neither of the two may say less than the other."""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files

import pytest

from clawlane.cli.help import TOPICS
from clawlane.cli.output import columns
from clawlane.cli.runbooks import PAGES, runbook, topic_text
from clawlane.texts import in_locale

FILES = {**dict.fromkeys(TOPICS, "txt"), **dict.fromkeys(PAGES, "md")}
"""Every page by the name of its topic, with what its file ends in."""

each_page = pytest.mark.parametrize("name", FILES)
_ACCENTED = re.compile(r"[ạảấầẩẫậắằẳẵặẹẻẽếềểễệịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹđ]")
_SAME = (
    r"openclaw [a-z-]+",
    r"(?<![\w-])--[a-z-]+",
    r"\b[a-z]+[A-Z]\w+",
    r"\$[A-Z_]+",
    r"\{[a-z]+\}",
    r"`[^`\n]+`",
    r"(?ms)^```.*?^```",
)
"""What stays as it is: commands, options, keys, variables, what is filled in, code and blocks."""

_COUNTED = (r"^#+ ", r"^$", r"^ {2}\S", r"^\d+\. ")
"""What there is as often: headings, paragraphs, rows and numbered lines."""


def both(name: str) -> tuple[str, str]:
    """A page in English and in Vietnamese."""
    english = topic_text(name, FILES[name])
    with in_locale("vi"):
        return english, topic_text(name, FILES[name])


def test_every_page_is_there_in_vietnamese_and_no_other() -> None:
    folder = files("clawlane.cli").joinpath("topics")
    found = {
        f"{place}{page.name.partition('.vi.')[0]}"
        for place, where in (("", folder), ("runbooks/", folder.joinpath("runbooks")))
        for page in where.iterdir()
        if ".vi." in page.name
    }
    assert found == set(FILES)


@each_page
def test_both_name_the_same_commands_and_keys(name: str) -> None:
    english, vietnamese = both(name)
    for same in _SAME:
        assert sorted(re.findall(same, vietnamese)) == sorted(re.findall(same, english))


@each_page
def test_both_have_the_same_parts(name: str) -> None:
    english, vietnamese = both(name)
    for mark in _COUNTED:
        counts = [len(re.findall(mark, text, re.MULTILINE)) for text in (english, vietnamese)]
        assert counts[0] == counts[1], mark


@each_page
def test_a_vietnamese_page_fits_a_terminal_and_has_whole_letters(name: str) -> None:
    vietnamese = both(name)[1]
    assert unicodedata.is_normalized("NFC", vietnamese)
    assert len(_ACCENTED.findall(vietnamese)) > len(vietnamese) / 25
    lines = vietnamese.splitlines()
    assert len(lines) <= 40
    assert max(map(columns, lines)) <= (80 if FILES[name] == "txt" else 125)


@pytest.mark.parametrize("name", PAGES)
def test_a_runbook_is_filled_in_by_its_own_language(name: str) -> None:
    with in_locale("vi"):
        page = runbook(name)
    assert page.startswith("# Cảnh báo: ")
    assert "chưa được chứng minh: " in page.splitlines()[-1]
    assert runbook(name).startswith("# Alarm: ")
