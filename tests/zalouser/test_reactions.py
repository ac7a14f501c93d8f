"""Icons of reactions as models write them."""

from __future__ import annotations

import pytest

from clawlane_zalouser.reactions import _EMOJI, icon_for
from zaloweb.calls.reactions import ICONS


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("HEART", "HEART"),
        ("heart", "HEART"),
        (":broken_heart:", "BROKEN_HEART"),
        ("tears of joy", "TEARS_OF_JOY"),
        ("❤️", "HEART"),
        ("👍🏽", "LIKE"),
        (" 😂 ", "TEARS_OF_JOY"),
        ("/-heart", "HEART"),
        (":>", "HAHA"),
        (":-((", "CRY"),
    ],
)
def test_names_emoji_and_zalos_own_codes(written: str, name: str) -> None:
    assert icon_for(written) == ICONS[name]


def test_every_emoji_has_an_icon() -> None:
    assert {name for name in _EMOJI.values() if name not in ICONS} == set()


def test_any_other_icon_is_sent_as_it_is_written() -> None:
    icon = icon_for("🦄")
    assert (icon.code, icon.number) == ("🦄", -1)
