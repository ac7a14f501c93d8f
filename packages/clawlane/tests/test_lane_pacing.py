"""Pacing on a clock that is turned by hand: what may leave when, what is held, and what a restart forgets."""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages.clawlane.tests.lane_bench import Clock
from pydantic import ValidationError

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.in_force import Rules
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.channel import Account, NotSent
from clawlane.config.choices import DmPolicy, PairingReply
from clawlane.config.settings import ChannelSettings, Pacing
from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.gate import Gate, Objection
from clawlane.lane.pacing import Pacer, PendingSend, SendHistory, decide
from clawlane.messages import (
    Inbound,
    Outgoing,
    Reaction,
    Receipt,
    Signal,
    Text,
    Thread,
    ThreadKind,
    Typing,
)
from clawlane.store import due, inbox, send_log, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import open_store
from clawlane.store.errors import StoreFailed
from clawlane.store.models import AdmittedMessage, Chunk, History, NewMessage
from clawlane.store.send_log import SentChunk
from clawlane.store.told import Pause, PauseLevel

NOW = 1_700_000_000_000
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
LOOP, LOOP_1 = "pacing.sameText.times (3)", "pacing.sameText.times (1)"
SHARE = "pacing.account.hour (8), the rest is for others"
PAIRING = AccessPolicy(dm=DmPolicy.PAIRING)
ACCOUNT = Account("zalouser", "default", "default", None)


def dm(number: int) -> Thread:
    return Thread(ThreadKind.DM, str(number))


def rules(**written: object) -> Pacing:
    """Rules that hold nothing but for what is written."""
    many = {"minute": 10_000, "hour": 10_000, "day": 10_000}
    loose: dict[str, object] = {
        "account": many,
        "thread": many,
        "strangers": {"hour": 10_000, "day": 10_000},
        "sameText": {"wait": "0s", "threads": 10_000},
        "gap": "0s",
        "gapJitter": "0s",
    }
    for key, value in written.items():
        found = loose[key]
        loose[key] = {**found, **value} if isinstance(found, dict) and isinstance(value, dict) else value
    return Pacing.model_validate(loose)


def went(*ages: int, thread: Thread | None = None, text: str = "", stranger: bool = False) -> list[SentChunk]:
    """What left so many milliseconds ago, the oldest first, each text another unless one is given."""
    return [
        SentChunk(number, thread or dm(number), NOW - age, text or f"text {number}", stranger, 0, number)
        for number, age in enumerate(sorted(ages, reverse=True), start=1000)
    ]


@pytest.mark.parametrize(
    ("written", "past", "reason", "wait"),
    [
        ({}, went(1, 2, 3), None, 0),
        ({"account": {"minute": 3}}, went(50_000, 20_000, 1), "pacing.account.minute (3)", 10_000),
        ({"account": {"minute": 3}}, went(61_000, 20_000, 1), None, 0),
        ({"account": {"hour": 2}}, went(HOUR - 5, 9), "pacing.account.hour (2)", 5),
        ({"account": {"day": 1}}, went(DAY - 7), "pacing.account.day (1)", 7),
        ({"thread": {"minute": 2}}, went(40_000, 30_000, thread=dm(7)), "pacing.thread.minute (2)", 20_000),
        ({"thread": {"minute": 2}}, went(40_000, 30_000, thread=dm(8)), None, 0),
        ({"sameText": {"wait": "10m"}}, went(1, 2, MINUTE, thread=dm(7), text="hi"), LOOP, 9 * MINUTE),
        ({"sameText": {"wait": "10m"}}, went(1, MINUTE, thread=dm(7), text="hi"), None, 0),
        ({"sameText": {"times": 1, "wait": "1m"}}, went(9, thread=dm(7), text="hi"), LOOP_1, MINUTE - 9),
        ({"sameText": {"wait": "10m"}}, went(1, 2, 3, MINUTE, thread=dm(8), text="hi"), None, 0),
        ({"sameText": {"threads": 2}}, went(9, HOUR - 4, text="hi"), "pacing.sameText.threads (2)", 4),
        ({"account": {"hour": 8}}, went(*range(1, 7), thread=dm(7)), SHARE, HOUR - 6),
        ({"account": {"hour": 8}}, went(*range(1, 7), thread=dm(8)), None, 0),
        ({"account": {"hour": 8}}, went(*range(1, 9)), "pacing.account.hour (8)", HOUR - 8),
        ({"strangers": {"hour": 2}}, went(9, HOUR - 4, stranger=True), "pacing.strangers.hour (2)", 4),
        ({"strangers": {"day": 2}}, went(9, DAY - 6, stranger=True), "pacing.strangers.day (2)", 6),
        ({"strangers": {"hour": 1}}, went(9, thread=dm(7), stranger=True), None, 0),
        ({"account": {"minute": 1, "hour": 1}}, went(1), "pacing.account.hour (1)", HOUR - 1),
    ],
)
def test_each_rule_says_what_holds_a_message_and_how_long(
    written: dict[str, object], past: list[SentChunk], reason: str | None, wait: int
) -> None:
    hold = decide(
        rules(**written), SendHistory.of(past), PendingSend(1, dm(7), "hi", stranger=True, turn=1), NOW
    )
    if reason is None:
        assert hold is None
    else:
        assert hold is not None
        assert hold.reason.startswith(reason)
        assert hold.until_ms - NOW == wait


