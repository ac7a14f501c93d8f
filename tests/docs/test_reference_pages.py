"""Pages that are made from the code are current: `make docs` writes them."""

from __future__ import annotations

from pathlib import Path

from clawlane.cli.reference import page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == page(), "run: make docs"
