"""Pacing: when a message may leave, given what was sent before. A pure decision and its history."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from clawlane.lane.warm_up import DAYS, WarmUp, replies
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.store.models import WARM_UP, Chunk, Hold, Purpose
from clawlane.store.send_log import DAY_MS, SentChunk
from clawlane.zone import Zone

if TYPE_CHECKING:
    from clawlane.config.settings import Pacing

_HOUR_MS = 3_600_000
WINDOWS = (("minute", 60_000), ("hour", _HOUR_MS), ("day", DAY_MS))


_KEPT = 4
"""1/4 of each of the account's windows is reserved for threads that have used little of it."""

_LITTLE = 8
"""Little is less than 1/8 of the window."""

GAP = "the gap between two messages"

_MET = 256
"""How many senders are remembered whose messages told whether they are friends."""


@dataclass(frozen=True, slots=True)
class PendingSend:
    """A message to send. `stranger` says that it goes to a person not known to be a friend.

    `digest` identifies the whole of what an agent says, and `turn` is its `Chunk.text_id`; for other texts
    they are empty and None. `warms_up` says that it counts against the warm-up: not what the operator sends,
    nor the rest of a reply that began to leave. `takes_back` says that the owner takes a message back: only
    the gap and the budgets of a minute hold that, for what is wrong must not stay until tomorrow.
    """

    chunk: int
    thread: Thread
    digest: str
    stranger: bool
    turn: int | None = None
    warms_up: bool = True
    takes_back: bool = False


@dataclass(slots=True)
class SendHistory:
    """What an account sent, oldest first, indexed as the rules need it: by thread, reply, stranger."""

    records: list[SentChunk] = field(default_factory=list)
    chunks: set[int] = field(default_factory=set)
    times: list[int] = field(default_factory=list)
    of_thread: dict[Thread, list[int]] = field(default_factory=dict)
    last_ms: dict[Thread, int] = field(default_factory=dict)
    replies: dict[str, dict[int, tuple[Thread, int]]] = field(default_factory=dict)
    turns: set[int] = field(default_factory=set)
    strangers: dict[Thread, int] = field(default_factory=dict)

    @classmethod
    def of(cls, sent: Iterable[SentChunk]) -> SendHistory:
        past = cls()
        for one in sent:
            past.add(one)
        return past

    def add(self, sent: SentChunk) -> None:
        """The newest send."""
        self.records.append(sent)
        self.chunks.add(sent.chunk)
        self.times.append(sent.at_ms)
        self.of_thread.setdefault(sent.thread, []).append(sent.at_ms)
        self.last_ms[sent.thread] = sent.at_ms
        if sent.turn is not None:
            self.replies.setdefault(sent.digest, {})[sent.turn] = (sent.thread, sent.at_ms)
            self.turns.add(sent.turn)
        if sent.stranger:
            self.strangers[sent.thread] = sent.at_ms


def decide(
    rules: Pacing, past: SendHistory, going: PendingSend, now_ms: int, warm_up: WarmUp | None = None
) -> Hold | None:
    """None if it may leave now, else the rule that holds it longest.

    A chunk that is sent again has been counted already: it only keeps the gap. A warm-up holds where the
    rules are switched off as well.
    """
    holds = list(_gap(past))
    if warm_up is not None and going.warms_up and going.chunk not in past.chunks:
        holds += _warm_up(rules, warm_up, past, now_ms)
    if rules.enabled and going.takes_back and going.chunk not in past.chunks:
        holds += _budgets(rules, past, going, WINDOWS[:1])
    elif rules.enabled and going.chunk not in past.chunks:
        holds += [
            *_budgets(rules, past, going),
            *_same_text(rules, past, going),
            *_people(rules, past, going),
        ]
    longest = max(holds, key=lambda hold: hold.until_ms, default=None)
    return longest if longest and longest.until_ms > now_ms else None


def _gap(past: SendHistory) -> Iterator[Hold]:
    if past.records:
        last = past.records[-1]
        yield Hold(GAP, last.at_ms + last.gap_ms)


