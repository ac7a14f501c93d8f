"""The reference page of the config is the one that the program makes."""

from __future__ import annotations

import re
from pathlib import Path

from clawlane_zalouser.config_reference import page

PAGE = Path(__file__).parents[2] / "docs" / "config-reference.md"


def test_the_page_is_current() -> None:
    """Write it again with: make docs"""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_key_of_the_channel_is_on_it() -> None:
    shown = PAGE.read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)[^`]*`", shown, re.MULTILINE))
    assert {"dmPolicy", "groups", "pacing", "zaloHosts", "accounts", "agents", "messages"} <= rows