def test_friends_do_not_count_as_strangers() -> None:
    tight = rules(strangers={"hour": 1})
    past = SendHistory.of(went(5, stranger=True))
    assert decide(tight, past, PendingSend(1, dm(7), "hi", stranger=False, turn=1), NOW) is None


@dataclass
class Wire:
    """A channel that writes down what reached it and when."""

    clock: Clock
    arrived: list[tuple[int, Thread, str]] = field(default_factory=list)
    shown: list[Signal] = field(default_factory=list)

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        self.arrived.append((self.clock.ms, out.thread, out.text))
        return Receipt((str(len(self.arrived)),))

    async def signal(self, account: Account, signal: Signal) -> None:
        self.shown.append(signal)


@dataclass
class Lane:
    """The gate of an account before a wire, with a real store behind it."""

    account_store: AccountStore
    clock: Clock
    wire: Wire
    rules: Pacing
    paired: frozenset[str] = frozenset({"7"})
    access: Rules = Rules(PAIRING)  # noqa: RUF009
    kept: dict[int, SentChunk] = field(default_factory=dict)
    gate: Gate = field(init=False)

    async def start(self) -> None:
        """A new run, which knows of the one before what is stored."""
        self.gate = Gate(ACCOUNT, self.wire, Pacer(self.rules, random.Random(7).random))  # type: ignore[arg-type]
        access = AccessChecker(self.account_store, lambda: self.access, lambda: Grants(paired=self.paired))
        open_chunks = await self.run(send_log.open_chunks)
        self.gate.begin(access, self.gate.changes, open_chunks, await self.run(send_log.sends))

    async def run(self, transition: Callable[..., Any], *args: Any) -> Any:
        """What a restart finds: the gate is tested without the outbox that writes down what left."""
        if transition is send_log.sends:
            return sorted(self.kept.values(), key=lambda sent: (sent.at_ms, sent.chunk))
        return await self.account_store.run(transition, *args)

    async def leave(self, chunk: Chunk) -> None:
        note = self.gate.sent(chunk, self.clock.ms)
        assert note is not None
        self.kept[chunk.id] = note
        await self.gate.send(chunk)

    async def leave_all(self, chunks: Iterable[Chunk], restart_every: int = 0) -> None:
        """Send everything as an outbox does: in order in each thread, and not before the gate says."""
        queues: dict[Thread, deque[Chunk]] = defaultdict(deque)
        for chunk in chunks:
            queues[chunk.out.thread].append(chunk)
        while any(queues.values()):
            heads = [queue[0] for queue in queues.values() if queue]
            waits = [wait for head in heads if (wait := self.gate.wait_ms(head, self.clock.ms)) is not None]
            self.clock.ms += min(waits)
            for head in heads:
                if self.gate.wait_ms(head, self.clock.ms) == 0:
                    await self.leave(head)
                    queues[head.out.thread].popleft()
                    if restart_every and len(self.wire.arrived) % restart_every == 0:
                        await self.start()


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    clock = Clock()
    async with (
        open_store(tmp_path / "store.sqlite", tmp_path / "lock", clock) as store,
        store.own("zalouser/default") as account_store,
    ):
        made = Lane(account_store, clock, Wire(clock), Pacing())
        await made.start()
        yield made


def chunk(number: int, thread: Thread, text: str = "", *, to_friend: bool = False) -> Chunk:
    return Chunk(number, None, Text(thread, text or f"text {number}"), 1, to_friend=to_friend)


def reply(turn: int, text: str, thread: Thread | None = None) -> Chunk:
    """A reply in one part."""
    return Chunk(turn, turn, Text(thread or dm(7), text), 1, reply=text)


