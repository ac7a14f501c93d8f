"""What is remembered of a conversation, at the seam of the store: kept, cut, recalled, reset, pruned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

import pytest
from packages.clawlane.tests.opened_store import LANE, Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Deleted, Inbound, Quote, Receipt, Text, Thread, ThreadKind, Undone
from clawlane.store import due, inbox, recall, retention, sending, sessions, steps, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import AdmittedMessage, History, LostSend, NewMessage, NoteResult
from clawlane.store.retention import DAY_MS, Keep
from clawlane.store.sessions import Remembered, Session
from clawlane.store.steps import ToolSend
from clawlane.store.transaction import Tx

ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
PEND = Decision(Outcome.PEND, Reason.MENTION_REQUIRED, Rule("groups"), keep_as_history=True)
GROUP = Thread(ThreadKind.GROUP, "55")
DM = Thread(ThreadKind.DM, "11")


def never(_last_ms: int, _now_ms: int) -> bool:
    return False


def always(_last_ms: int, _now_ms: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Turn:
    seq: int
    run: int
    session: Session | None


class Desk:
    """One account in which people write and an agent answers."""

    def __init__(self, store: Store, account_store: AccountStore, clock: Clock) -> None:
        self.store = store
        self.account_store = account_store
        self.clock = clock
        self._numbers = count(1)

    async def read(
        self, text: str, thread: Thread = DM, decision: Decision = ADMIT, quote: Quote | None = None
    ) -> AdmittedMessage:
        inbound = Inbound(
            "default", f"m{next(self._numbers)}", thread, "11", "Lan", text, self.clock.ms, quote=quote
        )
        new = NewMessage(inbound, decision, PairingReply.CODE, self.clock.ms, history_limit=50)
        [result] = await self.account_store.run(inbox.admit_all, [new])
        assert isinstance(result, AdmittedMessage)
        return result

    async def begin(
        self, message: AdmittedMessage, agent: str = "main", is_over: sessions.IsOver = never
    ) -> Turn:
        started = await self.account_store.run(turns.start, message.seq, History.INCLUDE)
        assert started is not None
        thread = message.inbound.thread
        found = await self.account_store.run(sessions.begin, agent, thread, message.seq, started.run, is_over)
        return Turn(message.seq, started.run, found)

    async def answer(self, message: AdmittedMessage, turn: Turn, *parts: str) -> None:
        """The agent's answer, remembered and queued."""
        await self.account_store.run(sessions.answered, turn.seq, turn.run, "".join(parts))
        outs = [Text(message.inbound.thread, part) for part in parts]
        await self.account_store.run(turns.reply, turn.seq, outs, turn.run)

    async def send(self) -> None:
        """Everything that is queued leaves."""
        while chunks := (await self.account_store.run(due.waiting)).chunks:
            await self.account_store.run(sending.begin, [chunk.id for chunk in chunks])
            for chunk in chunks:
                await self.account_store.run(sending.sent, chunk.id, Receipt((f"r{chunk.id}",)))

    async def talk(self, text: str, answer: str, thread: Thread = DM, agent: str = "main") -> AdmittedMessage:
        message = await self.read(text, thread)
        turn = await self.begin(message, agent)
        await self.answer(message, turn, answer)
        await self.send()
        return message

    async def recall(self, message: AdmittedMessage) -> NoteResult:
        inbound = message.inbound
        fact = Undone("default", inbound.thread, inbound.message_id, inbound.sender_id)
        [result] = await self.account_store.run(inbox.admit_all, [fact])
        assert isinstance(result, NoteResult)
        return result

    def remembered(self, thread: Thread = DM, agent: str = "main") -> tuple[Remembered, ...]:
        return self.session(thread, agent).turns

    def session(self, thread: Thread = DM, agent: str = "main") -> Session:
        with self.store.read() as reader:
            return reader.session(LANE, agent, thread)

    def said(self, thread: Thread = DM) -> list[tuple[list[str], list[str], str | None]]:
        return [
            ([one.text for one in turn.history], [one.text for one in turn.messages], turn.answer)
            for turn in self.remembered(thread)
        ]

    def texts(self) -> str:
        """All that people said and that is still there."""
        with self.store.read() as reader:
            rows = reader._connection.execute("SELECT body FROM messages WHERE body IS NOT NULL")
            return "\n".join(row["body"] for row in rows)

    def count(self, what: str) -> int:
        with self.store.read() as reader:
            (found,) = reader._connection.execute(f"SELECT count(*) FROM {what}").fetchone()
        return int(found)


