"""Whether searching strangers' texts and redacting log lines takes time in proportion to the text.

Measured is the CPU time of this thread, and the quickest of several rounds counts: what else the machine does
makes a round longer, never shorter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import re2

from benchmarks.figure import Figure
from clawlane.config.patterns import compile_pattern
from clawlane.gateway.redaction import redact

_SMALL, _LARGE, _ROUNDS = 8_000, 64_000, 5
_LIMIT = 2.5 * _LARGE / _SMALL
"""How many times as long the larger text may take: eight times, and room for noise, but not for growth."""

_TEXTS: dict[str, Callable[[int], str]] = {
    "letters": lambda size: "a" * size,
    "names": lambda size: "token" * (size // 5),
    "words": lambda size: "token " * (size // 6),
    "pairs": lambda size: "token=" * (size // 6),
    "blanks": lambda size: "token" + " " * size,
    "runs": lambda size: ("a" * 99 + " ") * (size // 100),
}
_PATTERNS = ("a*" * 40 + "b", "a?" * 40 + "a" * 40, "(a|a)" * 30 + "b")


def run() -> Iterator[Figure]:
    """How many times as long a text takes that is eight times as long: the worst of each kind of work."""
    note = f"{_SMALL // 1000} kB to {_LARGE // 1000} kB"
    worst = max(_growth(redact, text) for text in _TEXTS.values())
    yield Figure("redaction, growth", worst, "times", note, limit=_LIMIT)
    for pattern in _PATTERNS:
        compile_pattern(pattern)  # raises for a pattern that the config refuses
    searches = [re2.compile(pattern).search for pattern in _PATTERNS]  # without the cap of 500 characters
    worst = max(_growth(search, _TEXTS["letters"]) for search in searches)
    yield Figure("mention patterns, growth", worst, "times", note, limit=_LIMIT)


def _growth(work: Callable[[str], object], text: Callable[[int], str]) -> float:
    small, large = (_seconds(work, text(size)) for size in (_SMALL, _LARGE))
    return large / small


def _seconds(work: Callable[[str], object], text: str) -> float:
    """The quickest of several rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        started = time.thread_time()
        work(text)
        rounds.append(time.thread_time() - started)
    return min(rounds)