def most_within(times: list[int], window_ms: int) -> int:
    """The most that left within any stretch of that length."""
    recent: deque[int] = deque()
    most = 0
    for time in sorted(times):
        recent.append(time)
        while recent[0] <= time - window_ms:
            recent.popleft()
        most = max(most, len(recent))
    return most


@pytest.mark.parametrize("restart_every", [0, 7])
async def test_a_day_of_bursts_leaves_within_all_budgets_in_order_and_whole(
    lane: Lane, restart_every: int
) -> None:
    """300 texts at once to a group and to strangers, with the built-in budgets; restarts change nothing."""
    group, people = Thread(ThreadKind.GROUP, "500"), [dm(number) for number in range(40)]
    chunks = [chunk(n, group if n % 3 == 0 else people[n % 40], f"số {n // 6}") for n in range(300)]

    await lane.leave_all(chunks, restart_every)

    arrived, built_in = lane.wire.arrived, Pacing()
    times = [at for at, _, _ in arrived]
    assert Counter(text for _, _, text in arrived) == Counter(one.out.text for one in chunks)
    assert all(later - earlier >= SECOND for earlier, later in pairwise(times))
    assert most_within(times, MINUTE) <= built_in.account.minute
    assert most_within(times, HOUR) <= built_in.account.hour
    for thread in {thread for _, thread, _ in arrived}:
        mine = [(at, text) for at, to, text in arrived if to == thread]
        assert [text for _, text in mine] == [one.out.text for one in chunks if one.out.thread == thread]
        assert most_within([at for at, _ in mine], MINUTE) <= built_in.thread.minute
    first_texts = {to: at for at, to, _ in reversed(arrived) if to.kind is ThreadKind.DM}
    assert most_within(list(first_texts.values()), HOUR) <= built_in.strangers.hour
    assert most_within(list(first_texts.values()), DAY) <= built_in.strangers.day


async def test_a_friend_who_has_not_written_yet_is_no_stranger(lane: Lane) -> None:
    lane.rules = rules(strangers={"hour": 1})
    await lane.start()
    await lane.leave_all([chunk(number, dm(number), to_friend=number < 3) for number in range(4)])
    assert lane.gate.wait_ms(chunk(9, dm(9)), lane.clock.ms + MINUTE) == HOUR - MINUTE
    assert lane.gate.wait_ms(chunk(9, dm(9), to_friend=True), lane.clock.ms + MINUTE) == 0


async def test_pacing_that_is_switched_on_knows_what_was_sent(lane: Lane) -> None:
    lane.rules = rules()
    await lane.start()
    await lane.leave_all(chunk(number, dm(number)) for number in range(3))
    start_ms = lane.clock.ms
    await lane.gate.follow(Pacing(enabled=False), lambda: 0.0, lane)  # type: ignore[arg-type]
    await lane.gate.follow(rules(strangers={"hour": 1}), lambda: 0.0, lane)  # type: ignore[arg-type]
    assert lane.gate.wait_ms(chunk(11, dm(1), to_friend=True), start_ms + MINUTE) == 0
    assert lane.gate.wait_ms(chunk(9, dm(9)), start_ms + MINUTE) not in (None, 0)


async def test_pacing_is_switched_on_even_if_what_was_sent_cannot_be_read(lane: Lane) -> None:
    class Broken:
        async def run(self, *_: object) -> None:
            raise StoreFailed("the disk is gone")

    await lane.gate.follow(Pacing(enabled=False), lambda: 0.0, None)
    with pytest.raises(StoreFailed):
        await lane.gate.follow(rules(thread={"minute": 1}), lambda: 0.0, Broken())  # type: ignore[arg-type]
    await lane.leave(chunk(1, dm(1)))
    assert lane.gate.wait_ms(chunk(2, dm(1)), lane.clock.ms) == MINUTE


async def test_a_restart_does_not_renew_a_budget(lane: Lane) -> None:
    lane.rules = rules(account={"minute": 3})
    await lane.start()
    await lane.leave_all(chunk(number, dm(number)) for number in range(3))
    await lane.start()
    assert lane.gate.wait_ms(chunk(9, dm(9)), lane.clock.ms) == MINUTE


async def test_what_is_tried_again_counts_once_and_keeps_only_the_gap(lane: Lane) -> None:
    lane.rules = rules(thread={"minute": 1}, sameText={"wait": "10m"}, gap="2s")
    await lane.start()
    first = chunk(1, dm(7), "hello")
    await lane.leave(first)
    assert lane.gate.wait_ms(first, lane.clock.ms) == 2 * SECOND
    lane.clock.ms += 2 * SECOND
    assert lane.gate.wait_ms(first, lane.clock.ms) == 0
    await lane.leave(first)
    assert [sent.at_ms for sent in await lane.run(send_log.sends)] == [lane.clock.ms]