def _budgets(
    rules: Pacing, past: SendHistory, going: PendingSend, windows: Sequence[tuple[str, int]] = WINDOWS
) -> Iterator[Hold]:
    own = past.of_thread.get(going.thread, [])
    scopes = (("account", rules.account, past.times), ("thread", rules.thread, own))
    for scope, budget, times in scopes:
        for name, window_ms in windows:
            limit = getattr(budget, name)
            if len(times) >= limit:
                yield Hold(f"pacing.{scope}.{name} ({limit})", times[-limit] + window_ms)
    for name, window_ms in windows:
        yield from _share(getattr(rules.account, name), name, window_ms, past.times, own)


def _share(limit: int, name: str, window_ms: int, times: list[int], own: list[int]) -> Iterator[Hold]:
    """The last part of an account's window is reserved for threads that have used little of it."""
    open_to_all, little = limit - limit // _KEPT, max(1, limit // _LITTLE)
    if open_to_all < limit and len(times) >= open_to_all and len(own) >= little:
        until_ms = min(times[-open_to_all], own[-little]) + window_ms
        yield Hold(f"pacing.account.{name} ({limit}), the rest is for others", until_ms)


def _warm_up(rules: Pacing, warm_up: WarmUp, past: SendHistory, now_ms: int) -> Iterator[Hold]:
    """The budgets of a new session. They count whole replies, and grow at the end of each of its days."""
    if (day := warm_up.day(now_ms)) is None:
        return
    times = reply_times(past.records)
    for name, window_ms in WINDOWS:
        limit = replies(rules, name, day)
        if len(times) >= limit:
            until_ms = min(times[-limit] + window_ms, warm_up.next_ms(now_ms))
            yield Hold(f"{WARM_UP} day {day} of {DAYS} ({name}: {limit})", until_ms)


def reply_times(records: Iterable[SentChunk]) -> list[int]:
    """When replies began to leave, in order. What is no reply counts as one: a code, a reaction."""
    seen: set[int] = set()
    times = []
    for one in records:
        if one.turn is None or one.turn not in seen:
            times.append(one.at_ms)
        if one.turn is not None:
            seen.add(one.turn)
    return times


def _same_text(rules: Pacing, past: SendHistory, going: PendingSend) -> Iterator[Hold]:
    """The guard against loops. It counts whole replies; one that has begun to leave passes."""
    if not going.digest or going.turn in past.turns:
        return
    rule = rules.same_text
    sent = sorted(past.replies.get(going.digest, {}).values(), key=lambda one: one[1])
    here = [at_ms for thread, at_ms in sent if thread == going.thread]
    if len(here) >= rule.times:
        until_ms = here[-rule.times] + _ms(rule.wait)
        yield Hold(f"pacing.sameText.times ({rule.times})", until_ms, aside=True)
    if not here:
        reason = f"pacing.sameText.threads ({rule.threads})"
        for hold in _spread(dict(sent), rule.threads, _HOUR_MS, reason):
            yield replace(hold, aside=True)


def _people(rules: Pacing, past: SendHistory, going: PendingSend) -> Iterator[Hold]:
    if going.stranger and going.thread not in past.strangers:
        for name, window_ms in WINDOWS[1:]:
            limit = getattr(rules.strangers, name)
            reason = f"pacing.strangers.{name} ({limit})"
            yield from _spread(past.strangers, limit, window_ms, reason)


def _spread(latest: Mapping[Thread, int], limit: int, window_ms: int, reason: str) -> Iterator[Hold]:
    """The hold on one more thread, once `limit` threads received something within the window."""
    if len(latest) >= limit:
        yield Hold(reason, sorted(latest.values())[-limit] + window_ms)


