"""Outbound modes on a bench: what leaves, what becomes a draft, and what others are shown meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import connect

import pytest
from packages.clawlane.tests.lane_bench import OPEN, Bench, Echo, Gated, Wire, bench_in, message, said, until

from clawlane.access.decision import Rule
from clawlane.access.in_force import Rules
from clawlane.access.outbound import OutboundPolicy
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.disclosure import marked, whom_told
from clawlane.channel import Account, NotSent, Phase, State
from clawlane.config.choices import Acks, Disclosure, GroupPolicy, OutboundMode
from clawlane.lane.runner import Runner
from clawlane.messages import (
    Delivered,
    Media,
    MediaKind,
    Outgoing,
    Own,
    Receipt,
    Seen,
    Text,
    Thread,
    ThreadKind,
    Typing,
    Undo,
)
from clawlane.store import drafts, forgetting, operator_sends, outbox, sending
from clawlane.store.codec import outgoing_body, outgoing_of
from clawlane.store.draft_told import Draft, Staleness
from clawlane.store.models import Judged, Purpose, TakenOver
from clawlane.store.states import DraftState
from clawlane.store.why_search import Wanted

RULE = Rule("channels.zalouser.outbound", "channel", 3)
LAN = Thread(ThreadKind.DM, "11")


def mode(word: OutboundMode, policy: AccessPolicy = OPEN, **more: object) -> AccessPolicy:
    return replace(policy, outbound=OutboundPolicy((word, RULE), (word, RULE)), **more)  # type: ignore[arg-type]


AUTO, APPROVE, OFF = mode(OutboundMode.AUTO), mode(OutboundMode.APPROVE), mode(OutboundMode.OFF)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_in(tmp_path) as made:
        yield made


def waiting(bench: Bench) -> list[Draft]:
    with bench.store.read() as reader:
        return reader.drafts(bench.clock())


def follow(bench: Bench, runner: Runner, policy: AccessPolicy) -> None:
    bench.settings.now = replace(bench.settings.now, rules=Rules(policy))
    runner.sender.rules_changed()


async def drafted(bench: Bench, count: int = 1) -> list[Draft]:
    await until(lambda: len(waiting(bench)) >= count)
    return waiting(bench)


async def approve(bench: Bench, runner: Runner, number: int, *, stale_ok: bool = False) -> drafts.Approval:
    done = await bench.account_store.run(drafts.approve, number, stale_ok=stale_ok)
    runner.sender.wake()
    return done


async def test_two_drafts_of_a_thread_keep_their_order(bench: Bench) -> None:
    bench.policy, wire = APPROVE, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(2))
        first, second = await drafted(bench, 2)
        assert wire.outgoing.empty()
        assert (first.stale, second.stale) == (Staleness.NEWER_MESSAGE, None)
        assert (await approve(bench, runner, first.number)).stale is Staleness.NEWER_MESSAGE
        await approve(bench, runner, first.number, stale_ok=True)
        await approve(bench, runner, second.number)
        assert await wire.sent(2) == ["11: 1", "11: 2"]
    assert waiting(bench) == []


async def test_client_ids_rise_with_approval(bench: Bench) -> None:
    bench.policy, wire = APPROVE, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1, "11"))
        wire.incoming.put_nowait(message(1, "12"))
        one, two = await drafted(bench, 2)
        await approve(bench, runner, two.number)
        await approve(bench, runner, one.number)
        sent = [await wire.outgoing.get() for _ in range(2)]
    by_text = {one.text: int(one.client_id) for one in sent}
    assert by_text[two.text] < by_text[one.text]


async def test_nothing_tells_before_an_answer_has_left(bench: Bench) -> None:
    bench.policy, wire = APPROVE, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(replace(message(1), token="t"))
        assert await wire.shown.get() == Delivered(LAN, "m11-1", False, "t")
        [draft] = await drafted(bench)
        runner.sender.show(Seen(LAN, "m11-1", "t"))
        runner.sender.show(Typing(LAN))
        await approve(bench, runner, draft.number)
        assert await wire.shown.get() == Seen(LAN, "m11-1", "t")
        assert wire.outgoing.qsize() == 1
    assert wire.shown.empty()


async def test_on_reply_shows_seen_with_the_answer(bench: Bench) -> None:
    bench.policy, wire = replace(AUTO, acks=Acks.ON_REPLY), Wire()
    gated = Gated()
    async with bench.running(wire, gated):
        wire.incoming.put_nowait(replace(message(1, text="a|b"), token="t"))
        assert await wire.shown.get() == Delivered(LAN, "m11-1", False, "t")
        assert await wire.shown.get() == Typing(LAN)
        gated.allowed.release()
        assert await wire.shown.get() == Seen(LAN, "m11-1", "t")
        assert await wire.sent(2) == ["a", "b"]
    assert wire.shown.empty()


@pytest.mark.parametrize("policy", [OFF, replace(OFF, acks=Acks.ON_REPLY)])
async def test_off_shows_nothing(bench: Bench, policy: AccessPolicy) -> None:
    bench.policy, wire = policy, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(replace(message(1), token="t"))
        await until(lambda: bench.counters().get("outbound_off") == 1)
        numbers = await bench.account_store.run(outbox.queue, None, [Text(LAN, "hi")], Purpose.NOTICE)
        undo = await bench.account_store.run(operator_sends.queue, [Undo(LAN, "r1", "1")])
        runner.sender.wake()
        assert isinstance(await wire.outgoing.get(), Undo), "taking back shows nothing"
        await until(lambda: not bench.states())
        with bench.store.read() as reader:
            [notice] = reader.sent_by_operator("zalouser/default", numbers)
            assert (notice.state, notice.reason) == ("cancelled", "outbound_off")
            assert reader.sent_by_operator("zalouser/default", undo)[0].state == "sent"
    assert wire.shown.empty()


async def test_a_queued_reply_becomes_a_draft_when_the_mode_tightens(bench: Bench) -> None:
    bench.policy, wire = AUTO, Wire()
    wire.troubles.append(NotSent("no network", 3600.0))
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1, text="a|b"))
        await wire.taken.wait()
        follow(bench, runner, APPROVE)
        [draft] = await drafted(bench)
        assert (draft.parts, bench.states()) == (("a", "b"), {})
        wire.incoming.put_nowait(message(2))
        await drafted(bench, 2)  # the lane went on
        await approve(bench, runner, draft.number, stale_ok=True)
        assert await wire.sent(2) == ["a", "b"]


async def test_a_queued_reply_is_cancelled_when_nothing_may_leave(bench: Bench) -> None:
    bench.policy, wire = AUTO, Wire()
    wire.troubles.append(NotSent("no network", 3600.0))
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1, text="a|b"))
        await wire.taken.wait()
        follow(bench, runner, OFF)
        await until(lambda: not bench.states())
        with bench.store.read() as reader:
            [listed, _] = reader.outbox(settled=True)
            assert (listed.state, listed.reason) == ("cancelled", "outbound_off")
        follow(bench, runner, AUTO)
        wire.incoming.put_nowait(message(2))
        assert await wire.sent(1) == ["11: 2"]


async def test_a_mode_that_changes_while_the_agent_works_counts(bench: Bench) -> None:
    bench.policy, wire, gated = AUTO, Wire(), Gated()
    async with bench.running(wire, gated) as runner:
        wire.incoming.put_nowait(message(1))
        await gated.begun.get()
        follow(bench, runner, APPROVE)
        gated.allowed.release()
        [draft] = await drafted(bench)
        wire.incoming.put_nowait(message(2))
        await gated.begun.get()
        follow(bench, runner, OFF)
        gated.allowed.release()
        await until(lambda: not runner.scheduler._waiting)
    assert [one.number for one in waiting(bench)] == [draft.number]
    assert wire.outgoing.empty()


async def test_words_by_hand_make_a_draft_stale_and_own_echoes_do_not(bench: Bench) -> None:
    bench.policy, wire = APPROVE, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1))
        [draft] = await drafted(bench)
        wire.incoming.put_nowait(Own("default", "x1", "9", LAN, "by hand", bench.clock()))
        await until(lambda: waiting(bench)[0].stale is Staleness.OWN_MESSAGE)
        await approve(bench, runner, draft.number, stale_ok=True)
        sent = await wire.outgoing.get()
        wire.incoming.put_nowait(message(2))
        await drafted(bench)
        wire.incoming.put_nowait(Own("default", f"r{sent.client_id}", sent.client_id, LAN, sent.text, 0))
        await wire.read_all()
    assert waiting(bench)[0].stale is None


async def test_a_draft_expires_and_is_revived(bench: Bench) -> None:
    bench.policy, wire = APPROVE, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1))
        [draft] = await drafted(bench)
        bench.clock.ms = draft.expires_ms
        assert waiting(bench)[0].state is DraftState.EXPIRED
        assert await bench.account_store.run(drafts.expire) is None
        await bench.account_store.run(drafts.revive, draft.number, 1000)
        await approve(bench, runner, draft.number)
        assert await wire.sent(1) == ["11: 1"]


async def test_an_approved_draft_is_not_held_back_again(bench: Bench) -> None:
    bench.policy, wire = APPROVE, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1))
        [draft] = await drafted(bench)
        wire.incoming.put_nowait(State(Phase.CONNECTING))
        await wire.read_all()
        await approve(bench, runner, draft.number)
        follow(bench, runner, replace(APPROVE, revision="next"))
        await asyncio.sleep(0)
        wire.incoming.put_nowait(State(Phase.READY))
        assert await wire.sent(1) == ["11: 1"]


async def test_what_tells_of_a_program_goes_before_an_edited_text_of_what_was_held_back(bench: Bench) -> None:
    bench.policy, wire = AUTO, Wire()
    wire.troubles.append(NotSent("no network", 3600.0))
    async with bench.running(wire, Echo()) as runner:
        tells = {"disclosure": Disclosure.PREFIX, "disclosure_text": "[bot]"}
        bench.settings.now = replace(bench.settings.now, **tells)  # type: ignore[arg-type]
        wire.incoming.put_nowait(message(1, text="hello"))
        await wire.taken.wait()
        follow(bench, runner, APPROVE)
        [draft] = await drafted(bench)
        lead, outs = await bench.account_store.run(drafts.outgoing, draft.number)
        assert (lead, draft.text) == ("[bot] ", "hello")
        assert [out.text for out in outs if isinstance(out, Text)] == ["[bot] hello"]


async def test_drafts_of_one_person_tell_of_a_program_once(bench: Bench) -> None:
    bench.policy, wire = APPROVE, Wire()
    async with bench.running(wire, Echo()) as runner:
        tells = {"disclosure": Disclosure.FIRST, "disclosure_text": "A bot."}
        bench.settings.now = replace(bench.settings.now, **tells)  # type: ignore[arg-type]
        for number in (1, 2, 3):
            wire.incoming.put_nowait(message(number))
        dropped, first, second = await drafted(bench, 3)
        await bench.account_store.run(drafts.drop, dropped.number)
        for draft in (first, second):
            await approve(bench, runner, draft.number, stale_ok=True)
        assert await wire.sent(2) == ["A bot.\n\n11: 2", "11: 3"]


async def test_a_turn_that_is_begun_again_is_left_to_an_owner_who_writes_there(bench: Bench) -> None:
    bench.policy, wire = replace(AUTO, takeover_ms=60_000), Wire()

    def ended() -> list[str]:
        with bench.store.read() as reader:
            return [str(one.standing.state) for one in reader.search(Wanted(), 9).messages if one.standing]

    async with bench.running(wire, Echo()) as runner:
        until_ms = bench.clock() + 60_000
        bench.gate.take(Judged((TakenOver(LAN, until_ms, ()),)))
        wire.incoming.put_nowait(message(1))
        await until(lambda: ended() == ["taken_over"])
        runner.sender.wake()
    assert wire.outgoing.empty()


def test_the_caption_of_a_picture_tells_of_a_program_as_a_text_does() -> None:
    photo = Media(LAN, MediaKind.PHOTO, "/a.jpg", "a.jpg", "A bot.")
    [told] = marked([photo], "11")
    row = {"body": outgoing_body(told), "thread_kind": "dm", "thread_id": "11", "client_id": ""}
    assert whom_told([outgoing_of(row)]) == "11"  # type: ignore[arg-type]


async def test_what_was_forgotten_on_its_way_is_not_sent_again(bench: Bench) -> None:
    [number] = await bench.account_store.run(outbox.queue, None, [Text(LAN, "hi")], Purpose.NOTICE)
    await bench.account_store.run(sending.begin, [number])
    await bench.account_store.run(forgetting.begin, forgetting.Whom.PERSON, "11")
    while (await bench.account_store.run(forgetting.step, forgetting.Whom.PERSON, "11")).more:
        pass
    await bench.account_store.run(sending.retry, number, "no network", 0)
    with bench.store.read() as reader:
        [notice] = reader.sent_by_operator("zalouser/default", [number])
    assert (notice.state, notice.reason) == ("cancelled", "its text was forgotten")


async def test_a_part_that_has_left_stays_said_when_the_rest_is_dropped(bench: Bench) -> None:
    class FailsLater(Wire):
        async def send(self, account: Account, out: Outgoing) -> Receipt:
            receipt = await super().send(account, out)
            self.troubles.append(NotSent("no network", 3600.0))
            return receipt

    bench.policy, wire = replace(AUTO, groups=GroupPolicy.OPEN), FailsLater()
    bench.grants = lambda: Grants(own_id="100")
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(said(1, "earlier"))
        wire.incoming.put_nowait(said(2, "a|b", mention=True))
        assert await wire.sent(1) == ["a"]
        follow(bench, runner, APPROVE)
        [draft] = await drafted(bench)
        await bench.account_store.run(drafts.drop, draft.number)
    with closing(connect(bench.folder / "store.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM history").fetchone() == (0,), "it was used"