@pytest.fixture
def desk(store: Store, account_store: AccountStore, clock: Clock) -> Desk:
    return Desk(store, account_store, clock)


async def test_a_turn_is_remembered_with_the_history_that_went_with_it_and_that_is_given_once(
    desk: Desk,
) -> None:
    await desk.read("chatter", GROUP, PEND)
    first = await desk.talk("ask", "answer", GROUP)
    assert desk.said(GROUP) == [(["chatter"], ["ask"], "answer")]
    second = await desk.read("more", GROUP)
    started = await desk.account_store.run(turns.start, second.seq, History.INCLUDE)
    assert started is not None
    assert started.history == ()
    turn = await desk.begin(second)
    assert turn.session is not None
    assert [one.turn for one in turn.session.turns] == [first.seq]


async def test_without_a_memory_the_history_is_forgotten_with_its_turn(desk: Desk) -> None:
    await desk.read("chatter", GROUP, PEND)
    message = await desk.read("ask", GROUP)
    await desk.account_store.run(turns.start, message.seq, History.INCLUDE)
    await desk.account_store.run(turns.reply, message.seq, [])
    assert "chatter" not in desk.texts()


async def test_a_turn_that_nothing_left_of_gives_its_history_to_the_next(desk: Desk) -> None:
    await desk.read("chatter", GROUP, PEND)
    message = await desk.read("ask", GROUP)
    await desk.answer(message, await desk.begin(message), "answer")
    await desk.account_store.run(turns.stop, (await desk.read("/stop", GROUP)).seq)
    assert desk.said(GROUP) == [([], ["ask"], "answer")]
    again = await desk.read("again", GROUP)
    await desk.begin(again)
    assert desk.said(GROUP)[1] == (["chatter"], ["again"], None)


async def test_accounts_agents_and_threads_have_sessions_of_their_own(desk: Desk) -> None:
    await desk.talk("dm", "1")
    await desk.talk("group", "2", Thread(ThreadKind.GROUP, "11"))
    await desk.talk("other agent", "3", agent="other")
    assert desk.said() == [([], ["dm"], "1")]
    async with desk.store.own("zalouser/second") as second:
        await second.run(sessions.enter, "main", DM, never)
        with desk.store.read() as reader:
            assert reader.session("zalouser/second", "main", DM).turns == ()


@pytest.mark.parametrize(
    ("ended", "note"),
    [
        ("sent", ""),
        ("queued", "(not sent yet)"),
        ("refused", "(only 1 of 2 parts arrived)"),
        ("all refused", "(not sent: it could not be delivered)"),
        ("unknown", "(nobody knows whether this arrived)"),
        ("stopped", "(not sent: stopped)"),
        ("dead", "(no answer: something went wrong)"),
        ("silent", ""),
    ],
)
async def test_what_became_of_an_answer_is_noted(desk: Desk, ended: str, note: str) -> None:
    message = await desk.read("ask")
    turn = await desk.begin(message)
    if ended == "dead":
        await desk.account_store.run(turns.fail, turn.seq, "no idea", turn.run, final=True)
    elif ended == "silent":
        await desk.answer(message, turn)
    else:
        await desk.answer(message, turn, "a", "b")
    if ended == "sent":
        await desk.send()
    elif ended == "stopped":
        await desk.account_store.run(turns.stop, (await desk.read("/stop")).seq)
    elif ended in ("refused", "all refused", "unknown"):
        for number in range(1 if ended != "refused" else 2):
            [chunk] = (await desk.account_store.run(due.waiting)).chunks
            await desk.account_store.run(sending.begin, [chunk.id])
            if ended == "unknown":
                await desk.account_store.run(sending.unknown, chunk.id, LostSend("the line broke"))
            elif ended == "all refused" or number:
                await desk.account_store.run(sending.refused, chunk.id, "blocked")
            else:
                await desk.account_store.run(sending.sent, chunk.id, Receipt(("r1",)))
    [turn_] = desk.remembered()
    assert turn_.note == note


