"""What the README and the pages of docs/ say about files and settings, compared with what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import json5
import pytest

from clawlane.config.settings import Pacing
from clawlane_zalouser.settings import ZaloUserSettings

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "README.vi.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> Iterator[str]:
    """The anchors of its headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)", prose(page), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_index_once() -> None:
    """A page in another language stands beside the original."""
    row = r"^\| \[[^]]+\]\(([\w-]+\.md)\)(?: \(\[[^]]+\]\(([\w-]+\.vi\.md)\)\))?"
    rows = re.findall(row, prose(ROOT / "docs" / "README.md"), re.MULTILINE)
    listed = [page for found in rows for page in found if page]
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert sorted(listed) == sorted(pages)


def test_every_channel_key_is_in_the_table() -> None:
    text = prose(ROOT / "docs" / "configuration.md")
    (table,) = re.findall(r"^## Channel keys\n(.*?)\n## ", text, re.MULTILINE | re.DOTALL)
    named = [key for row in table.splitlines() if row.startswith("| `") for key in keys_of(row)]
    assert sorted(named) == sorted(str(field.alias) for field in ZaloUserSettings.model_fields.values())


def keys_of(row: str) -> list[str]:
    return re.findall(r"`(\w+)`", row.split("|")[1])


def test_the_pacing_that_is_shown_is_the_built_in_one() -> None:
    text = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    block = re.findall(r"^```json5\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0]
    shown = json5.loads(block)["channels"]["zalouser"]["pacing"]
    assert Pacing.model_validate(shown) == Pacing()
    assert set(shown) == {field.alias for field in Pacing.model_fields.values()}
