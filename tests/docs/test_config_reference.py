"""The reference page of the config is the one that the program makes."""

from __future__ import annotations

import re
from pathlib import Path

from clawlane.config.json_schema import config_schema
from clawlane.config.reference_page import reference_page
from clawlane_zalouser.manifest import MANIFEST

PAGE = Path(__file__).parents[2] / "docs" / "config-reference.md"


def test_the_page_is_current() -> None:
    """Make it anew with: openclaw config schema --markdown > docs/config-reference.md"""
    assert PAGE.read_text(encoding="utf-8") == reference_page(config_schema([MANIFEST]))


def test_every_key_of_the_channel_is_on_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)[^`]*`", page, re.MULTILINE))
    assert {"dmPolicy", "groups", "pacing", "zaloHosts", "accounts", "agents", "messages"} <= rows