async def test_a_clock_that_was_set_back_holds_no_longer_than_the_rule_says(lane: Lane) -> None:
    lane.rules = rules(account={"hour": 1})
    await lane.start()
    await lane.leave(chunk(1, dm(7)))
    lane.clock.ms -= 3 * DAY
    assert lane.gate.wait_ms(chunk(2, dm(8)), lane.clock.ms) == HOUR


async def test_who_is_a_friend_is_learnt_from_what_they_write(lane: Lane) -> None:
    lane.rules = rules(strangers={"hour": 1})
    await lane.start()
    await lane.leave(chunk(1, dm(1)))
    to_lan = chunk(2, dm(2))
    assert lane.gate.wait_ms(to_lan, lane.clock.ms) == HOUR
    lane.gate.met(Inbound("default", "m1", dm(2), "2", "Lan", "hi", NOW, sender_is_friend=True))
    assert lane.gate.wait_ms(to_lan, lane.clock.ms) == 0


async def test_case_and_white_space_do_not_make_another_reply(lane: Lane) -> None:
    for number in range(3):
        await lane.leave(reply(number, "Chào bạn"))
    held = lane.gate.held(reply(9, "chào  BẠN\n"), lane.clock.ms)
    assert held is not None
    assert held.reason == LOOP
    assert held.until_ms == NOW + 10 * MINUTE


async def test_parts_of_one_reply_and_texts_that_are_no_reply_are_no_repetition(lane: Lane) -> None:
    lane.rules = rules(sameText={"times": 1, "wait": "10m"})
    await lane.start()
    for number in range(5):
        await lane.leave(replace(reply(1, "one\none"), id=number, begun=number > 0))
        await lane.leave(chunk(100 + number, dm(7), "xin mã"))
    assert lane.gate.wait_ms(replace(reply(1, "one\none"), id=9, begun=True), lane.clock.ms) == 0
    assert lane.gate.wait_ms(chunk(200, dm(7), "xin mã"), lane.clock.ms) == 0
    assert lane.gate.wait_ms(reply(300, "one\none"), lane.clock.ms) == 10 * MINUTE


async def test_a_flooder_leaves_the_rest_of_every_window_to_the_others(lane: Lane) -> None:
    flood = {"minute": 10_000, "hour": 10_000, "day": 10_000}
    lane.rules = rules(account={"minute": 16, "hour": 40, "day": 80}, thread=flood)
    await lane.start()
    for number in range(200):
        lane.clock.ms += lane.gate.wait_ms(flooding := chunk(number, dm(7)), lane.clock.ms) or 0
        await lane.leave(flooding)
        assert lane.gate.wait_ms(chunk(1000 + number, dm(8)), lane.clock.ms) == 0
    assert most_within([at for at, _, _ in lane.wire.arrived], HOUR) == 30


async def test_whoever_waited_longest_comes_first(lane: Lane) -> None:
    lane.rules = rules()
    await lane.start()
    await lane.leave(chunk(1, dm(7)))
    flooding, friend = chunk(2, dm(7)), chunk(3, dm(8))
    last_ms = lane.gate.last_ms
    assert last_ms.get(friend.out.thread, 0) < last_ms[flooding.out.thread]


async def test_a_pause_holds_texts_and_signals_until_it_ends(lane: Lane) -> None:
    muted = Pause("zalouser/default", None, PauseLevel.MUTE, NOW)
    going = chunk(1, dm(7))
    lane.gate.pause([muted])
    assert lane.gate.wait_ms(going, lane.clock.ms) is None
    with pytest.raises(NotSent, match="paused"):
        await lane.gate.show(Typing(dm(7)), lane.clock.ms)
    with pytest.raises(NotSent, match="paused"):
        await lane.leave(going)
    assert (lane.wire.arrived, lane.wire.shown) == ([], [])

    lane.gate.pause([])
    await lane.gate.opened(dm(7))
    await lane.leave(going)
    await lane.gate.show(Typing(dm(7)), lane.clock.ms)
    assert (len(lane.wire.arrived), len(lane.wire.shown)) == (1, 1)


