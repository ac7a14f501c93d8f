"""Mention patterns: what is safe to search strangers' texts with."""

from __future__ import annotations

import pytest

from clawlane.config.patterns import MAX_LENGTH, check_pattern, compile_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "bot",
        r"\b@?claw\b",
        r"(?:hey|này)\s+bot",
        r"bé\s*(?:claw|cua)?",
        r"(hey )?bot",
        r"(\s+ơi)?",
        r"(?i:claw)",
        r"(?P<who>claw)",
        r"[(+*]+",
        r"[]a]+",
        r"[^]]+",
        r"\(+\)+",
        r"a\\1",
        r"(?#a (note)b+",
        r"(ab)+c{2,3}",
        "(?=.*bot)",
        "x" * MAX_LENGTH,
    ],
)
def test_a_safe_pattern(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        *(
            (pattern, "nested quantifier")
            for pattern in (
                "(a+)+", "(a*)*b", "(?:a+){2,}", "((a+))*", "(a?)+", "(a{2}){3}", "(?:x|(y+))+", "(a|ab)*c",
                "(?P<n>a+)+", "(?>a+)+", "((?i:a+))+", "([a-z]+)*", "(a+?)+?", "(?:(?#x)a+)+", r"(\(+)+",
            )
        ),
        (r"(a)\1", "back-reference"),
        ("(?P<n>a)(?P=n)", "back-reference"),
        ("(a)?(?(1)b|c)", "back-reference"),
        ("(?x) (a+) +", "the flag 'x'"),
        ("(?x: a )", "the flag 'x'"),
        ("x" * (MAX_LENGTH + 1), "has 201 characters; write patterns of at most 200"),
        ("(", "is no regular expression"),
        ("*", "is no regular expression"),
        (" ", "an empty pattern would fit every message"),
    ],
)  # fmt: skip
def test_an_unsafe_pattern_is_told_with_what_to_do(pattern: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".+; .+") as caught:
        check_pattern(pattern)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pattern_fits_in_any_case_however_its_accents_were_written() -> None:
    decomposed = "be\u0301 claw"
    assert compile_pattern(decomposed).search("ơi BÉ Claw")
