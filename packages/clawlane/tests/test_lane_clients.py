"""What MCP clients read of a lane and send into it, on a bench."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from packages.clawlane.tests.lane_bench import (
    GROUP,
    LISTENING,
    OPEN,
    Bench,
    Echo,
    Gated,
    Wire,
    bench_in,
    message,
    said,
    until,
)
from packages.clawlane.tests.test_lane_outbound import APPROVE, AUTO, LAN, drafted, follow

from clawlane.access.policy import Grants
from clawlane.channel import NotSent
from clawlane.config.choices import DmPolicy
from clawlane.messages import Text, Thread, ThreadKind, Undone
from clawlane.store import client_sends, drafts
from clawlane.store.conversations import Author, Said
from clawlane.store.errors import CursorUnknown
from clawlane.store.models import Judged, TakenOver
from clawlane.store.operator_sends import ChunkStatus

ACCOUNT = "zalouser/default"
CLOSED = replace(OPEN, dm=DmPolicy.DISABLED)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_in(tmp_path) as made:
        yield made


def read(bench: Bench, thread: Thread = LAN, limit: int = 50) -> list[Said]:
    with bench.store.read() as reader:
        return reader.conversation(ACCOUNT, thread, limit)[0]


def authors(bench: Bench, thread: Thread = LAN) -> list[tuple[Author, str]]:
    return [(one.author, one.text) for one in read(bench, thread)]


def fate(bench: Bench, numbers: list[int]) -> list[ChunkStatus]:
    with bench.store.read() as reader:
        return reader.sent_by_operator(ACCOUNT, numbers)


async def send(bench: Bench, *texts: str) -> list[int]:
    return await bench.account_store.run(client_sends.queue, [Text(LAN, text) for text in texts], 20)


async def test_a_client_sends_where_the_account_still_listens(bench: Bench) -> None:
    bench.policy, wire = AUTO, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1))
        assert await wire.sent(1) == ["11: 1"]
        await send(bench, "a", "b")
        runner.sender.wake()
        assert await wire.sent(2) == ["a", "b"]
        await until(lambda: not bench.states())
        follow(bench, runner, CLOSED)
        late = await send(bench, "c", "d")
        runner.sender.wake()
        await until(lambda: not bench.states())
    assert [one.state for one in fate(bench, late)] == ["refused", "cancelled"]
    assert authors(bench)[:4] == [
        (Author.PERSON, "11: 1"),
        (Author.AGENT, "11: 1"),
        (Author.MCP, "a"),
        (Author.MCP, "b"),
    ]


async def test_the_gate_asks_again_whatever_queued_it(bench: Bench) -> None:
    bench.policy, wire = CLOSED, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1))
        await until(lambda: bench.counters().get("dm_disabled") == 1)
        numbers = await send(bench, "a")
        runner.sender.wake()
        await until(lambda: not bench.states())
    assert [one.state for one in fate(bench, numbers)] == ["refused"]
    assert wire.outgoing.empty()


async def test_what_is_queued_becomes_one_draft_when_the_mode_tightens(bench: Bench) -> None:
    bench.policy, wire = AUTO, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1))
        await wire.sent(1)
        await until(lambda: not bench.states())
        wire.taken.clear()
        wire.troubles.append(NotSent("no network", 3600.0))
        await send(bench, "a", "b")
        runner.sender.wake()
        await wire.taken.wait()
        follow(bench, runner, APPROVE)
        [draft] = await drafted(bench)
        assert (draft.parts, draft.by_client, draft.tool) == (("a", "b"), True, False)
        approved = await bench.account_store.run(drafts.approve, draft.number)
        runner.sender.wake()
        assert await wire.sent(2) == ["a", "b"]
        await until(lambda: not bench.states())
    assert approved.turn is None
    assert authors(bench)[-2:] == [(Author.MCP, "a"), (Author.MCP, "b")]


async def test_a_client_holds_back_where_the_owner_writes(bench: Bench) -> None:
    bench.policy, wire = AUTO, Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1))
        await wire.sent(1)
        await until(lambda: not bench.states())
        bench.gate.take(Judged((TakenOver(LAN, bench.clock() + 60_000),)))
        numbers = await send(bench, "a")
        runner.sender.wake()
        await until(lambda: not bench.states())
    [one] = fate(bench, numbers)
    assert (one.state, one.reason) == ("cancelled", "owner_took_over")
    assert wire.outgoing.empty()
    assert len(read(bench)) == 2, "what was cancelled was not said"


async def test_a_group_is_read_as_its_agent_was_shown_it(bench: Bench) -> None:
    bench.policy, wire, gated = LISTENING, Wire(), Gated()
    bench.grants = lambda: Grants(own_id="100")
    async with bench.running(wire, gated):
        wire.incoming.put_nowait(said(1, "nói chuyện riêng"))
        await wire.read_all()
        await until(lambda: bench.counters().get("mention_required") == 1)
        with bench.store.read() as reader:
            assert reader.conversations(ACCOUNT) == []
            assert not reader.has_conversation(ACCOUNT, GROUP)
        wire.incoming.put_nowait(said(2, "@bot chào", mention=True))
        await gated.begun.get()
        wire.incoming.put_nowait(said(3, "lại chuyện riêng"))
        await wire.read_all()
        await until(lambda: bench.counters().get("mention_required") == 2)
        shown = [("nói chuyện riêng", True), ("@bot chào", False)]
        assert [(one.text, one.context) for one in read(bench, GROUP)] == shown
        gated.allowed.release()
        await wire.sent(1)
    assert "lại chuyện riêng" not in [one.text for one in read(bench, GROUP)]


async def test_what_was_taken_back_is_not_read(bench: Bench) -> None:
    bench.policy, wire = AUTO, Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await wire.sent(1)
        wire.incoming.put_nowait(Undone("default", LAN, "m11-1", "11"))
        await wire.read_all()
        await until(lambda: Author.PERSON not in dict(authors(bench)))
    assert [author for author, _ in authors(bench)] == [Author.AGENT]


async def test_pages_meet_without_a_gap_even_within_one_moment(bench: Bench) -> None:
    bench.policy, wire = AUTO, Wire()
    async with bench.running(wire, Echo()) as runner:
        for number in (1, 2, 3):
            wire.incoming.put_nowait(message(number))
            await wire.sent(1)
        await send(bench, "a", "b")
        runner.sender.wake()
        await wire.sent(2)
        await until(lambda: not bench.states())
    whole, pages, cursor, more = read(bench), list[Said](), "", True
    with bench.store.read() as reader:
        while more:
            page, more = reader.conversation(ACCOUNT, LAN, 1, cursor)
            pages, cursor = [*page, *pages], page[0].cursor
        assert reader.conversation(ACCOUNT, LAN, 1, cursor) == ([], False)
        with pytest.raises(CursorUnknown):
            reader.conversation(ACCOUNT, LAN, 1, "1.2.3")
    assert len(whole) == 8
    assert pages == whole


async def test_strangers_are_no_conversation(bench: Bench) -> None:
    bench.policy, wire = replace(OPEN, dm=DmPolicy.PAIRING), Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await wire.sent(1)
        await until(lambda: not bench.states())
    with bench.store.read() as reader:
        assert reader.conversations(ACCOUNT) == []
        assert reader.attachment(ACCOUNT, Thread(ThreadKind.DM, "11"), "m11-1", 0) is None
