"""Outbound modes on a bench: what leaves, what becomes a draft, and what others are shown meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from packages.clawlane.tests.lane_bench import OPEN, Bench, Echo, Gated, Wire, bench_in, message, until

from clawlane.access.decision import Rule
from clawlane.access.in_force import Rules
from clawlane.access.outbound import OutboundPolicy
from clawlane.access.policy import AccessPolicy
from clawlane.channel import NotSent, Phase, State
from clawlane.config.choices import Acks, OutboundMode
from clawlane.lane.runner import Runner
from clawlane.messages import Delivered, Own, Seen, Text, Thread, ThreadKind, Typing, Undo
from clawlane.store import drafts, operator_sends, outbox
from clawlane.store.draft_told import Draft, Staleness
from clawlane.store.models import Purpose
from clawlane.store.states import DraftState

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
