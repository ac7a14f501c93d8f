"""Pacing: when a message may leave, given what left before: a pure decision, and the memory behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from clawlane.config.settings import Pacing
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.store.pacing import DAY_MS, Sent
from clawlane.store.records import Chunk

_HOUR_MS = 3_600_000
_WINDOWS = (("minute", 60_000), ("hour", _HOUR_MS), ("day", DAY_MS))


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a message has to wait, in a few words, and until when."""

    reason: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Going:
    """A message that wants to leave. `stranger` says that it goes to a person not known to be a friend."""

    chunk: int
    thread: Thread
    digest: str
    stranger: bool


@dataclass(slots=True)
class Past:
    """What left an account, oldest first, as the rules ask for it: times of all, of a thread, of a text."""

    records: list[Sent] = field(default_factory=list)
    chunks: set[int] = field(default_factory=set)
    times: list[int] = field(default_factory=list)
    of_thread: dict[Thread, list[int]] = field(default_factory=dict)
    of_text: dict[str, dict[Thread, int]] = field(default_factory=dict)
    strangers: dict[Thread, int] = field(default_factory=dict)

    @classmethod
    def of(cls, sent: Iterable[Sent]) -> Past:
        past = cls()
        for one in sent:
            past.add(one)
        return past

    def add(self, sent: Sent) -> None:
        """The newest send."""
        self.records.append(sent)
        self.chunks.add(sent.chunk)
        self.times.append(sent.at_ms)
        self.of_thread.setdefault(sent.thread, []).append(sent.at_ms)
        self.of_text.setdefault(sent.digest, {})[sent.thread] = sent.at_ms
        if sent.stranger:
            self.strangers[sent.thread] = sent.at_ms


def decide(rules: Pacing, past: Past, going: Going, now_ms: int) -> Hold | None:
    """None if it may leave now, else what holds it longest.

    One that was on its way before has been counted: it only keeps the gap.
    """
    holds = list(_gap(past))
    if going.chunk not in past.chunks:
        holds += [
            *_budgets(rules, past, going),
            *_same_text(rules, past, going),
            *_people(rules, past, going),
        ]
    longest = max(holds, key=lambda hold: hold.until_ms, default=None)
    return longest if longest and longest.until_ms > now_ms else None


def _gap(past: Past) -> Iterator[Hold]:
    if past.records:
        last = past.records[-1]
        yield Hold("the gap between two messages", last.at_ms + last.gap_ms)


def _budgets(rules: Pacing, past: Past, going: Going) -> Iterator[Hold]:
    scopes = (
        ("account", rules.account, past.times),
        ("thread", rules.thread, past.of_thread.get(going.thread, [])),
    )
    for scope, budget, times in scopes:
        for name, window_ms in _WINDOWS:
            limit = getattr(budget, name)
            if len(times) >= limit:
                yield Hold(f"pacing.{scope}.{name} ({limit})", times[-limit] + window_ms)


def _same_text(rules: Pacing, past: Past, going: Going) -> Iterator[Hold]:
    threads = past.of_text.get(going.digest, {})
    rule = rules.same_text
    if going.thread in threads:
        yield Hold("the same text to the same thread", threads[going.thread] + _ms(rule.wait))
    else:
        yield from _spread(threads, rule.threads, _HOUR_MS, "the same text to many threads")


def _people(rules: Pacing, past: Past, going: Going) -> Iterator[Hold]:
    if going.stranger and going.thread not in past.strangers:
        for name, window_ms in _WINDOWS[1:]:
            limit = getattr(rules.strangers, name)
            yield from _spread(past.strangers, limit, window_ms, f"pacing.strangers.{name} ({limit})")


def _spread(latest: Mapping[Thread, int], limit: int, window_ms: int, reason: str) -> Iterator[Hold]:
    """One more thread, where only so many may have got something within the window."""
    if len(latest) >= limit:
        yield Hold(reason, sorted(latest.values())[-limit] + window_ms)


class Pacer:
    """Applies the rules to one account, with what it remembers of the last day.

    `jitter` gives a number from 0 to 1, by which gaps are stretched.
    """

    def __init__(self, rules: Pacing, jitter: Callable[[], float]) -> None:
        self._rules = rules
        self._jitter = jitter
        self._past = Past()
        self._friends: set[str] = set()

    def remember(self, sent: Iterable[Sent]) -> None:
        """Begin with what an earlier run sent."""
        self._past = Past.of(sent)

    def met(self, inbound: Inbound) -> None:
        """Note whether the writer of a message is a friend, where the channel could tell."""
        if inbound.sender_is_friend:
            self._friends.add(inbound.sender_id)
        elif inbound.sender_is_friend is False:
            self._friends.discard(inbound.sender_id)

    def hold(self, chunk: Chunk, now_ms: int) -> Hold | None:
        """What keeps a chunk from leaving now."""
        self._set_back(now_ms)
        thread = chunk.out.thread
        going = Going(chunk.id, thread, digest_of(chunk.out.text), self._is_stranger(thread))
        return decide(self._rules, self._past, going, now_ms)

    def note(self, chunk: Chunk, now_ms: int) -> Sent:
        """Count a chunk that leaves now. Gives what to keep of it."""
        thread = chunk.out.thread
        gap_ms = _ms(self._rules.gap) + int(_ms(self._rules.gap_jitter) * self._jitter())
        text = digest_of(chunk.out.text)
        sent = Sent(chunk.id, thread, now_ms, text, self._is_stranger(thread), gap_ms)
        self._forget(chunk.id, now_ms)
        self._past.add(sent)
        return sent

    def _forget(self, chunk: int, now_ms: int) -> None:
        """Drop an earlier try of this chunk, and once an hour what is older than a day."""
        records = self._past.records
        outdated = bool(records) and records[0].at_ms <= now_ms - DAY_MS - _HOUR_MS
        if outdated or chunk in self._past.chunks:
            kept = (one for one in records if one.chunk != chunk and one.at_ms > now_ms - DAY_MS)
            self._past = Past.of(kept)

    def _is_stranger(self, thread: Thread) -> bool:
        return thread.kind is ThreadKind.DM and thread.id not in self._friends

    def _set_back(self, now_ms: int) -> None:
        """After the clock was set back, what left in its future counts as having left now."""
        if self._past.times and self._past.times[-1] > now_ms:
            records = self._past.records
            self._past = Past.of(replace(one, at_ms=min(one.at_ms, now_ms)) for one in records)


def digest_of(text: str) -> str:
    """What stands for a text: the same for texts that differ in case and white space alone."""
    folded = " ".join(text.casefold().split())
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _ms(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)