async def test_what_a_void_run_answers_is_not_kept(desk: Desk) -> None:
    message = await desk.read("ask")
    old = await desk.begin(message)
    new = await desk.begin(message)
    assert not await desk.account_store.run(sessions.answered, old.seq, old.run, "old")
    assert await desk.account_store.run(sessions.answered, new.seq, new.run, "new")
    assert await desk.account_store.run(sessions.begin, "main", DM, old.seq, old.run, never) is None
    assert desk.said() == [([], ["ask"], "new")]


async def test_a_recall_takes_a_message_out_with_what_saw_and_repeated_it(desk: Desk) -> None:
    chatter = await desk.read("the Code is 99", GROUP, PEND)
    await desk.talk("ask", "I saw it", GROUP)
    await desk.talk("what was it", "You said: the code is 99!", GROUP)
    quote = Quote(chatter.inbound.message_id, "11", "the code is 99")
    quoting = await desk.read("this one?", GROUP, quote=quote)
    await desk.answer(quoting, await desk.begin(quoting), "yes, that one")
    await desk.send()
    await desk.recall(chatter)
    assert desk.said(GROUP) == [
        ([], ["ask"], None),
        ([], ["what was it"], None),
        ([], ["this one?"], "yes, that one"),
    ]
    assert desk.remembered(GROUP)[0].note == "(the answer is not remembered)"
    assert desk.remembered(GROUP)[2].messages[0].quote == replace(quote, text="")
    assert "99" not in desk.texts()


async def test_a_short_text_is_not_looked_for_in_answers(desk: Desk) -> None:
    short = await desk.talk("ok", "one")
    await desk.talk("more", "ok then")
    await desk.recall(short)
    assert desk.said() == [([], ["more"], "ok then")]


async def test_a_recall_empties_the_steps_that_repeat_it(desk: Desk) -> None:
    secret = await desk.talk("line one\nsecret", "fine")
    later = await desk.read("later")
    turn = await desk.begin(later)
    await desk.account_store.run(steps.add, turn.seq, turn.run, 1, '{"said": "Line one\\nsecret"}')
    await desk.answer(later, turn, "done")
    await desk.send()
    assert desk.remembered()[1].steps
    await desk.recall(secret)
    [left] = desk.remembered()
    assert (left.answer, left.steps) == (None, ())


async def test_a_turn_that_is_thinking_with_what_is_recalled_starts_over(desk: Desk) -> None:
    secret = await desk.talk("a secret", "fine")
    later = await desk.read("later")
    turn = await desk.begin(later)
    result = await desk.recall(secret)
    assert [one.seq for one in result.recalled.again] == [turn.seq]
    await desk.answer(later, turn, "a secret, was it?")
    assert desk.said() == [([], ["later"], None)]


async def test_an_agent_that_is_not_asked_twice_goes_on_and_its_answer_is_not_remembered(desk: Desk) -> None:
    secret = await desk.talk("a secret", "fine")
    later = await desk.read("later")
    started = await desk.account_store.run(turns.start_once, later.seq, History.INCLUDE)
    assert started is not None
    await desk.account_store.run(sessions.begin, "main", DM, later.seq, started.run, never)
    result = await desk.recall(secret)
    assert result.recalled.again == ()
    await desk.answer(later, Turn(later.seq, started.run, None), "a secret, was it?")
    assert desk.said() == []


async def test_what_the_owner_deletes_is_forgotten_too(desk: Desk) -> None:
    await desk.talk("one", "1")
    last = await desk.talk("two", "2")
    fact = Deleted("default", DM, last.inbound.message_id, author_id="11", whole_thread=True)
    await desk.account_store.run(inbox.admit_all, [fact])
    assert desk.said() == []


async def test_a_cut_forgets_and_a_summary_takes_the_place_of_what_is_cut(desk: Desk) -> None:
    await desk.read("chatter", GROUP, PEND)
    first = await desk.talk("one", "1", GROUP)
    second = await desk.talk("two", "2", GROUP)
    await desk.talk("three", "3", GROUP)
    seen = desk.session(GROUP)
    assert await desk.account_store.run(sessions.cut, "main", GROUP, seen, [first.seq], "it began")
    assert desk.session(GROUP).summary == "it began"
    assert [said for _, said, _ in desk.said(GROUP)] == [["two"], ["three"]]
    assert "chatter" not in desk.texts()
    assert await desk.account_store.run(sessions.cut, "main", GROUP, seen, [second.seq])
    assert [said for _, said, _ in desk.said(GROUP)] == [["three"]]
    assert desk.session(GROUP).summary == "it began"


