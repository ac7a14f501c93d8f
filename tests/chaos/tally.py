"""The account of a story: what people wrote against what Zalo saw of the answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_KEY = re.compile(r"#\d{5}")


def text_of(number: int) -> str:
    """The text of one message; no two have the same, and their keys rise."""
    return f"#{number:05d} em hỏi anh chút được không?"


def key_of(text: str) -> str:
    """What tells a message, or its echo, from all others; empty for a text of somebody else."""
    found = _KEY.match(text)
    return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A message that reached Zalo: the thread it went to, and its text."""

    thread_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """How a story ended.

    `held` are messages without an answer that the operator is asked about. `misplaced` are answers that came
    in the wrong thread, or before the answer to an earlier message of their thread.
    """

    delivered: int
    answered: int
    duplicates: int
    lost: int
    held: int
    misplaced: int

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, sent twice or out of its place."""
        return not (self.duplicates or self.lost or self.misplaced)

    def __str__(self) -> str:
        told = (
            f"delivered {self.delivered}, answered {self.answered},"
            f" duplicates {self.duplicates}, lost {self.lost}"
        )
        if self.held:
            told += f", held {self.held}"
        return f"{told}, out of order {self.misplaced}"


def tally(
    written: Mapping[str, Sequence[str]], answers: Sequence[Answer], held: Collection[str] = ()
) -> Report:
    """Compare. `written` are the keys of each thread in their order, `held` those that wait for somebody."""
    thread_of = {key: thread for thread, keys in written.items() for key in keys}
    times = Counter(key for answer in answers if (key := key_of(answer.text)) in thread_of)
    waiting = {key for key in held if key in thread_of and key not in times}
    return Report(
        delivered=len(thread_of),
        answered=len(times),
        duplicates=times.total() - len(times),
        lost=len(thread_of) - len(times) - len(waiting),
        held=len(waiting),
        misplaced=_misplaced(thread_of, answers),
    )


def _misplaced(thread_of: Mapping[str, str], answers: Sequence[Answer]) -> int:
    """Answers in a wrong thread or before an earlier one's. A second answer counts as a duplicate only."""
    newest: dict[str, str] = {}
    seen: set[str] = set()
    count = 0
    for answer in answers:
        key = key_of(answer.text)
        if key not in thread_of or key in seen:
            continue
        seen.add(key)
        count += thread_of[key] != answer.thread_id or key < newest.get(answer.thread_id, "")
        newest[answer.thread_id] = max(key, newest.get(answer.thread_id, ""))
    return count
