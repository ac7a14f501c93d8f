"""Texts of which people see nothing."""

from __future__ import annotations

import pytest

from clawlane.invisible import says_nothing


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t\u00a0\u3000",
        "\u200b\u200c\u200d\ufeff\u2060",  # zero width
        "\u202a\u202e\u2066\u2069\u200f\u061c",  # directions
        "\u3164\u115f\u1160\uffa0",  # fillers of Hangul
        "\u0301\u0308\u20dd",  # marks without a letter
        "\ufe0f",  # a selector without an emoji
        "\u2800\u00ad\u2065\ufff3\U000e0041",
    ],
)
def test_nothing_is_seen(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize(
    "text", ["\u200ba", ".", "1\ufe0f\u20e3", "क्", "é", "🏴\U000e0067\U000e007f", "👨\u200d👩", "\U0001fae8"]
)
def test_something_is_seen(text: str) -> None:
    assert not says_nothing(text)
