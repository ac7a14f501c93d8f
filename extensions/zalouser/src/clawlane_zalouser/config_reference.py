"""Prints the reference page of the config with this channel in it: `docs/config-reference.md`."""

from __future__ import annotations

from clawlane.config.json_schema import config_schema
from clawlane.config.reference_page import reference_page
from clawlane_zalouser.manifest import MANIFEST


def page() -> str:
    """The page as markdown."""
    return reference_page(config_schema([MANIFEST]))


if __name__ == "__main__":
    print(page(), end="")
