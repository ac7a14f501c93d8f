"""Whether searching strangers' texts and redacting log lines takes time in proportion to the text."""

from __future__ import annotations

import time
from collections.abc import Callable

import re2

from clawlane.config.patterns import compile_pattern
from clawlane.gateway.redaction import redact

_SMALL, _LARGE, _ROUNDS = 8_000, 64_000, 5
_AIM = 2.5
"""How many times as long as eight times the time the larger text may take: noise, not growth."""

_TEXTS: dict[str, Callable[[int], str]] = {
    "letters": lambda size: "a" * size,
    "names": lambda size: "token" * (size // 5),
    "words": lambda size: "token " * (size // 6),
    "pairs": lambda size: "token=" * (size // 6),
    "blanks": lambda size: "token" + " " * size,
    "runs": lambda size: ("a" * 99 + " ") * (size // 100),
}
_PATTERNS = ("a*" * 40 + "b", "a?" * 40 + "a" * 40, "(a|a)" * 30 + "b")


def run() -> None:
    """Measure and print. Fails (exit code 1) where a text eight times as long takes far more than that."""
    worst = max(_growth(redact, text) for text in _TEXTS.values())
    print(f"redaction: {_SMALL // 1000} kB to {_LARGE // 1000} kB takes {worst:.1f} times as long at worst")
    searched = max(_growth(_search(pattern), _TEXTS["letters"]) for pattern in _PATTERNS)
    print(f"mention patterns: the same takes {searched:.1f} times as long at worst")
    if max(worst, searched) > _AIM * _LARGE / _SMALL:
        raise SystemExit("the work grows faster than the text")


def _search(pattern: str) -> Callable[[str], object]:
    """The search without the cap of 500 characters."""
    compile_pattern(pattern)
    search: Callable[[str], object] = re2.compile(pattern).search
    return search


def _growth(work: Callable[[str], object], text: Callable[[int], str]) -> float:
    small, large = (_seconds(work, text(size)) for size in (_SMALL, _LARGE))
    return large / small


def _seconds(work: Callable[[str], object], text: str) -> float:
    """The quickest of several rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work(text)
        rounds.append(time.perf_counter() - started)
    return min(rounds)
