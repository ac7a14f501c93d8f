"""The store: chunks that nobody answered for, replies in parts, messages that are set aside, and `/stop`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Own, Receipt, Text, Thread, ThreadKind, Undone
from clawlane.store import catch_up, due, inbox, sending, unknown_sends
from clawlane.store import turns as store_turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.due import LOOK_UP_MS, UNASKED_MS
from clawlane.store.errors import NoDeadLetter, NotInOutbox
from clawlane.store.models import AdmittedMessage, Chunk, History, LostSend, NewMessage, RecoveryResult
from clawlane.store.sending import MOST_RESENDS
from clawlane.store.turns import TRIES
from clawlane.store.unknown_sends import LookUp

GAP = 60_000
ALICE, BOB = Thread(ThreadKind.DM, "11"), Thread(ThreadKind.DM, "22")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
SETTLES = LostSend("no answer", settle_ms=LOOK_UP_MS)


@dataclass
class Desk:
    """A store with one account, and short ways to have messages answered."""

    store: Store
    account_store: AccountStore
    clock: Clock
    read: int = 0
    turns: dict[str, int] = field(default_factory=dict)

    async def admit(self, thread: Thread = ALICE) -> str:
        self.read += 1
        message_id = f"m{self.read}"
        inbound = Inbound("default", message_id, thread, thread.id, "Lan", f"text {self.read}", self.clock.ms)
        [admitted] = await self.account_store.run(
            inbox.admit_all, [NewMessage(inbound, ADMIT, PairingReply.CODE, self.clock.ms)]
        )
        assert isinstance(admitted, AdmittedMessage)
        self.turns[message_id] = admitted.seq
        return message_id

    async def answer(self, *parts: str, thread: Thread = ALICE) -> str:
        """A message whose reply in these parts is in the outbox."""
        message_id = await self.admit(thread)
        assert await self.account_store.run(
            store_turns.reply, self.turns[message_id], [Text(thread, part) for part in parts]
        )
        return message_id

    async def take(self) -> Chunk:
        chunk = (await self.account_store.run(due.waiting)).chunks[0]
        assert chunk.id in await self.account_store.run(sending.begin, [chunk.id], session="login 1")
        return chunk

    async def deliver(self) -> str:
        """The next chunk arrives. Gives its text."""
        chunk = await self.take()
        await self.account_store.run(sending.sent, chunk.id, Receipt((f"r{chunk.id}",)))
        return chunk.out.text

    async def lose(self, lost: LostSend | None = None) -> Chunk:
        """The next chunk gets no answer."""
        chunk = await self.take()
        await self.account_store.run(sending.unknown, chunk.id, lost or LostSend("no answer"))
        return chunk

    async def lose_behind_one_that_arrived(self, lost: LostSend | None = None) -> Chunk:
        """The same, in a login of which something has arrived that a look-up can find: `r1`."""
        await self.answer("before", thread=BOB)
        assert await self.deliver() == "before"
        await self.answer("one")
        return await self.lose(lost or SETTLES)

    async def ask(self, kind: ThreadKind = ThreadKind.DM, **other: object) -> int:
        """A look-up that reaches far back and holds what arrived before, unless told otherwise."""
        asked: dict[str, object] = {"back_to_ms": 0, "own_ids": frozenset({"r1"}), "session": "login 1"}
        look_up = LookUp(kind=kind, at_ms=self.clock.ms, **{**asked, **other})  # type: ignore[arg-type]
        return await self.account_store.run(unknown_sends.absent, look_up, GAP)

    async def found_missing(self) -> int:
        """Two look-ups that do not show what was lost. Gives how many messages are sent again."""
        again = 0
        for wait_ms in (20_000, GAP):
            self.clock.ms += wait_ms
            again += await self.ask()
        return again

    async def due(self) -> list[ThreadKind]:
        return await self.account_store.run(catch_up.to_look_up, GAP)

    async def waiting(self) -> list[str]:
        return [chunk.out.text for chunk in (await self.account_store.run(due.waiting)).chunks]

    def turn(self, message_id: str) -> tuple[str, str]:
        with self.store.read() as reader:
            [found] = reader.decided(message_id)
        return found.standing.state, found.standing.reason

    def undecided(self) -> int:
        """How many messages wait for the operator to say whether they arrived."""
        with self.store.read() as reader:
            return reader.undecided_sends(LANE)

    def reasons(self) -> list[str]:
        with self.store.read() as reader:
            return [one.reason for one in reader.outbox() if one.reason]

    def returned(self) -> list[ThreadKind]:
        with self.store.read() as reader:
            return reader.returned(LANE)

    def states(self) -> list[str]:
        with self.store.read() as reader:
            return [str(one.state) for one in reader.outbox(settled=True)]


@pytest.fixture
def desk(store: Store, account_store: AccountStore, clock: Clock) -> Desk:
    return Desk(store, account_store, clock)


async def test_of_each_thread_the_first_chunk_may_go_and_threads_go_side_by_side(desk: Desk) -> None:
    await desk.answer("a1", "a2")
    await desk.answer("b1", thread=BOB)
    await desk.answer("a3")
    assert await desk.waiting() == ["a1", "b1"]
    await desk.take()
    assert await desk.waiting() == ["b1"]


async def test_a_chunk_that_is_gone_meanwhile_is_not_begun(desk: Desk) -> None:
    await desk.answer("a")
    [chunk] = (await desk.account_store.run(due.waiting)).chunks
    await desk.account_store.run(unknown_sends.drop, chunk.id)
    assert await desk.account_store.run(sending.begin, [chunk.id]) == frozenset()


async def test_a_reply_that_fails_midway_says_which_parts_arrived(desk: Desk) -> None:
    message = await desk.answer("one", "two", "three", "four")
    assert await desk.deliver() == "one"
    chunk = await desk.take()
    ended = await desk.account_store.run(sending.refused, chunk.id, "you are blocked")
    told = "of 4 parts, 1 arrived, 2 refused (you are blocked), 3–4 not sent"
    assert (ended.turn, ended.summary) == (desk.turns[message], told)
    assert desk.turn(message) == ("failed", told)


async def test_a_turn_with_a_chunk_of_unknown_fate_needs_a_decision(desk: Desk) -> None:
    message = await desk.answer("one", "two", "three")
    await desk.deliver()
    await desk.lose()
    told = "of 3 parts, 1 arrived, 2 of unknown fate (no answer), 3 held back"
    assert desk.turn(message) == ("needs_decision", told)
    assert await desk.account_store.run(store_turns.open_turns) == [], "its lane goes on"


async def test_the_operator_has_it_sent_again_under_the_same_client_id(desk: Desk) -> None:
    message = await desk.answer("one", "two")
    lost = await desk.lose()
    await desk.account_store.run(unknown_sends.resend, lost.id)
    again = await desk.take()
    assert (again.id, again.out.client_id, again.attempts) == (lost.id, lost.out.client_id, 2)
    await desk.account_store.run(sending.sent, again.id, Receipt(("r",)))
    assert await desk.deliver() == "two"
    assert desk.turn(message) == ("done", "")


async def test_the_operator_saw_it_arrive_and_the_rest_follows(desk: Desk) -> None:
    message = await desk.answer("one", "two")
    lost = await desk.lose()
    assert await desk.account_store.run(unknown_sends.arrived, lost.id) is None
    assert await desk.deliver() == "two"
    assert desk.turn(message) == ("done", "")


async def test_the_operator_drops_it_with_the_rest_of_its_reply(desk: Desk) -> None:
    message = await desk.answer("one", "two")
    lost = await desk.lose()
    assert await desk.account_store.run(unknown_sends.drop, lost.id) == desk.turns[message]
    assert await desk.waiting() == []
    assert desk.turn(message) == ("failed", "of 2 parts, 1–2 not sent")


async def test_what_is_past_deciding_says_so(desk: Desk) -> None:
    await desk.answer("one")
    [waiting] = (await desk.account_store.run(due.waiting)).chunks
    with pytest.raises(NotInOutbox, match="is queued: it cannot be sent again"):
        await desk.account_store.run(unknown_sends.resend, waiting.id)
    await desk.deliver()
    with pytest.raises(NotInOutbox, match="is sent: it cannot be dropped; see: openclaw outbox list"):
        await desk.account_store.run(unknown_sends.drop, waiting.id)
    with pytest.raises(NotInOutbox, match="has no message 99"):
        await desk.account_store.run(unknown_sends.arrived, 99)


async def test_what_two_look_ups_with_something_of_this_login_do_not_show_is_sent_again(desk: Desk) -> None:
    lost = await desk.lose_behind_one_that_arrived()
    desk.clock.ms += 20_000
    assert await desk.ask() == 0, "one look-up proves nothing"
    desk.clock.ms += GAP - 1
    assert await desk.ask() == 0, "nor does another soon after it"
    desk.clock.ms += 1
    assert await desk.ask() == 1
    again = await desk.take()
    assert (again.id, again.out.client_id, again.attempts) == (lost.id, lost.out.client_id, 2)
    assert not desk.undecided()


@pytest.mark.parametrize(
    "blind",
    [
        {"own_ids": frozenset()},
        {"own_ids": frozenset({"somebody else's"})},
        {"back_to_ms": NOW + 1},
    ],
    ids=["no own message", "none with a receipt", "not far enough"],
)
async def test_a_look_up_that_shows_nothing_of_this_login_proves_nothing(
    desk: Desk, blind: dict[str, object]
) -> None:
    await desk.lose_behind_one_that_arrived()
    for _ in range(5):
        desk.clock.ms += GAP
        assert await desk.ask(**blind) == 0
    desk.clock.ms += GAP
    assert await desk.ask() == 0, "the first that counts"
    assert desk.undecided() == 0
    desk.clock.ms += LOOK_UP_MS
    assert await desk.waiting() == []
    assert desk.undecided() == 1
    assert "nothing showed whether it arrived" in desk.reasons()[0]


async def test_without_a_connection_the_first_look_up_is_waited_for_but_not_for_ever(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    await desk.answer("two")
    desk.clock.ms += LOOK_UP_MS + UNASKED_MS - 1
    assert await desk.waiting() == []
    assert (await desk.account_store.run(due.waiting)).due_ms == desk.clock.ms + 1
    desk.clock.ms += 1
    assert await desk.waiting() == ["two"]
    assert desk.undecided() == 1


async def test_a_restart_gives_look_ups_their_time_again(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    desk.clock.ms += 9 * LOOK_UP_MS
    await desk.account_store.run(unknown_sends.recover, LOOK_UP_MS)
    await desk.ask()
    desk.clock.ms += GAP
    assert await desk.ask() == 1


async def test_what_an_earlier_login_sent_is_not_looked_for_under_a_later_one(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    desk.clock.ms += GAP
    assert await desk.ask(session="login 2") == 0
    assert desk.undecided() == 1
    assert "it was sent by an earlier login" in desk.reasons()[0]


async def test_receipts_of_another_kind_of_thread_or_of_an_earlier_login_do_not_count(desk: Desk) -> None:
    await desk.answer("before", thread=Thread(ThreadKind.GROUP, "900"))
    assert await desk.deliver() == "before"
    await desk.answer("one")
    await desk.lose(SETTLES)
    for _ in range(3):
        desk.clock.ms += GAP
        assert await desk.ask() == 0
    assert desk.returned() == [], "a group's message among those of people"
    await desk.ask(ThreadKind.GROUP)
    assert desk.returned() == [ThreadKind.GROUP]


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        (LostSend("no id", taken=True, settle_ms=LOOK_UP_MS), "an answer without an id"),
        (LostSend("no answer"), "resendUnknown: 'never'"),
    ],
)
async def test_what_must_not_be_sent_again_waits_for_the_operator_at_once(
    desk: Desk, lost: LostSend, reason: str
) -> None:
    await desk.lose_behind_one_that_arrived(lost)
    assert desk.undecided() == 1, reason
    for _ in range(4):
        desk.clock.ms += GAP
        assert await desk.ask() == 0
    assert "the platform does not have it" in desk.reasons()[0], "it was asked once all the same"
    await desk.answer("two")
    assert await desk.waiting() == ["two"], "its thread does not wait"


async def test_a_resend_that_is_lost_too_is_looked_for_again(desk: Desk) -> None:
    """The gateway is killed while it sends again: look-ups can still tell, so the operator is not asked."""
    await desk.lose_behind_one_that_arrived()
    await desk.answer("two")
    assert await desk.found_missing() == 1
    await desk.take()
    await desk.account_store.run(unknown_sends.recover, LOOK_UP_MS)
    assert desk.undecided() == 0
    assert await desk.waiting() == [], "its thread waits, so that the order stays"
    assert await desk.ask() == 0, "what was missing before the resend proves nothing about it"
    assert await desk.found_missing() == 1
    assert [await desk.deliver(), await desk.deliver()] == ["one", "two"]


async def test_a_resend_that_did_arrive_is_not_sent_a_third_time(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    await desk.found_missing()
    again = await desk.lose(SETTLES)
    await desk.account_store.run(unknown_sends.echo, again.out.client_id, "r9")
    assert await desk.found_missing() == 0
    assert desk.turn("m2") == ("done", "")


async def test_a_message_whose_every_send_is_lost_is_left_to_the_operator_in_the_end(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    for _ in range(MOST_RESENDS):
        assert await desk.found_missing() == 1
        assert desk.undecided() == 0
        await desk.lose(SETTLES)
    assert desk.undecided() == 1
    assert await desk.found_missing() == 0
    assert "the platform does not have it" in desk.reasons()[0]


async def test_a_restart_under_never_leaves_everything_to_the_operator(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    await desk.account_store.run(unknown_sends.recover)
    assert desk.undecided() == 1


async def test_a_look_up_tells_nothing_of_what_left_later_or_of_other_kinds_of_thread(
    desk: Desk,
) -> None:
    await desk.lose_behind_one_that_arrived()
    desk.clock.ms -= 1
    for kind, at_ms in ((ThreadKind.DM, NOW), (ThreadKind.GROUP, NOW + 9 * GAP)):
        desk.clock.ms = at_ms
        await desk.ask(kind)
    desk.clock.ms += GAP
    assert await desk.ask() == 0, "this is the first that counts"


async def test_when_the_platform_is_asked(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    asked, since = [], desk.clock.ms
    for _ in range(LOOK_UP_MS // 1_000):
        desk.clock.ms += 1_000
        await desk.waiting()
        if await desk.due():
            asked.append((desk.clock.ms - since) // 1_000)
            await desk.ask(own_ids=frozenset())
    assert asked == [11, 22, 43, 84, 165, 326, 487], "at growing intervals"
    assert desk.undecided() == 1


async def test_the_next_own_send_that_arrives_is_a_reason_to_ask_again(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    desk.clock.ms += 100_000
    await desk.ask(own_ids=frozenset())
    desk.clock.ms += 1_000
    assert await desk.due() == []
    await desk.answer("more", thread=BOB)
    assert await desk.deliver() == "more"
    desk.clock.ms += 1
    assert await desk.due() == [ThreadKind.DM]


async def test_the_second_look_up_comes_as_soon_as_it_counts(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    desk.clock.ms += 20_000
    await desk.ask()
    desk.clock.ms += GAP
    assert await desk.due() == []
    desk.clock.ms += 1
    assert await desk.due() == [ThreadKind.DM]


async def test_a_request_that_was_cut_off_has_a_while_to_arrive_before_it_is_repeated(desk: Desk) -> None:
    lost = await desk.lose_behind_one_that_arrived()
    desk.clock.ms += 1
    await desk.ask()
    desk.clock.ms += 1
    look_up = LookUp(ThreadKind.DM, 0, desk.clock.ms, frozenset({"r1"}), "login 1")
    assert await desk.account_store.run(unknown_sends.absent, look_up, 1) == 1
    assert await desk.waiting() == []
    seen = Own("default", "z1", lost.out.client_id, ALICE, "one", NOW)
    await desk.account_store.run(inbox.admit_all, [seen])
    desk.clock.ms += 60_000
    assert await desk.waiting() == [], "it has arrived after all"


async def test_while_look_ups_may_settle_it_nothing_passes_in_that_thread(desk: Desk) -> None:
    await desk.lose_behind_one_that_arrived()
    desk.clock.ms += 20_000
    await desk.ask(own_ids=frozenset())
    await desk.answer("two")
    await desk.answer("b", thread=BOB)
    assert await desk.waiting() == ["b"]
    assert (await desk.account_store.run(due.waiting)).due_ms == NOW + LOOK_UP_MS
    desk.clock.ms = NOW + LOOK_UP_MS
    assert await desk.waiting() == ["two", "b"], "nobody is kept waiting for ever"


async def test_a_thread_does_not_wait_where_no_look_up_could_show_anything(desk: Desk) -> None:
    await desk.answer("one")
    await desk.lose(SETTLES)
    await desk.answer("two")
    assert await desk.waiting() == ["two"], "nothing has arrived yet under this login"
    await desk.deliver()
    desk.clock.ms += GAP
    assert await desk.ask(own_ids=frozenset({"r2"})) == 0
    desk.clock.ms += GAP
    assert await desk.ask(own_ids=frozenset({"r2"})) == 1


async def test_a_message_that_nobody_can_answer_is_set_aside(desk: Desk) -> None:
    message = await desk.admit()
    seq = desk.turns[message]
    for number in range(1, TRIES + 1):
        started = await desk.account_store.run(store_turns.start, seq, History.INCLUDE)
        assert started is not None
        assert await desk.account_store.run(store_turns.fail, seq, f"no idea {number}") is (number == TRIES)
    assert await desk.account_store.run(store_turns.start, seq, History.INCLUDE) is None
    with desk.store.read() as reader:
        [letter] = reader.dead_letters()
    assert (letter.message_id, letter.text, letter.tries) == (message, "text 1", TRIES)
    assert letter.reason == f"no idea {TRIES}"


async def test_a_dead_letter_is_tried_again_or_forgotten(desk: Desk) -> None:
    message = await desk.admit()
    await fail(desk, message)
    turn = await desk.account_store.run(store_turns.resubmit, message)
    assert (turn.seq, turn.inbound.text) == (desk.turns[message], "text 1")
    assert [one.seq for one in await desk.account_store.run(store_turns.open_turns)] == [turn.seq]
    await fail(desk, message)
    await desk.account_store.run(store_turns.drop_dead_letter, message)
    assert desk.turn(message) == ("failed", "dropped by the operator: no idea")
    with pytest.raises(NoDeadLetter, match="see: openclaw channels dead-letters list"):
        await desk.account_store.run(store_turns.resubmit, message)


async def fail(desk: Desk, message: str) -> None:
    for _ in range(TRIES):
        await desk.account_store.run(store_turns.start, desk.turns[message], History.INCLUDE)
        await desk.account_store.run(store_turns.fail, desk.turns[message], "no idea")


async def test_a_turn_over_which_the_gateway_crashes_again_and_again_is_set_aside(desk: Desk) -> None:
    message = await desk.admit()
    for _ in range(TRIES):
        assert await desk.account_store.run(unknown_sends.recover) == RecoveryResult(unknown=0, set_aside=0)
        await desk.account_store.run(store_turns.start, desk.turns[message], History.INCLUDE)
    assert await desk.account_store.run(unknown_sends.recover) == RecoveryResult(unknown=0, set_aside=1)
    assert desk.turn(message)[0] == "dead"


async def test_an_orderly_stop_is_no_try(desk: Desk) -> None:
    message = await desk.admit()
    for _ in range(2 * TRIES):
        await desk.account_store.run(store_turns.start, desk.turns[message], History.INCLUDE)
        await desk.account_store.run(store_turns.put_back)
    assert await desk.account_store.run(unknown_sends.recover) == RecoveryResult(unknown=0, set_aside=0)


async def test_a_stop_ends_what_was_begun_in_its_thread_and_nothing_else(desk: Desk) -> None:
    running, waiting = await desk.admit(), await desk.admit()
    elsewhere = await desk.answer("b", thread=BOB)
    await desk.account_store.run(store_turns.start, desk.turns[running], History.INCLUDE)
    stop = await desk.admit()
    assert await desk.account_store.run(store_turns.stop, desk.turns[stop]) == [desk.turns[running]]
    assert not await desk.account_store.run(store_turns.reply, desk.turns[running], [Text(ALICE, "too late")])
    assert await desk.waiting() == ["b"]
    assert [desk.turn(one)[0] for one in (running, waiting, elsewhere)] == ["stopped", "waiting", "replied"]


async def test_a_part_that_did_not_leave_before_the_stop_does_not_leave_after_it(desk: Desk) -> None:
    message = await desk.answer("one", "two")
    chunk = await desk.take()
    await desk.account_store.run(store_turns.stop, desk.turns[await desk.admit()])
    await desk.account_store.run(sending.retry, chunk.id, "the line is down", desk.clock.ms)
    assert await desk.waiting() == []
    assert desk.turn(message)[0] == "stopped"


@pytest.mark.of_file
async def test_a_store_of_an_older_clawlane_is_brought_up_to_date(desk: Desk, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(outbox)")}
    assert {"sent_ms", "looked_up_ms"} <= columns


async def test_a_part_of_a_recalled_reply_is_not_left_to_the_operator(desk: Desk) -> None:
    message_id = await desk.answer("one")
    chunk = await desk.take()
    await desk.account_store.run(inbox.admit_all, [Undone("default", ALICE, message_id, ALICE.id)])
    await desk.account_store.run(sending.unknown, chunk.id, LostSend("no answer"))
    assert desk.undecided() == 0
    assert desk.turn(message_id)[0] == "recalled"
