"""Words of others go by their age, each kind by its own; ids stay longer, and answers come once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import NOW, Clock

from clawlane.access.decision import RETENTION, Decision, Outcome, Reason, Rule
from clawlane.access.explain import explain
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Receipt, Text, Thread, ThreadKind
from clawlane.store import catch_up, due, inbox, retention, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import AdmittedMessage, History, NewMessage, NoteResult
from clawlane.store.retention import BUILT_IN, DAY_MS, DEAD_LETTERS, FORGOTTEN, IDS_MS, Keep, Take
from clawlane.store.turns import TRIES

ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))


@dataclass
class Desk:
    store: Store
    account_store: AccountStore
    clock: Clock
    path: Path

    def arrival(self, message_id: str, sent_ms: int = 0) -> NewMessage:
        thread = Thread(ThreadKind.DM, f"7{message_id}")
        text, sent_ms = f"text {message_id}", sent_ms or self.clock.ms
        inbound = Inbound("default", message_id, thread, thread.id, "", text, sent_ms)
        return NewMessage(inbound, ADMIT, PairingReply.CODE, self.clock.ms)

    async def read(self, message_id: str, sent_ms: int = 0) -> AdmittedMessage | NoteResult | Exception:
        [result] = await self.account_store.run(inbox.admit_all, [self.arrival(message_id, sent_ms)])
        return result

    async def answered(self, *message_ids: str) -> None:
        """Messages that are read and answered now."""
        results = await self.account_store.run(inbox.admit_all, list(map(self.arrival, message_ids)))
        await asyncio.gather(*(self.reply(one) for one in results if isinstance(one, AdmittedMessage)))
        chunks = (await self.account_store.run(due.waiting)).chunks
        await self.account_store.run(sending.begin, [chunk.id for chunk in chunks])
        await asyncio.gather(
            *(self.account_store.run(sending.sent, one.id, Receipt((f"r{one.id}",))) for one in chunks)
        )

    async def reply(self, to: AdmittedMessage) -> None:
        await self.account_store.run(turns.reply, to.seq, [Text(to.inbound.thread, f"answer {to.seq}")])

    async def fail(self, one: AdmittedMessage | NoteResult | Exception) -> None:
        """The agent cannot answer a message."""
        assert isinstance(one, AdmittedMessage)
        for _ in range(TRIES):
            await self.account_store.run(turns.start, one.seq, History.INCLUDE)
            await self.account_store.run(turns.fail, one.seq, "no idea")

    async def forget(self) -> None:
        while await self.account_store.run(retention.prune):
            pass

    def count(self, what: str) -> int:
        with self.store.read() as reader:
            (found,) = reader._connection.execute(f"SELECT count(*) FROM {what}").fetchone()
        return int(found)


@pytest.fixture
def desk(store: Store, account_store: AccountStore, clock: Clock, tmp_path: Path) -> Desk:
    return Desk(store, account_store, clock, tmp_path / "store.sqlite")


async def test_what_is_done_loses_its_text_by_its_age_and_keeps_its_ids(desk: Desk) -> None:
    await desk.answered("old")
    desk.clock.ms += BUILT_IN.text_ms // 2
    await desk.answered("young")
    desk.clock.ms += BUILT_IN.text_ms // 2 + 1
    await desk.forget()
    assert desk.count("messages WHERE body IS NOT NULL") == desk.count("outbox WHERE body <> ''") == 1
    assert desk.count("messages") == 2
    assert await desk.read("old") == NoteResult(), "it is still known, and not answered again"


async def test_much_later_the_ids_go_and_what_is_as_old_is_too_old(desk: Desk) -> None:
    await desk.answered("old")
    desk.clock.ms += BUILT_IN.decisions_ms // 2
    await desk.answered("younger")
    desk.clock.ms += BUILT_IN.decisions_ms // 2 + 1
    await desk.forget()
    assert desk.count("messages") == desk.count("turns") == desk.count("outbox") == 1
    again = await desk.read("old", sent_ms=NOW)
    assert isinstance(again, AdmittedMessage)
    assert (again.decision.reason, again.decision.rule) == (Reason.TOO_OLD, RETENTION)
    assert explain(again.decision, "11", again.inbound.thread).change == ""
    fresh = await desk.read("fresh")
    assert isinstance(fresh, AdmittedMessage)
    assert fresh.decision.admitted


async def test_ids_stay_a_month_whatever_is_asked(desk: Desk) -> None:
    await desk.answered("old")
    desk.clock.ms += IDS_MS
    await desk.account_store.run(retention.prune, Keep(text_ms=1, decisions_ms=1))
    assert desk.count("messages") == 1
    desk.clock.ms += 1
    await desk.account_store.run(retention.prune, Keep(text_ms=1, decisions_ms=1))
    assert desk.count("messages") == 0


async def test_a_message_that_was_set_aside_is_given_up_when_its_text_goes(desk: Desk) -> None:
    await desk.fail(await desk.read("poison"))
    desk.clock.ms += BUILT_IN.text_ms
    await desk.forget()
    with desk.store.read() as reader:
        assert [letter.text for letter in reader.dead_letters()] == ["text poison"]
    desk.clock.ms += 1
    await desk.forget()
    with desk.store.read() as reader:
        assert reader.dead_letters() == []
        assert reader.activity("zalouser/default").counters[FORGOTTEN] == 1
    assert desk.count("messages WHERE body IS NOT NULL") == 0


async def test_a_message_that_nobody_could_decide_about_is_dropped_as_too_old(desk: Desk) -> None:
    [_] = await desk.account_store.run(inbox.admit_all, [replace(desk.arrival("early"), decision=None)])
    assert desk.count("undecided") == 1
    desk.clock.ms += BUILT_IN.text_ms + 1
    await desk.forget()
    assert desk.count("undecided") == desk.count("messages WHERE body IS NOT NULL") == 0
    with desk.store.read() as reader:
        [found] = reader.decided("early")
    assert [(one.decision.reason, one.decision.rule) for one in found.made] == [(Reason.TOO_OLD, RETENTION)]


async def test_what_is_taken_next_is_known_beforehand(desk: Desk) -> None:
    def look(keep: Keep = BUILT_IN) -> Take | None:
        with desk.store.read() as reader:
            return reader.next_take("zalouser/default", keep)

    assert look() is None
    await desk.answered("one", "two")
    desk.clock.ms += DAY_MS
    await desk.answered("three")
    await desk.read("waits")
    assert look() == Take(2, NOW + BUILT_IN.text_ms)
    assert look(Keep(text_ms=5)) == Take(2, NOW + 5)
    desk.clock.ms = NOW + BUILT_IN.text_ms + 1
    await desk.forget()
    assert look() == Take(1, NOW + DAY_MS + BUILT_IN.text_ms)


async def test_of_too_many_that_were_set_aside_the_oldest_are_forgotten_and_counted(desk: Desk) -> None:
    results = await desk.account_store.run(
        inbox.admit_all, [desk.arrival(f"m{n}") for n in range(DEAD_LETTERS + 3)]
    )
    for one in results:
        await desk.fail(one)
    await desk.forget()
    with desk.store.read() as reader:
        assert reader.dead_letter_count("zalouser/default") == DEAD_LETTERS
        assert reader.dead_letters()[0].message_id == "m3"
        assert reader.activity("zalouser/default").counters[FORGOTTEN] == 3
        [found] = reader.decided("m0")
    assert (found.standing.state, found.standing.reason) == (
        "failed",
        "set aside and forgotten undecided",
    )


async def test_gaps_go_after_a_month(desk: Desk) -> None:
    await desk.answered("one")
    await desk.account_store.run(catch_up.cursor, ThreadKind.DM, 0)
    assert await desk.account_store.run(catch_up.caught_up, ThreadKind.DM, NOW + 9_000) is not None
    desk.clock.ms += IDS_MS
    await desk.forget()
    assert desk.count("gaps") == 1
    desk.clock.ms += 1
    await desk.forget()
    assert desk.count("gaps") == 0


async def test_what_is_not_done_is_not_forgotten(desk: Desk) -> None:
    await desk.read("waits")
    desk.clock.ms += 2 * IDS_MS
    await desk.forget()
    [turn] = await desk.account_store.run(turns.open_turns)
    assert turn.inbound.text == "text waits"


async def test_a_clock_that_jumps_ahead_and_back_shuts_nobody_out(desk: Desk) -> None:
    await desk.answered("one")
    desk.clock.ms += 10 * IDS_MS
    await desk.forget()
    desk.clock.ms = NOW + 1_000
    later = await desk.read("two")
    assert isinstance(later, AdmittedMessage)
    assert later.decision.admitted


async def test_what_a_group_said_is_kept_for_the_next_turn_for_a_week(desk: Desk) -> None:
    group = Thread(ThreadKind.GROUP, "88")
    pend = Decision(Outcome.PEND, Reason.MENTION_REQUIRED, Rule("groups"), keep_as_history=True)
    said = Inbound("default", "said", group, "11", "Lan", "họp lúc ba giờ", desk.clock.ms)
    kept = NewMessage(said, pend, PairingReply.CODE, desk.clock.ms, history_limit=50)
    await desk.account_store.run(inbox.admit_all, [kept])
    desk.clock.ms += BUILT_IN.history_ms
    await desk.forget()
    asked = Inbound("default", "asked", group, "22", "Hùng", "mấy giờ?", desk.clock.ms)
    [admitted] = await desk.account_store.run(
        inbox.admit_all, [NewMessage(asked, ADMIT, PairingReply.CODE, desk.clock.ms)]
    )
    assert isinstance(admitted, AdmittedMessage)
    started = await desk.account_store.run(turns.start, admitted.seq, History.INCLUDE)
    assert started is not None
    assert [one.text for one in started.history] == ["họp lúc ba giờ"]
    await desk.account_store.run(turns.fail, admitted.seq, "no idea", started.run, final=True)
    desk.clock.ms += 1
    await desk.forget()
    assert desk.count("history") == 0
    assert desk.count("messages WHERE body LIKE '%\\u1ecdp%'") == 0