class Pacer:
    """Applies the rules to one account, with its history of the last day.

    `jitter` gives a number from 0 to 1, by which gaps are stretched.
    """

    def __init__(self, rules: Pacing, jitter: Callable[[], float], warm_up: WarmUp | None = None) -> None:
        self._rules = rules
        self._warm_up = warm_up
        self._jitter = jitter
        self._past = SendHistory()
        self._met: OrderedDict[str, bool] = OrderedDict()
        """Whether the latest senders are friends, as far as their messages told."""

    def follow(self, rules: Pacing, warm_up: WarmUp | None = None) -> None:
        """From now on these rules count, for what was sent before, too."""
        self._rules, self._warm_up = rules, warm_up

    def remember(self, sent: Iterable[SentChunk]) -> None:
        """Start with what earlier runs sent."""
        self._past = SendHistory.of(sent)

    def friends_listed(self) -> None:
        """The store has the friends of now: what messages told before does not count any more."""
        self._met.clear()

    def met(self, inbound: Inbound) -> bool:
        """Note whether a sender is a friend, if the channel knows. True if that is new."""
        sender, is_friend = inbound.sender_id, inbound.sender_is_friend
        if is_friend is None:
            return False
        known = self._met.pop(sender, None)
        self._met[sender] = is_friend
        if len(self._met) > _MET:
            self._met.popitem(last=False)
        return known is not is_friend

    def hold(self, chunk: Chunk, now_ms: int) -> Hold | None:
        """What keeps a chunk from leaving now."""
        self._set_back(now_ms)
        thread = chunk.out.thread
        digest = digest_of(chunk.reply) if chunk.reply and not chunk.begun else ""
        warms_up = chunk.purpose is not Purpose.OPERATOR and not chunk.begun
        about = (digest, self._is_stranger(chunk), chunk.text_id, warms_up, chunk.takes_back)
        going = PendingSend(chunk.id, thread, *about)
        return decide(self._rules, self._past, going, now_ms, self._warm_up)

    def note(self, chunk: Chunk, now_ms: int) -> SentChunk:
        """Count a chunk that leaves now. Returns the record to store."""
        thread = chunk.out.thread
        gap_ms = 0
        if self._rules.enabled:
            gap_ms = _ms(self._rules.gap) + int(_ms(self._rules.gap_jitter) * self._jitter())
        digest = digest_of(chunk.reply) if chunk.reply else ""
        sent = SentChunk(chunk.id, thread, now_ms, digest, self._is_stranger(chunk), gap_ms, chunk.text_id)
        self._forget(chunk.id, now_ms)
        self._past.add(sent)
        return sent

    def forget(self, chunk_id: int) -> None:
        """A chunk that was counted did not leave after all."""
        self._past = SendHistory.of(one for one in self._past.records if one.chunk != chunk_id)

    def rests_until_ms(self, now_ms: int) -> int:
        """Until when nothing at all may leave because of the gap; not after `now_ms` if something may."""
        self._set_back(now_ms)
        return max((hold.until_ms for hold in _gap(self._past)), default=now_ms)

    def last_ms(self) -> dict[Thread, int]:
        """When each thread last received something, within the last day."""
        return self._past.last_ms.copy()

    def _forget(self, chunk: int, now_ms: int) -> None:
        """Drop an earlier attempt of this chunk, and once an hour everything older than a day."""
        records = self._past.records
        outdated = bool(records) and records[0].at_ms <= now_ms - DAY_MS - _HOUR_MS
        if outdated or chunk in self._past.chunks:
            kept = (one for one in records if one.chunk != chunk and one.at_ms > now_ms - DAY_MS)
            self._past = SendHistory.of(kept)

    def _is_stranger(self, chunk: Chunk) -> bool:
        thread = chunk.out.thread
        return thread.kind is ThreadKind.DM and not self._met.get(thread.id, chunk.to_friend)

    def _set_back(self, now_ms: int) -> None:
        """After the clock was set back, sends in its future count as sent now."""
        if self._past.times and self._past.times[-1] > now_ms:
            records = self._past.records
            self._past = SendHistory.of(replace(one, at_ms=min(one.at_ms, now_ms)) for one in records)


def held_words(hold: Hold, zone: Zone) -> str:
    """`held: pacing.thread.minute (8) until 2026-11-28 14:03:10`."""
    return f"held: {hold.reason} until {zone.at(hold.until_ms):%Y-%m-%d %H:%M:%S}"


def digest_of(text: str) -> str:
    """A digest of a text, the same for texts that differ only in case and white space."""
    folded = " ".join(text.casefold().split())
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _ms(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)
