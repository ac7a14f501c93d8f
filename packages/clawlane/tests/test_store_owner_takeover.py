"""The owner writes by hand: whose a message is, in every order of echo, receipt and restart; what follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import (
    Attachment,
    Inbound,
    Media,
    MediaKind,
    Own,
    Photos,
    Reaction,
    Receipt,
    Text,
    Thread,
    ThreadKind,
    Undone,
)
from clawlane.store import due, inbox, outbox, owner_takeovers, sending, sessions, turns, unknown_sends
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import (
    AdmittedMessage,
    Chunk,
    History,
    Judged,
    LostSend,
    NewMessage,
    NewOwn,
    NoteResult,
    Purpose,
    TakeoverTerms,
)
from clawlane.store.own_sends import WITHIN_MS

ME = "1"
ALICE, BOB = Thread(ThreadKind.DM, "11"), Thread(ThreadKind.DM, "22")
GROUP = Thread(ThreadKind.GROUP, "55")
RULE = Rule("channels.zalouser.ownerTakeover", "channel", 7)
HALF_AN_HOUR = 1_800_000
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
CHALLENGE = Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("channels.zalouser.dmPolicy"))


@dataclass
class Desk:
    """An account whose owner writes, too."""

    store: Store
    account_store: AccountStore
    clock: Clock
    number: int = 0
    session: str = "login 1"
    lasts_ms: int = HALF_AN_HOUR
    last: Judged = field(default_factory=Judged)

    @property
    def terms(self) -> TakeoverTerms:
        return TakeoverTerms(self.lasts_ms, RULE, 50, 0, self.session)

    async def read(
        self, text: str, thread: Thread = ALICE, decision: Decision = ADMIT, sent_ms: int = 0
    ) -> AdmittedMessage:
        self.number += 1
        sender, sent_ms = ("11" if thread == GROUP else thread.id), sent_ms or self.clock.ms
        inbound = Inbound("default", f"m{self.number}", thread, sender, "Lan", text, sent_ms)
        new = NewMessage(
            inbound,
            decision,
            PairingReply.CODE,
            self.clock.ms,
            history_limit=50,
            written_ms=sent_ms,
            takeover_rule=RULE,
        )
        [admitted] = await self.account_store.run(inbox.admit_all, [new])
        assert isinstance(admitted, AdmittedMessage)
        return admitted

    async def reply(self, asked: AdmittedMessage, *parts: str) -> bool:
        outs = [Text(asked.inbound.thread, part) for part in parts]
        return await self.account_store.run(turns.reply, asked.seq, outs)

    async def answer(self, *parts: str, thread: Thread = ALICE) -> AdmittedMessage:
        """A message whose reply in these parts waits to be sent."""
        asked = await self.read(f"asks for {parts[0]}", thread)
        assert await self.reply(asked, *parts)
        return asked

    async def take(self) -> Chunk:
        """The next chunk is on its way."""
        [chunk, *_] = (await self.account_store.run(due.waiting)).chunks
        assert await self.begin(chunk)
        return chunk

    async def begin(self, chunk: Chunk) -> bool:
        return chunk.id in await self.account_store.run(sending.begin, [chunk.id], session=self.session)

    async def receipt(self, chunk: Chunk) -> None:
        await self.account_store.run(sending.sent, chunk.id, Receipt((f"r{chunk.id}",)))

    async def deliver(self) -> Chunk:
        chunk = await self.take()
        await self.receipt(chunk)
        return chunk

    async def own(
        self,
        text: str,
        thread: Thread = ALICE,
        *,
        message_id: str = "",
        client_id: str = "",
        written_ms: int = 0,
        heard: bool = True,
        kept: bool = True,
        **more: object,
    ) -> Judged:
        """The account sees a message of its own."""
        self.number += 1
        written_ms = written_ms or self.clock.ms
        ids = (message_id or f"own{self.number}", client_id or f"phone{self.number}")
        fact = Own("default", *ids, thread, text, written_ms, **more)  # type: ignore[arg-type]
        new = NewOwn(fact, self.clock.ms, written_ms, ME, heard, kept, self.terms)
        [result] = await self.account_store.run(inbox.admit_all, [new])
        assert isinstance(result, NoteResult), result
        assert result.judged is not None
        self.last = result.judged
        return result.judged

    async def judge(self) -> Judged:
        return await self.account_store.run(owner_takeovers.judge, self.terms)

    async def start(self) -> Judged:
        return await self.account_store.run(owner_takeovers.begin, self.terms)

    def held(self) -> list[Thread]:
        """The threads in which a takeover is in force."""
        with self.store.read() as reader:
            return [one.thread for one in reader.taken_over(LANE, self.clock.ms)]

    def off(self) -> bool:
        with self.store.read() as reader:
            return reader.takeovers_off(LANE)

    def stage(self, asked: AdmittedMessage) -> str:
        [found] = self.why(asked.inbound.message_id)
        assert found.standing is not None
        return found.standing.state

    def why(self, message_id: str) -> list[object]:
        with self.store.read() as reader:
            return list(reader.decided(message_id))

    def chunks(self) -> list[tuple[str, str]]:
        with self.store.read() as reader:
            rows = reader._connection.execute("SELECT state, reason FROM outbox ORDER BY id")
            return [(row["state"], row["reason"]) for row in rows]

    async def context(self, asked: AdmittedMessage) -> list[tuple[str, bool]]:
        """What goes to the agent with a message as context, and whether the owner wrote it."""
        started = await self.account_store.run(turns.start, asked.seq, History.INCLUDE)
        assert started is not None
        return [(one.text, one.by_owner) for one in started.history]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    async with opened_store(tmp_path, clock) as (store, account_store):
        yield Desk(store, account_store, clock)


async def test_what_comes_while_the_owner_writes_is_context_and_never_answered(desk: Desk) -> None:
    await desk.own("Để mình trả lời")
    assert desk.held() == [ALICE]
    held = await desk.read("one")
    assert (held.decision.outcome, held.decision.reason) == (Outcome.PEND, Reason.OWNER_TOOK_OVER)
    assert held.decision.rule == RULE
    assert (await desk.read("elsewhere", BOB)).decision.admitted
    desk.clock.ms += HALF_AN_HOUR
    assert desk.held() == []
    assert await desk.context(await desk.read("two")) == [("Để mình trả lời", True), ("one", False)]


async def test_each_further_message_renews_the_time(desk: Desk) -> None:
    await desk.own("one")
    desk.clock.ms += HALF_AN_HOUR - 1
    await desk.own("two")
    desk.clock.ms += HALF_AN_HOUR - 1
    assert desk.held() == [ALICE]
    desk.clock.ms += 1
    assert desk.held() == []


async def test_what_waits_or_runs_ends_and_becomes_context(desk: Desk) -> None:
    running, waiting = await desk.read("runs"), await desk.read("waits")
    assert await desk.context(running) == []
    judged = await desk.own("mine")
    [taken] = judged.taken
    assert (taken.thread, taken.ended) == (ALICE, (running.seq, waiting.seq))
    assert not await desk.reply(running, "too late")
    assert [desk.stage(one) for one in (running, waiting)] == ["taken_over"] * 2
    assert desk.chunks() == []
    desk.clock.ms += HALF_AN_HOUR
    asked = await desk.read("later")
    assert await desk.context(asked) == [("runs", False), ("waits", False), ("mine", True)]


async def test_unsent_chunks_are_cancelled_and_what_was_sent_stays_remembered(desk: Desk) -> None:
    asked = await desk.read("asks")
    started = await desk.account_store.run(turns.start, asked.seq, History.INCLUDE)
    assert started is not None
    begun = (ALICE, asked.seq, started.run)
    await desk.account_store.run(sessions.begin, "main", *begun, lambda _last, _now: False)
    await desk.account_store.run(sessions.answered, asked.seq, started.run, "one|two|three")
    assert await desk.reply(asked, "one", "two", "three")
    await desk.deliver()
    await desk.own("mine")
    reason = "owner_took_over"
    assert desk.chunks() == [("sent", ""), ("cancelled", reason), ("cancelled", reason)]
    desk.clock.ms += HALF_AN_HOUR
    later = await desk.read("later")
    assert await desk.context(later) == [("mine", True)], "it is in the conversation"
    remembered = await desk.account_store.run(sessions.look, "main", ALICE)
    assert [turn.note for turn in remembered.turns] == ["(only 1 of 3 parts arrived)"]


async def test_what_a_tool_sends_there_is_cancelled_and_what_the_operator_sends_leaves(desk: Desk) -> None:
    asked = await desk.read("from elsewhere", BOB)
    call = outbox.ToolCall(asked.seq, 1, 0)
    send = desk.account_store.run
    await send(outbox.queue, None, [Text(ALICE, "by a tool")], Purpose.TOOL, call)
    await send(outbox.queue, None, [Text(ALICE, "by hand")], Purpose.OPERATOR)
    await desk.own("mine")
    assert [state for state, _ in desk.chunks()] == ["cancelled", "queued"]
    assert desk.stage(asked) == "waiting"


# Whose a message is


@pytest.mark.parametrize("order", ["echo, receipt", "receipt, echo", "echo, restart", "restart, echo"])
@pytest.mark.parametrize("ids", ["client", "message", "both", "foreign"])
async def test_an_echo_is_no_owner_in_any_order(desk: Desk, order: str, ids: str) -> None:
    await desk.answer("Xin  chào")
    chunk = await desk.take()
    for step in order.split(", "):
        if step == "receipt":
            await desk.receipt(chunk)
        elif step == "restart":
            await desk.account_store.run(unknown_sends.recover, 0)
            await desk.start()
        else:
            known = {
                "client": {"client_id": chunk.out.client_id},
                "message": {"message_id": f"r{chunk.id}"},
                "both": {"client_id": chunk.out.client_id, "message_id": f"r{chunk.id}"},
                "foreign": {},
            }[ids]
            await desk.own("Xin chào", **known)  # type: ignore[arg-type]
    await desk.judge()
    assert desk.held() == []
    assert desk.last.in_question == ()
    assert (await desk.read("next")).decision.admitted


async def test_while_a_send_is_unsettled_the_verdict_waits_and_nothing_leaves(desk: Desk) -> None:
    asked = await desk.answer("one", "two")
    chunk = await desk.take()
    judged = await desk.own("something else")
    assert (judged.taken, judged.in_question) == ((), (ALICE,))
    assert judged.again_ms == NOW + HALF_AN_HOUR
    assert desk.held() == []
    other = await desk.read("meanwhile")
    assert other.decision.admitted
    await desk.receipt(chunk)
    [second] = (await desk.account_store.run(due.waiting)).chunks
    assert not await desk.begin(second), "nothing of the thread leaves before the verdict"
    [taken] = (await desk.judge()).taken
    assert taken.ended == (asked.seq, other.seq)
    assert [state for state, _ in desk.chunks()] == ["sent", "cancelled"]


async def test_an_echo_under_its_message_id_is_told_once_the_receipt_is_there(desk: Desk) -> None:
    await desk.answer("Tốt!", "next")
    chunk = await desk.take()
    judged = await desk.own("Tốt (changed by the platform)", message_id=f"r{chunk.id}")
    assert judged.in_question == (ALICE,)
    await desk.receipt(chunk)
    judged = await desk.judge()
    assert (judged.taken, judged.in_question) == ((), ())
    assert desk.held() == []
    assert (await desk.take()).out.text == "next"


async def test_a_verdict_survives_a_restart(desk: Desk) -> None:
    await desk.answer("one")
    chunk = await desk.take()
    await desk.own("mine")
    await desk.account_store.run(unknown_sends.recover, 0)
    assert (await desk.start()).in_question == (ALICE,), "the send is of unknown fate"
    await desk.account_store.run(unknown_sends.arrived, chunk.id)
    assert [one.thread for one in (await desk.judge()).taken] == [ALICE]
    assert desk.held() == [ALICE]


async def test_a_verdict_that_nobody_can_give_expires(desk: Desk) -> None:
    await desk.answer("one")
    chunk = await desk.take()
    await desk.account_store.run(sending.unknown, chunk.id, LostSend("no answer"))
    await desk.own("mine")
    desk.clock.ms += HALF_AN_HOUR
    judged = await desk.judge()
    assert (judged.taken, judged.in_question) == ((), ())


@pytest.mark.parametrize(("after_ms", "is_ours"), [(0, True), (WITHIN_MS, True), (WITHIN_MS + 1, False)])
async def test_the_same_text_counts_as_ours_within_a_minute(desk: Desk, after_ms: int, is_ours: bool) -> None:
    await desk.answer("Chào bạn!")
    await desk.deliver()
    desk.clock.ms += after_ms
    await desk.own("Chào bạn!")
    assert desk.held() == ([] if is_ours else [ALICE])


async def test_the_same_text_in_another_thread_is_the_owners(desk: Desk) -> None:
    await desk.answer("Chào bạn!", thread=BOB)
    await desk.deliver()
    await desk.own("Chào bạn!")
    assert desk.held() == [ALICE]


async def test_a_chunk_that_has_not_left_explains_nothing(desk: Desk) -> None:
    await desk.answer("Chào bạn!")
    [chunk] = (await desk.account_store.run(due.waiting)).chunks
    await desk.own("Chào bạn!", client_id=chunk.out.client_id)
    assert desk.held() == [ALICE]
    assert desk.chunks() == [("cancelled", "owner_took_over")]


PHOTO = {"kind": "photo", "attachments": (Attachment("photo"),)}


@pytest.mark.parametrize("out", ["photo", "album", "file", "reaction"])
async def test_files_and_reactions_of_ours_that_come_back_are_no_owner(desk: Desk, out: str) -> None:
    sends = {
        "photo": Media(ALICE, MediaKind.PHOTO, "/tmp/a", "a.jpg", "xem này"),
        "album": Photos(ALICE, ("/tmp/a", "/tmp/b")),
        "file": Media(ALICE, MediaKind.FILE, "/tmp/a", "báo cáo.pdf"),
        "reaction": Reaction(ALICE, "m1", "LIKE"),
    }
    asked = await desk.read("asks")
    await desk.account_store.run(turns.reply, asked.seq, [sends[out]])
    await desk.deliver()
    match out:
        case "photo":
            await desk.own("xem này", **PHOTO)
        case "album":
            await desk.own("", **PHOTO)
            await desk.own("", **PHOTO)
        case "file":
            await desk.own("báo cáo.pdf", kind="file")
        case _:
            await desk.own("", kind="reaction", reaction_to="m1")
    assert desk.held() == []


@pytest.mark.parametrize(
    "more", [PHOTO, {"kind": "sticker"}, {"kind": "reaction", "reaction_to": "m7"}], ids=str
)
async def test_what_the_owner_sends_without_a_text_counts_like_one(
    desk: Desk, more: dict[str, object]
) -> None:
    await desk.own("", kept=not more.get("reaction_to"), **more)  # type: ignore[arg-type]
    assert desk.held() == [ALICE]


# Time, places, and the end


async def test_what_was_written_while_offline_counts_by_its_own_time(desk: Desk) -> None:
    before = await desk.read("asks", sent_ms=NOW - 3_600_000)
    within = await desk.read("asks on", sent_ms=NOW - 3_600_000 + HALF_AN_HOUR - 1)
    after = await desk.read("asks again", sent_ms=NOW - 3_600_000 + HALF_AN_HOUR)
    [taken] = (await desk.own("mine", written_ms=NOW - 3_500_000 - 100_000)).taken
    assert taken.ended == (before.seq, within.seq)
    assert desk.held() == []
    assert desk.stage(after) == "waiting"
    late = await desk.read("comes late", sent_ms=NOW - 3_600_000 + 1)
    assert late.decision.reason is Reason.OWNER_TOOK_OVER


async def test_resume_ends_it_and_a_repeat_does_not_begin_it_again(desk: Desk) -> None:
    await desk.own("mine", message_id="o1")
    desk.clock.ms += 1000
    assert await desk.account_store.run(owner_takeovers.end, ALICE)
    assert not await desk.account_store.run(owner_takeovers.end, ALICE)
    assert desk.held() == []
    await desk.own("mine", message_id="o1", written_ms=NOW)
    await desk.own("not kept", message_id="o2", written_ms=NOW + 1, kept=False)
    assert desk.held() == []
    assert (await desk.read("next")).decision.admitted
    desk.clock.ms += 1000
    await desk.own("again")
    assert desk.held() == [ALICE]


async def test_a_restart_keeps_it(desk: Desk) -> None:
    await desk.own("mine")
    [taken] = (await desk.start()).taken
    assert (taken.thread, taken.until_ms) == (ALICE, NOW + HALF_AN_HOUR)


async def test_where_nobody_is_heard_nothing_is_kept_or_held(desk: Desk) -> None:
    await desk.own("private", BOB, heard=False, kept=False)
    assert desk.held() == []
    await desk.own("to somebody who would be challenged", BOB, kept=False)
    assert desk.held() == [BOB]
    desk.clock.ms += HALF_AN_HOUR
    assert await desk.context(await desk.read("now admitted", BOB)) == []


async def test_a_challenge_is_held_back_there(desk: Desk) -> None:
    await desk.read("hello", BOB, CHALLENGE)
    assert [state for state, _ in desk.chunks()] == ["queued"]
    await desk.own("I know her", BOB, kept=False)
    assert desk.chunks() == [("cancelled", "owner_took_over")]
    held = await desk.read("hello again", BOB, CHALLENGE)
    assert held.decision.reason is Reason.DM_PAIRING_HELD
    desk.clock.ms += HALF_AN_HOUR
    asked = await desk.read("still there", BOB, CHALLENGE)
    assert asked.decision.reason is Reason.DM_PAIRING_REQUIRED


async def test_a_group_is_taken_over_for_all_who_write_there(desk: Desk) -> None:
    await desk.own("mine", GROUP)
    assert (await desk.read("@bot", GROUP)).decision.reason is Reason.OWNER_TOOK_OVER
    assert (await desk.read("asks", ALICE)).decision.admitted


async def test_what_the_owner_takes_back_is_no_context(desk: Desk) -> None:
    await desk.own("mistake", message_id="o1")
    undone = Undone("default", ALICE, "o1", ME, own=True)
    await desk.account_store.run(inbox.admit_all, [undone])
    desk.clock.ms += HALF_AN_HOUR
    assert await desk.context(await desk.read("next")) == []


async def test_what_the_owner_takes_back_before_the_verdict_is_no_context(desk: Desk) -> None:
    await desk.answer("one")
    chunk = await desk.take()
    await desk.own("mistake", message_id="o1")
    await desk.account_store.run(inbox.admit_all, [Undone("default", ALICE, "o1", ME, own=True)])
    await desk.receipt(chunk)
    await desk.judge()
    assert desk.held() == [ALICE]
    desk.clock.ms += HALF_AN_HOUR
    assert await desk.context(await desk.read("next")) == []


async def test_the_feed_tells_when_it_began(desk: Desk) -> None:
    await desk.own("mine")
    await desk.own("more")
    with desk.store.read() as reader:
        told = [one for one in reader.events("", LANE, 100).events if hasattr(one, "change")]
    assert [(one.caller, one.change) for one in told] == [("owner", "owner_takeovers.begin")]
    assert told[0].details["thread_id"] == "11"


async def test_switched_off_by_the_config_nothing_holds(desk: Desk) -> None:
    await desk.own("mine")
    desk.lasts_ms = 0
    assert (await desk.start()).off
    assert desk.held() == []


# Sends that come back under foreign ids


async def foreign(desk: Desk, count: int, *, text: str = "") -> None:
    for number in range(count):
        thread = replace(ALICE, id=f"{1000 + desk.number}")
        await desk.answer(f"answer {number}", thread=thread)
        await desk.deliver()
        await desk.own(text or f"answer {number}", thread)
        desk.clock.ms += 2 * WITHIN_MS


@pytest.mark.parametrize("text", ["", "altered by the platform"])
async def test_three_sends_under_foreign_ids_switch_it_off_until_the_next_login(
    desk: Desk, text: str
) -> None:
    await foreign(desk, 2, text=text)
    assert not desk.off()
    await foreign(desk, 1, text=text)
    assert desk.last.switched_off
    assert desk.off()
    assert desk.held() == []
    await desk.own("mine")
    assert desk.held() == []
    assert (await desk.start()).taken == ()
    assert desk.off(), "a restart does not change that"
    desk.session = "login 2"
    await desk.start()
    assert not desk.off()
    await desk.own("mine once more")
    assert desk.held() == [ALICE]


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_one_send_that_is_recognised_proves_the_ids(desk: Desk, which: int) -> None:
    for number in range(5):
        await desk.answer(f"answer {number}", thread=BOB)
        chunk = await desk.deliver()
        known = {"client_id": chunk.out.client_id} if number == which else {}
        await desk.own(f"answer {number}", BOB, **known)  # type: ignore[arg-type]
        desk.clock.ms += 2 * WITHIN_MS
    assert not desk.off()
    await desk.own("mine")
    assert desk.held() == [ALICE]