@pytest.mark.parametrize("how", ["asked", "unasked", "restart"])
async def test_a_reply_that_waited_does_not_go_to_somebody_who_was_shut_out_meanwhile(
    lane: Lane, how: str
) -> None:
    admit = Decision(Outcome.ADMIT, Reason.DM_PAIRED, Rule("channels.zalouser.dmPolicy", "channel"))
    message = Inbound("default", "m1", dm(7), "7", "Lan", "hi", NOW)
    [turn] = await lane.account_store.run(
        inbox.admit_all, [NewMessage(message, admit, PairingReply.CODE, NOW)]
    )
    assert isinstance(turn, AdmittedMessage)
    await lane.account_store.run(turns.start, turn.seq, History.INCLUDE)
    await lane.account_store.run(turns.reply, turn.seq, [Text(dm(7), "hello")])
    [waiting] = (await lane.account_store.run(due.waiting)).chunks
    lane.gate.pause([Pause("zalouser/default", None, PauseLevel.MUTE, NOW)])
    if how == "asked":
        assert lane.gate.wait_ms(waiting, NOW) is None
    elif how == "unasked":
        lane.gate.delay([waiting.id])

    lane.paired = frozenset()
    if how == "restart":
        await lane.start()
    lane.gate.pause([])
    assert await lane.gate.objection(waiting, lane.account_store) is Objection.NOT_ADMITTED


async def test_a_paused_thread_leaves_the_others_alone(lane: Lane) -> None:
    lane.gate.pause([Pause("zalouser/default", dm(7), PauseLevel.MUTE, NOW)])
    assert lane.gate.wait_ms(chunk(1, dm(7)), lane.clock.ms) is None
    assert lane.gate.wait_ms(chunk(2, dm(8)), lane.clock.ms) == 0


small = st.integers(1, 4)


@given(
    budget=small,
    in_thread=small,
    gap=st.integers(0, 20),
    to=st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["a", "b", "c", "d"])), max_size=25),
)
def test_no_window_ever_holds_more_than_its_budget(
    budget: int, in_thread: int, gap: int, to: list[tuple[int, str]]
) -> None:
    tight = rules(account={"minute": budget}, thread={"minute": in_thread}, gap=f"{gap}s")
    pacer, now, left = Pacer(tight, lambda: 0.5), NOW, []
    for number, (person, text) in enumerate(to):
        going = chunk(number, dm(person), text)
        while hold := pacer.hold(going, now):
            assert hold.until_ms > now
            now = hold.until_ms
        pacer.note(going, now)
        left.append((now, person))
    assert most_within([at for at, _ in left], MINUTE) <= budget
    for person in (1, 2, 3):
        assert most_within([at for at, to_whom in left if to_whom == person], MINUTE) <= in_thread


def test_a_part_of_the_block_keeps_the_rest_of_the_defaults_and_pacing_can_be_off() -> None:
    settings = ChannelSettings.model_validate({"pacing": {"account": {"minute": 30}, "gap": "3s"}})
    assert (settings.pacing.account.minute, settings.pacing.account.hour) == (30, Pacing().account.hour)
    assert settings.pacing.enabled
    off = ChannelSettings.model_validate({"pacing": {"enabled": False}})
    assert not off.pacing.enabled


@pytest.mark.parametrize("wrong", [{"account": {"minute": 0}}, {"gap": 5}, {"accounts": {}}])
def test_a_budget_of_nothing_and_unknown_words_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Pacing.model_validate(wrong)


def test_what_tools_say_counts_as_texts_of_their_own_for_the_guard_against_loops() -> None:
    pacer = Pacer(Pacing(gap=timedelta(0), gapJitter=timedelta(0)), lambda: 0.0)

    def said(number: int, text: str) -> Chunk:
        return Chunk(number, None, Text(dm(7), text), 1, text, by_turn=1, first=number)

    for number in range(1, 4):
        assert pacer.hold(said(number, "again"), NOW) is None
        pacer.note(said(number, "again"), NOW)
    held = pacer.hold(said(4, "Again "), NOW)
    assert held is not None
    assert (held.reason, held.aside) == ("pacing.sameText.times (3)", True)
    assert pacer.hold(said(4, "other"), NOW) is None
    reaction = Chunk(5, None, Reaction(dm(7), "77", "HEART", "78"), 1, by_turn=1, first=5)
    assert pacer.hold(reaction, NOW) is None


def test_what_tools_say_spends_the_budgets() -> None:
    pacer = Pacer(Pacing(gap=timedelta(0), gapJitter=timedelta(0)), lambda: 0.0)
    for number in range(1, 9):
        pacer.note(Chunk(number, None, Text(dm(7), "a"), 1, f"a{number}", by_turn=1, first=number), NOW)
    held = pacer.hold(Chunk(9, 2, Text(dm(7), "reply"), 1, "reply"), NOW)
    assert held is not None
    assert held.reason == "pacing.thread.minute (8)"
