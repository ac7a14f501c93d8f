"""Nothing that the gateway itself says to people stands outside of the catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import clawlane
from clawlane.store.models import Purpose

SOURCE = Path(clawlane.__file__).parent
OURS = {
    Purpose.CHALLENGE: "access/pairing.py",
    Purpose.NOTICE: "ops/pairing.py",
    Purpose.COMMAND: "lane/commands.py",
    Purpose.OWNER: "gateway/owner_commands.py",
}
"""The module that has the words of each kind of text that the gateway itself sends."""

OF_OTHERS = {Purpose.REPLY, Purpose.TOOL, Purpose.OPERATOR, Purpose.CLIENT}
"""Words of an agent or of the operator; `agents/disclosure.py` puts ours before them."""

TO_THE_OWNER = {Purpose.ALERT}
"""Not to third persons: an alert that another account carries to the owner."""

QUEUES = {
    "store/alert_sends.py",
    "store/client_sends.py",
    "store/drafts.py",
    "store/operator_sends.py",
    "store/owner_texts.py",
    "store/pairing.py",
    "store/steps.py",
    "store/turns.py",
}
"""The only modules that put a text on its way."""

_SAYS = ("t", "tn", "later", "in_each")
_PROSE = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}")
"""Two words beside each other."""


def prose_outside(code: str) -> Iterator[str]:
    """What reads like words and is neither in a catalogue, nor a docstring, nor for the log."""
    said: set[int] = set()
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said.add(id(node.value))
        if isinstance(node, ast.Call) and _is_said(node.func):
            said.update(id(one) for argument in node.args for one in ast.walk(argument))
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in said else None
        if isinstance(text, str) and _PROSE.search(text) and not text.startswith("openclaw "):
            yield text


def _is_said(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in _SAYS
    return isinstance(function, ast.Attribute) and ast.unparse(function.value) == "log"


def test_every_kind_of_text_is_known() -> None:
    assert {*OURS, *OF_OTHERS, *TO_THE_OWNER} == set(Purpose), (
        "say whose words they are, and where they stand"
    )


def test_texts_leave_from_where_these_tests_look() -> None:
    found = {
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if "outbox.queue(" in file.read_text(encoding="utf-8")
    }
    assert found == QUEUES


@pytest.mark.parametrize("file", [*OURS.values(), "agents/disclosure.py"])
def test_what_people_are_told_comes_from_the_catalogue(file: str) -> None:
    assert list(prose_outside((SOURCE / file).read_text(encoding="utf-8"))) == []


def test_a_text_outside_of_the_catalogue_is_found() -> None:
    code = '"""What it is."""\nlog.info("a line for the log")\nt("a known text")\nsend("a text of ours")'
    assert list(prose_outside(code)) == ["a text of ours"]
    assert list(prose_outside('f"{who} is approved now"')) == [" is approved now"]
