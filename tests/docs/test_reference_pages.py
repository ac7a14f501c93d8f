"""Pages that are made from the code are current: `make docs` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clawlane.cli.reference import page
from clawlane.cli.runbooks import PAGES, runbook

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == page(), "run: make docs"


@pytest.mark.parametrize("name", PAGES)
def test_the_runbooks_are_what_the_offline_help_shows(name: str) -> None:
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == runbook(name), "run: make docs"


def test_there_is_no_runbook_that_the_offline_help_does_not_show() -> None:
    assert {f"runbooks/{one.stem}" for one in (DOCS / "runbooks").glob("*.md")} == set(PAGES)
