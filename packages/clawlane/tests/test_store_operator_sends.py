"""What the operator sends, in a real store: in order, held back, quoted, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from packages.clawlane.tests.opened_store import LANE, Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import (
    Inbound,
    Outgoing,
    Own,
    Photos,
    Reaction,
    Receipt,
    Text,
    Thread,
    ThreadKind,
    Undo,
    Undone,
)
from clawlane.store import (
    due,
    inbox,
    operator_sends,
    pauses,
    reactions,
    sending,
    sessions,
    turns,
    unknown_sends,
)
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.errors import NotInOutbox, NotQuotable, TakenBack
from clawlane.store.models import AdmittedMessage, Chunk, History, LostSend, NewMessage
from clawlane.store.operator_sends import TakingBack
from clawlane.store.outbox_listing import Listed
from clawlane.store.told import Pause, PauseLevel

LAN, XOM = Thread(ThreadKind.DM, "11"), Thread(ThreadKind.GROUP, "22")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
LOST = LostSend("the line broke")
ABOUT_WORDS = "kế hoạch cho ngày mai"


@dataclass
class Desk:
    store: Store
    account_store: AccountStore
    clock: Clock
    read: int = 0

    async def run(self, transition: Callable[..., Any], *args: object, **more: object) -> Any:
        return await self.account_store.run(transition, *args, **more)

    async def send(self, *texts: str, thread: Thread = LAN) -> list[int]:
        return list(await self.run(operator_sends.queue, [Text(thread, text) for text in texts]))

    async def hear(self, text: str, message_id: str, thread: Thread = LAN) -> AdmittedMessage:
        inbound = Inbound("default", message_id, thread, "11", "Lan", text, self.clock.ms, client_id="c1")
        new = NewMessage(inbound, ADMIT, PairingReply.CODE, self.clock.ms)
        [admitted] = await self.run(inbox.admit_all, [new])
        assert isinstance(admitted, AdmittedMessage)
        return admitted

    async def see(self, fact: Own | Undone) -> None:
        await self.run(inbox.admit_all, [fact])

    async def next(self) -> list[Chunk]:
        return list((await self.run(due.waiting)).chunks)

    async def begin(self) -> Chunk:
        [chunk] = await self.next()
        assert chunk.id in await self.run(sending.begin, [chunk.id])
        return chunk

    async def arrive(self, *message_ids: str, client_ids: tuple[str, ...] = ()) -> Outgoing:
        chunk = await self.begin()
        ids = message_ids or (f"r{chunk.id}",)
        is_message = not isinstance(chunk.out, Undo | Reaction)
        await self.run(sending.sent, chunk.id, Receipt(ids, client_ids) if is_message else Receipt(()))
        return chunk.out

    def listed(self) -> list[Listed]:
        with self.store.read() as reader:
            return reader.outbox(settled=True)

    def states(self, numbers: list[int]) -> list[str]:
        with self.store.read() as reader:
            return [one.state for one in reader.sent_by_operator(LANE, numbers)]

    def texts(self) -> str:
        with self.store.read() as reader:
            return "\n".join(row["body"] for row in reader._connection.execute("SELECT body FROM outbox"))


@pytest.fixture
def desk(store: Store, account_store: AccountStore, clock: Clock) -> Desk:
    return Desk(store, account_store, clock)


async def test_parts_leave_in_order_and_count_as_no_reply_of_an_agent(desk: Desk) -> None:
    numbers = await desk.send("a", "b")
    [first] = await desk.next()
    assert (first.out.text, first.reply, first.turn) == ("a", "", None)
    assert [(one.part, one.parts, one.by_operator) for one in desk.listed()] == [(1, 2, True), (2, 2, True)]
    await desk.arrive("m1")
    assert desk.states(numbers) == ["sent", "queued"]
    out = await desk.arrive("m2")
    assert isinstance(out, Text)
    assert (out.text, desk.states(numbers)) == ("b", ["sent", "sent"])


async def test_after_a_refusal_the_rest_is_not_sent_and_other_texts_are(desk: Desk) -> None:
    numbers, others = await desk.send("a", "b", "c"), await desk.send("d")
    await desk.arrive()
    await desk.run(sending.refused, (await desk.begin()).id, "blocked")
    assert desk.states(numbers) == ["sent", "refused", "cancelled"]
    assert desk.states(others) == ["queued"]


@pytest.mark.parametrize("ruling", [unknown_sends.resend, unknown_sends.arrived, unknown_sends.drop])
async def test_behind_an_unknown_part_the_rest_waits_for_the_operator(
    desk: Desk, ruling: Callable[..., Any]
) -> None:
    numbers, others = await desk.send("a", "b"), await desk.send("d")
    await desk.run(sending.unknown, (await desk.begin()).id, LOST)
    assert desk.states(numbers) == ["unknown", "held"]
    [other] = await desk.next()
    assert other.id == others[0], "other texts do not wait"
    await desk.run(ruling, numbers[0])
    after = {unknown_sends.resend: "queued", unknown_sends.arrived: "queued", unknown_sends.drop: "cancelled"}
    assert desk.states(numbers)[1] == after[ruling]


async def test_an_echo_settles_what_was_unknown_and_the_rest_follows(desk: Desk) -> None:
    numbers = await desk.send("a", "b")
    chunk = await desk.begin()
    await desk.run(sending.unknown, chunk.id, LOST)
    await desk.see(Own("default", "m1", chunk.out.client_id, LAN, "a", desk.clock.ms))
    assert desk.states(numbers) == ["sent", "queued"]
    assert desk.listed()[0].text == "b"


async def test_a_stop_between_sending_and_the_answer_sends_nothing_twice(desk: Desk) -> None:
    numbers = await desk.send("a")
    await desk.begin()
    await desk.run(unknown_sends.recover)
    assert desk.states(numbers) == ["unknown"]
    assert await desk.next() == []


async def test_the_end_of_a_pause_lets_go_however_long_it_was(desk: Desk) -> None:
    await desk.run(pauses.pause, Pause(LANE, None, PauseLevel.MUTE, desk.clock.ms))
    numbers = await desk.send("a")
    desk.clock.ms += 10 * 86_400_000
    resumed = await desk.run(pauses.resume, None, desk.clock.ms - 900_000, flush=False)
    assert (resumed.expired, desk.states(numbers)) == ((), ["queued"])


async def test_a_text_quotes_a_message_until_that_is_recalled(desk: Desk) -> None:
    heard = await desk.hear("mấy giờ rồi", "m7")
    with desk.store.read() as reader:
        found = reader.quotable(LANE, LAN, "m7")
    assert found == heard.inbound
    await desk.run(operator_sends.queue, [Text(LAN, "ba giờ", quote=found)])
    assert "mấy giờ" not in desk.texts()
    [chunk] = await desk.next()
    assert isinstance(chunk.out, Text)
    assert chunk.out.quote == heard.inbound
    await desk.see(Undone("default", LAN, "m7", "11"))
    [chunk] = await desk.next()
    assert chunk.out == Text(LAN, "ba giờ", client_id=chunk.out.client_id)
    with desk.store.read() as reader, pytest.raises(NotQuotable, match="recalled by its author"):
        reader.quotable(LANE, LAN, "m7")


async def test_what_is_not_known_cannot_be_quoted(desk: Desk) -> None:
    await desk.hear("chào", "m7")
    await desk.send("own")
    await desk.arrive("m8")
    with desk.store.read() as reader:
        for thread, message_id, told in (
            (LAN, "m9", "no message m9"),
            (XOM, "m7", "no message m7 of group:22"),
            (LAN, "m8", "the account's own"),
        ):
            with pytest.raises(NotQuotable, match=told):
                reader.quotable(LANE, thread, message_id)


async def test_an_own_message_is_taken_back_by_both_of_its_ids_before_all_else_leaves(desk: Desk) -> None:
    await desk.send("oops")
    chunk = await desk.arrive("m1")
    assert isinstance(chunk, Text)
    await desk.send("later")
    back = await desk.run(operator_sends.take_back, "m1")
    assert (back.thread, len(back.queued), back.cancelled) == (LAN, 1, 0)
    undo = await desk.arrive()
    assert undo == Undo(LAN, "m1", chunk.client_id, undo.client_id)
    assert "oops" not in desk.texts()
    with pytest.raises(NotInOutbox, match="was already taken back"):
        await desk.run(operator_sends.take_back, "m1")


async def test_a_file_is_taken_back_by_the_id_that_the_platform_gave_it(desk: Desk) -> None:
    await desk.send("as a file")
    await desk.arrive("m1", client_ids=("777",))
    await desk.run(operator_sends.take_back, "m1")
    undo = await desk.arrive()
    assert isinstance(undo, Undo)
    assert undo.message_client_id == "777"
    target = await desk.run(reactions.target, LAN, "m1")
    assert target.client_id == "777"


async def test_each_picture_of_an_album_has_an_id_of_its_own(desk: Desk) -> None:
    await desk.run(operator_sends.queue, [Photos(LAN, ("/a", "/b"))])
    album = await desk.arrive("m1", "m2")
    assert isinstance(album, Photos)
    await desk.run(operator_sends.take_back, "m2")
    undo = await desk.arrive()
    assert isinstance(undo, Undo)
    assert (undo.message_id, undo.message_client_id) == ("m2", str(int(album.client_id) + 1))
    with pytest.raises(NotInOutbox, match="already taken back"):
        await desk.run(operator_sends.take_back, "m2")
    assert "album" in desk.texts(), "the other picture is still there"
    whole: TakingBack = await desk.run(operator_sends.take_back, "m1", whole=True)
    assert len(whole.queued) == 1
    await desk.arrive()
    assert "album" not in desk.texts()
    with pytest.raises(TakenBack, match="already taken back"):
        await desk.run(operator_sends.take_back_chunk, 1)


async def test_an_undo_of_unknown_fate_is_sent_again_and_one_that_waits_is_joined(desk: Desk) -> None:
    [number] = await desk.send("a")
    await desk.arrive("m1")
    first: TakingBack = await desk.run(operator_sends.take_back_chunk, number)
    joined = await desk.run(operator_sends.take_back_chunk, number, join=True)
    assert joined.queued == first.queued
    undo = await desk.begin()
    await desk.run(sending.unknown, undo.id, LOST)
    again = await desk.run(operator_sends.take_back_chunk, number)
    assert (again.queued, desk.states(list(first.queued))) == (first.queued, ["queued"])
    await desk.arrive()
    assert desk.states([number, *first.queued]) == ["sent", "sent"]
    with pytest.raises(TakenBack, match="already taken back"):
        await desk.run(operator_sends.take_back_chunk, number, join=True)


async def test_no_pause_holds_what_the_operator_takes_back_and_it_goes_first(desk: Desk) -> None:
    await desk.send("a")
    await desk.arrive("m1")
    await desk.send("b")
    await desk.send("c", thread=XOM)
    await desk.run(operator_sends.take_back, "m1")
    [undo] = (await desk.run(due.waiting, paused=None)).chunks
    assert isinstance(undo.out, Undo)
    assert undo.takes_back
    heads = (await desk.run(due.waiting, paused=(LAN,))).chunks
    assert [type(chunk.out).__name__ for chunk in heads] == ["Text", "Undo"]
    assert [type(chunk.out).__name__ for chunk in await desk.next()] == ["Text", "Undo"]
    assert (await desk.run(due.waiting, paused=(XOM,))).chunks == (undo,)


async def test_of_a_whole_text_what_arrived_is_taken_back_and_the_rest_is_cancelled(desk: Desk) -> None:
    numbers = await desk.send("a", "b", "c")
    await desk.arrive("m1")
    back = await desk.run(operator_sends.take_back, "m1", whole=True)
    assert (len(back.queued), back.cancelled) == (1, 2)
    assert desk.states(numbers) == ["sent", "cancelled", "cancelled"]
    with pytest.raises(NotInOutbox, match="already being taken back"):
        await desk.run(operator_sends.take_back, "m1")


async def test_what_has_not_left_is_cancelled_by_its_number(desk: Desk) -> None:
    numbers = await desk.send("a", "b")
    back = await desk.run(operator_sends.take_back_chunk, numbers[1])
    assert (back.queued, back.cancelled, desk.states(numbers)) == ((), 1, ["queued", "cancelled"])
    with pytest.raises(NotInOutbox, match="nothing to take back"):
        await desk.run(operator_sends.take_back_chunk, numbers[1])
    await desk.begin()
    with pytest.raises(NotInOutbox, match="on its way"):
        await desk.run(operator_sends.take_back_chunk, numbers[0])
    await desk.run(sending.unknown, numbers[0], LOST)
    with pytest.raises(NotInOutbox, match="nobody knows whether"):
        await desk.run(operator_sends.take_back_chunk, numbers[0])


async def test_only_own_messages_of_the_named_thread_are_taken_back(desk: Desk) -> None:
    await desk.hear("chào", "m7")
    numbers = await desk.send("a")
    await desk.arrive("m1")
    for args in (("m7",), ("m1", XOM), ("m9",)):
        with pytest.raises(NotInOutbox, match="only what the gateway sent itself"):
            await desk.run(operator_sends.take_back, *args)
    for number, thread in ((numbers[0], XOM), (99, None)):
        with pytest.raises(NotInOutbox, match=f"has no message {number}"):
            await desk.run(operator_sends.take_back_chunk, number, thread)


@pytest.mark.parametrize("by", ["gateway", "phone"])
async def test_agents_forget_what_was_taken_back(desk: Desk, by: str) -> None:
    heard = await desk.hear("và sau đó?", "m7")
    started = await desk.run(turns.start, heard.seq, History.INCLUDE)
    await desk.run(sessions.begin, "main", LAN, heard.seq, started.run, lambda last_ms, now_ms: False)
    await desk.run(sessions.answered, heard.seq, started.run, f"**{ABOUT_WORDS}**")
    await desk.run(turns.reply, heard.seq, [Text(LAN, ABOUT_WORDS)], started.run)
    await desk.arrive("m8")
    if by == "gateway":
        await desk.run(operator_sends.take_back, "m8")
        await desk.arrive()
    else:
        await desk.see(Undone("default", LAN, "m8", "me", own=True))
    with desk.store.read() as reader:
        [turn] = reader.session(LANE, "main", LAN).turns
    assert (turn.answer, turn.note) == (None, "(the answer is not remembered)")
    assert ABOUT_WORDS not in desk.texts()


@pytest.mark.parametrize(
    "fact", [Undone("default", XOM, "m1", "me", own=True), Undone("default", LAN, "m1", "11")]
)
async def test_nobody_else_makes_it_forget(desk: Desk, fact: Undone) -> None:
    await desk.send("stays")
    await desk.arrive("m1")
    await desk.see(fact)
    assert "stays" in desk.texts()


async def test_the_echo_of_an_undo_settles_it(desk: Desk) -> None:
    await desk.send("a", "b")
    for _ in range(2):
        await desk.arrive()
    for lost_first in (True, False):
        message_id = "r1" if lost_first else "r2"
        [number] = (await desk.run(operator_sends.take_back, message_id)).queued
        await desk.begin()
        seen = Undone("default", LAN, message_id, "me", own=True)
        if lost_first:
            await desk.run(sending.unknown, number, LOST)
            assert desk.states([number]) == ["unknown"]
            await desk.see(seen)
        else:
            await desk.see(seen)
            await desk.run(sending.unknown, number, LOST)
        assert desk.states([number]) == ["sent"]
        with desk.store.read() as reader:
            [status] = reader.sent_by_operator(LANE, [number])
        assert status.message_ids == (), "an undo is no message"


async def test_a_lost_reaction_waits_for_the_operator_at_once(desk: Desk) -> None:
    await desk.hear("chào", "m7")
    [number] = await desk.run(operator_sends.queue, [Reaction(LAN, "m7", "HEART", "c1")])
    await desk.begin()
    await desk.run(sending.unknown, number, LostSend("the line broke", settle_ms=600_000))
    with desk.store.read() as reader:
        [status] = reader.sent_by_operator(LANE, [number])
    assert (status.needs_decision, status.settled) == (True, True)


@pytest.mark.parametrize("whole", [True, False])
async def test_a_reply_of_an_agent_that_is_taken_back_before_it_leaves_ends_its_turn(
    desk: Desk, whole: bool
) -> None:
    heard = await desk.hear("chào", "m7")
    started = await desk.run(turns.start, heard.seq, History.INCLUDE)
    assert await desk.run(turns.reply, heard.seq, [Text(LAN, "chào bạn")], started.run)
    [chunk] = await desk.next()
    back = await desk.run(operator_sends.take_back_chunk, chunk.id, whole=whole)
    assert back == TakingBack(LAN, (), 1, heard.seq)
    assert await desk.run(turns.open_turns, 0, 9) == [], "the next message of the thread has its turn"