async def test_a_summary_goes_with_a_message_that_it_saw(desk: Desk) -> None:
    chatter = await desk.read("chatter", GROUP, PEND)
    first = await desk.talk("one", "1", GROUP)
    await desk.talk("two", "2", GROUP)
    seen = desk.session(GROUP)
    await desk.account_store.run(sessions.cut, "main", GROUP, seen, [first.seq], "they chattered")
    await desk.recall(chatter)
    assert desk.session(GROUP).summary == ""
    assert desk.count("session_turns") == 1


async def test_a_summary_that_was_made_of_what_is_recalled_meanwhile_is_refused(desk: Desk) -> None:
    first = await desk.talk("one", "1")
    second = await desk.talk("two", "2")
    seen = desk.session()
    await desk.recall(first)
    assert not await desk.account_store.run(sessions.cut, "main", DM, seen, [first.seq, second.seq], "1, 2")
    await desk.account_store.run(sessions.reset, "main", DM)
    assert not await desk.account_store.run(sessions.cut, "main", DM, seen, [second.seq])
    assert desk.session().summary == ""


async def test_a_reset_forgets_the_turns_and_counts_the_conversation(desk: Desk) -> None:
    await desk.read("chatter", GROUP, PEND)
    await desk.talk("one", "1", GROUP)
    assert await desk.account_store.run(sessions.reset, "main", GROUP) == 1
    assert desk.session(GROUP) == Session(number=2)
    assert "chatter" not in desk.texts()
    assert await desk.account_store.run(sessions.reset, "main", DM) == 0
    assert await desk.account_store.run(sessions.enter, "main", DM, always) == 2, "it has not begun yet"
    assert await desk.account_store.run(sessions.enter, "main", DM, always) == 3


async def test_a_reset_during_a_turn_keeps_its_answer_out_of_the_new_conversation(desk: Desk) -> None:
    await desk.read("chatter", GROUP, PEND)
    message = await desk.read("one", GROUP)
    turn = await desk.begin(message)
    await desk.account_store.run(sessions.reset, "main", GROUP)
    await desk.answer(message, turn, "1")
    await desk.send()
    assert desk.said(GROUP) == []
    assert "chatter" not in desk.texts()
    assert desk.count("history") == desk.count("given") == 0


async def test_a_session_that_is_over_begins_anew_with_the_next_turn(desk: Desk) -> None:
    await desk.talk("one", "1")
    turn = await desk.begin(await desk.read("two"), is_over=always)
    assert turn.session == Session(number=2)
    assert [said for _, said, _ in desk.said()] == [["two"]]


async def test_sessions_that_are_over_are_forgotten_though_nobody_writes_any_more(desk: Desk) -> None:
    quiet, talks = replace(DM, id="12"), replace(DM, id="13")
    await desk.talk("long ago", "yes", quiet)
    await desk.begin(await desk.read("and now?", talks))
    desk.clock.ms += 60_000
    await desk.talk("just now", "yes")

    def idle(last_ms: int, now_ms: int) -> bool:
        return now_ms - last_ms >= 60_000

    assert not await desk.account_store.run(sessions.expire, idle)
    assert [desk.session(one).number for one in (DM, quiet, talks)] == [1, 2, 1], "one waits for its agent"
    assert desk.remembered(quiet) == ()
    assert not await desk.account_store.run(sessions.expire, idle)
    assert desk.session(quiet).number == 2
    turn = await desk.begin(await desk.read("hello again", quiet), is_over=idle)
    assert turn.session is not None
    assert turn.session.number == 2


async def test_what_is_remembered_outlives_the_texts_and_ids_of_everything_else(desk: Desk) -> None:
    await desk.read("chatter", GROUP, PEND)
    await desk.talk("one", "1", GROUP)
    forgotten = await desk.talk("two", "2", agent="other")
    await desk.account_store.run(sessions.reset, "other", DM)
    keep = Keep(text_ms=DAY_MS, history_ms=DAY_MS, sessions_ms=60 * DAY_MS, decisions_ms=30 * DAY_MS)
    desk.clock.ms += 30 * DAY_MS + 1
    while await desk.account_store.run(retention.prune, keep):
        pass
    assert desk.said(GROUP) == [(["chatter"], ["one"], "1")]
    assert desk.count(f"messages WHERE seq = {forgotten.seq}") == 0
    await desk.account_store.run(sessions.reset, "main", GROUP)
    while await desk.account_store.run(retention.prune, keep):
        pass
    assert desk.count("messages") == desk.count("turns") == 0


