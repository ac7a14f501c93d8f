"""Mention patterns: what is safe to search strangers' texts with."""

from __future__ import annotations

import re

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
        ("(", "is not a regular expression"),
        ("*", "is not a regular expression"),
        (" ", "an empty pattern would fit every message"),
        ("(?=.*bot)", "has a look-ahead"),
        ("(?!no)bot", "has a look-ahead"),
        ("(?<=@)bot", "has a look-behind"),
        ("(?<!@)bot", "has a look-behind"),
        ("(?>bot)", "has an atomic group"),
        ("bo++t", "has '++'"),
        (r"\Bbot", r"has '\B'"),
        (r"[\W]bot", r"has '\W' inside [ ]"),
        ("(?s:b.t)", "has '(?s:'"),
        ("(?m)^bot", "has '(?m)'"),
        (r"\w{1000}", "more than can be searched in bounded time"),
    ],
)  # fmt: skip
def test_an_unsafe_pattern_is_told_with_what_to_do(pattern: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".+; .+") as caught:
        check_pattern(pattern)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pattern_fits_in_any_case_however_its_accents_were_written() -> None:
    decomposed = "be\u0301 claw"
    assert compile_pattern(decomposed).fits("ơi BÉ Claw")


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        (r"\bchị\b", "ơi chị ơi", "chịu"),
        (r"\bơi\b", "bé ơi", "bơi"),
        (r"\bđ[ợơ]i\b", "ĐỢI!", "đợim"),
        (r"\b(?:bot|trợ lý)\b", "này trợ lý ơi", "robot"),
        (r"\bbot\b.*\bhelp\b", "bot, help!", "bot, helper"),
        (r"^bot\b", "bot ơi", "ơi bot"),
        (r"\bbot$", "ơi bot\n", "bot ơi"),
        (r"^bot$", "bot", "bot\nbot ơi"),
        (r"@\b", "@bot", "@ bot"),
        (r"x|\b", "a", "@"),
        (r"\b.\b", "a", "aa"),
        (r"bé\s\d", "bé\u00a0٣", "bé3"),
        (r"[\w-]+ơi", "bé-ơi", "ơi"),
        (r"[^\d]\bx", "-x", "1x"),
        (r"a.b", "a\rb", "a\nb"),
        (r"a\n\bb", "a\nb", "a\u2028 b"),
        (r"\x41\u0111\N{DIGIT ONE}\060", "ađ10", "aé10"),
        (r"[[:a]bot", "[bot", "bbot"),
        (r"x{,2}bot{2}", "bott", "bot"),
        (r"a[\b]c", "a\bc", "abc"),
        (r"\Abot\Z", "bot", "bot bot"),
    ],
)
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_a_pattern_means_what_it_means_in_python(pattern: str, fitting: str, other: str) -> None:
    for text in (fitting, other):
        assert compile_pattern(pattern).fits(text) is bool(re.search(pattern, text, re.IGNORECASE))
    assert compile_pattern(pattern).fits(fitting)
    assert not compile_pattern(pattern).fits(other)


@pytest.mark.parametrize(
    "pattern",
    [
        "a?" * 60 + "a" * 60,
        "a*" * 60 + "b",
        "(a|a)" * 30 + "b",
        ".*" * 60 + "!",
        r"\b" + r"\w*" * 30 + r"\b!",
        r"[aă]*" * 30 + "b",
    ],
)
def test_no_text_makes_a_search_run_away(pattern: str) -> None:
    """With a search that goes back and tries again, each of these would not end before the sun does."""
    made = compile_pattern(pattern)
    for text in ("a" * 64_000, "ă" * 64_000, "a ă" * 20_000):
        made.fits(text)


def test_only_the_beginning_of_a_text_is_searched() -> None:
    assert compile_pattern("bot").fits("x" * 497 + "bot")
    assert not compile_pattern("bot").fits("x" * 498 + "bot")


def test_broken_unicode_is_searched_too() -> None:
    assert compile_pattern(r"\bbot\b").fits("\ud800 bot \udfff")
