"""Every row of the checklist is tried by a test from outside, or the compatibility page says why not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [f"S{number:02}" for number in range(1, 85)]
PAGE = ROOT / "docs" / "compatibility.md"


def tried() -> Iterator[str]:
    """The rows that the marks of all tests name."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        if "mark.row(" not in (text := path.read_text(encoding="utf-8")):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "row":
                yield from (one.value for one in node.args if isinstance(one, ast.Constant))


def listed() -> dict[str, str]:
    """What the table of the compatibility page says of each row."""
    rows = re.findall(r"^\| (S\d\d) \| .* \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {row: verdict.strip() for row, verdict in rows}


def test_every_row_is_on_the_page_in_order() -> None:
    assert list(listed()) == ROWS


def test_every_row_that_holds_is_tried_and_no_test_names_another() -> None:
    holds = {row for row, verdict in listed().items() if verdict == "holds"}
    assert holds - set(tried()) == set()
    assert set(tried()) <= set(ROWS)


def test_a_row_that_does_not_hold_says_why() -> None:
    for row, verdict in listed().items():
        assert verdict == "holds" or len(verdict) > 20, row