async def test_what_is_remembered_goes_by_its_age_and_a_summary_with_its_first_turn(desk: Desk) -> None:
    keep = Keep(text_ms=DAY_MS, sessions_ms=10 * DAY_MS)
    first = await desk.talk("one", "1", GROUP)
    seen = desk.session(GROUP)
    assert await desk.account_store.run(sessions.cut, "main", GROUP, seen, [first.seq], "they spoke of one")
    desk.clock.ms += 6 * DAY_MS
    await desk.talk("two", "2", GROUP)
    await desk.account_store.run(retention.prune, keep)
    assert (desk.session(GROUP).summary, desk.said(GROUP)) == ("they spoke of one", [([], ["two"], "2")])
    desk.clock.ms += 4 * DAY_MS + 1
    await desk.account_store.run(retention.prune, keep)
    assert (desk.session(GROUP).summary, desk.said(GROUP)) == ("", [([], ["two"], "2")])
    assert desk.session(GROUP).recalls > seen.recalls, "a summary that is being made is void"
    desk.clock.ms += 6 * DAY_MS
    await desk.account_store.run(retention.prune, keep)
    assert (desk.said(GROUP), desk.count("messages WHERE body IS NOT NULL")) == ([], 0)


async def set_aside(desk: Desk, text: str, sends: str, agent: str = "main") -> AdmittedMessage:
    """A turn whose agent failed for good after a tool had sent something."""
    message = await desk.read(text)
    turn = await desk.begin(message, agent)
    await add_step(desk, turn, f'"calls for {text}"', sends)
    await desk.send()
    await desk.account_store.run(turns.fail, turn.seq, "no idea", turn.run, final=True)
    return message


async def add_step(desk: Desk, turn: Turn, body: str, *sends: str) -> None:
    calls = [ToolSend(1, 0, (Text(DM, text),)) for text in sends]
    assert await desk.account_store.run(steps.add, turn.seq, turn.run, 1, body, calls)


@pytest.mark.parametrize("way", ["reset", "cut", "summarised"])
async def test_a_dead_letter_goes_on_from_its_steps_whatever_became_of_its_session(
    desk: Desk, way: str
) -> None:
    message = await set_aside(desk, "ask", "sent already")
    session, number = desk.session(), [message.seq]
    if way == "reset":
        await desk.account_store.run(sessions.reset, "main", DM)
    else:
        summary = "a summary" if way == "summarised" else None
        await desk.account_store.run(sessions.cut, "main", DM, session, number, summary)
    assert desk.remembered() == ()
    await desk.account_store.run(turns.resubmit, message.inbound.message_id)
    turn = await desk.begin(message)
    assert await desk.account_store.run(steps.stored, turn.seq) == ('"calls for ask"',)


async def test_a_dead_letter_whose_steps_repeat_what_was_recalled_calls_its_tools_anew(desk: Desk) -> None:
    secret = await desk.talk("my secret", "noted")
    message = await set_aside(desk, "my secret?", "sent already")
    await desk.recall(secret)
    await desk.account_store.run(turns.resubmit, message.inbound.message_id)
    turn = await desk.begin(message)
    assert await desk.account_store.run(steps.stored, turn.seq) == ()
    await add_step(desk, turn, '"calls again"', "sent now")
    with desk.store.read() as reader:
        assert [row.text for row in reader.outbox()] == ["sent now"], "it is not taken for the earlier call"


@pytest.mark.parametrize("as_history", [True, False])
async def test_a_turn_that_read_what_was_recalled_and_has_sent_something_is_not_remembered(
    desk: Desk, as_history: bool
) -> None:
    if as_history:
        secret = await desk.read("my secret", GROUP, PEND)
    else:
        secret = await desk.talk("my secret", "noted", GROUP)
    message = await desk.read("what was it?", GROUP)
    turn = await desk.begin(message)
    await add_step(desk, turn, '"calls"', "wait")
    await desk.send()
    noted = await desk.recall(secret)
    assert noted.recalled.again == (), "something has left: it goes on"
    await desk.answer(message, turn, "my secret")
    await desk.send()
    assert "my secret" not in str(desk.remembered(GROUP))
    assert "my secret" not in desk.texts()


async def test_another_agent_does_not_go_on_with_the_steps_of_the_one_before(desk: Desk) -> None:
    message = await desk.read("ask")
    await add_step(desk, await desk.begin(message, "old"), '"calls of the old one"', "from the old one")
    await desk.account_store.run(turns.recover)
    turn = await desk.begin(message, "new")
    assert await desk.account_store.run(steps.stored, turn.seq) == ()
    await add_step(desk, turn, '"calls of the new one"', "from the new one")
    with desk.store.read() as reader:
        assert [row.text for row in reader.outbox()] == ["from the old one", "from the new one"]
    assert desk.remembered(agent="old") == ()
    await desk.answer(message, turn, "hello")
    await desk.send()
    [remembered] = desk.remembered(agent="new")
    assert remembered.steps == ('"calls of the new one"',)


def steps_of(tx: Tx, fact: Deleted) -> int:
    """How many hundred steps SQLite's virtual machine takes to delete a conversation."""
    taken = count()

    def step() -> int:
        next(taken)
        return 0

    tx.db.set_progress_handler(step, 100)
    try:
        recall.deleted(tx, fact, 1000)
    finally:
        tx.db.set_progress_handler(None, 0)
    return next(taken)


@pytest.mark.of_file
async def test_a_deleted_conversation_takes_work_by_its_length_and_not_by_the_square(desk: Desk) -> None:
    work = []
    for thread, length in ((DM, 30), (replace(DM, id="12"), 120)):
        for number in range(length):
            last = await desk.talk(f"question {number} about something", f"answer {number}", thread)
        fact = Deleted("default", thread, last.inbound.message_id, "11", whole_thread=True)
        work.append(await desk.account_store.run(steps_of, fact))
        assert "about something" not in desk.texts()
        assert desk.remembered(thread) == ()
    assert work[1] < 8 * work[0]


async def test_an_answer_that_repeats_what_is_recalled_is_found_though_its_turn_is_cut_off(
    desk: Desk,
) -> None:
    secret = await desk.talk("my secret", "noted")
    await desk.talk("what was it?", "it was: my secret")
    await desk.account_store.run(sessions.cut, "main", DM, desk.session(), [secret.seq])
    await desk.recall(secret)
    assert [turn.answer for turn in desk.remembered()] == [None]


async def test_an_answer_that_was_given_late_loses_what_is_recalled_too(desk: Desk) -> None:
    early = await set_aside(desk, "ask", "sent already")
    secret = await desk.talk("my secret", "noted")
    await desk.account_store.run(turns.resubmit, early.inbound.message_id)
    await desk.answer(early, await desk.begin(early), "it was: my secret")
    await desk.recall(secret)
    assert "my secret" not in str(desk.remembered())


async def test_a_turn_that_read_what_was_recalled_does_not_come_back_with_its_steps(desk: Desk) -> None:
    secret = await desk.talk("my secret", "noted")
    message = await desk.read("what was it?")
    turn = await desk.begin(message)
    await add_step(desk, turn, '"my secret"', "wait")
    await desk.send()
    await desk.recall(secret)
    await desk.account_store.run(turns.fail, turn.seq, "no idea", turn.run)
    await desk.answer(message, await desk.begin(message), "my secret")
    assert "my secret" not in str(desk.remembered())


async def test_a_reply_on_its_way_loses_the_steps_that_read_what_is_recalled(desk: Desk) -> None:
    secret = await desk.talk("my secret", "noted")
    message = await desk.read("what was it?")
    turn = await desk.begin(message)
    await add_step(desk, turn, '"my secret"', "wait")
    await desk.send()
    await desk.answer(message, turn, "it was: my secret")
    await desk.recall(secret)
    await desk.send()
    assert "my secret" not in str(desk.remembered())


async def test_a_conversation_is_deleted_with_the_turn_that_is_given_a_part_of_it(desk: Desk) -> None:
    await desk.read("chatter", GROUP, PEND)
    message = await desk.read("ask", GROUP)
    await desk.begin(message)
    fact = Deleted("default", GROUP, message.inbound.message_id, "11", whole_thread=True)
    result = await desk.account_store.run(recall.deleted, fact, 1000)
    assert (result.ended, result.again) == ((message.seq,), ())
