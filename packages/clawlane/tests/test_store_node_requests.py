"""What one node is asked to do for another: taken once, in time, by the run that is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import POSTGRES, Clock, current_engine, raw, store_in
from packages.clawlane.tests.test_store_nodes import OLD, age, node

from clawlane.store import node_requests, node_steps, nodes
from clawlane.store.database import Store
from clawlane.store.errors import RequestRefused
from clawlane.store.node_requests import KEPT_MS, LONGEST_ANSWER, LONGEST_REQUEST, MOST_OPEN, WAITS_MS, Asked
from clawlane.store.node_steps import SILENT_MS

RUN = "run b"


def asked(id_: str = "1", request: str = "{}", name: str = "b") -> Asked:
    return Asked(id_, name, "pause.pause", request, ("zalouser/x",), "cli", "vi", "node a")


async def take(store: Store, instance: str = RUN) -> Asked | None:
    return await store.change(node_requests.take, "b", instance)


def progress(store: Store, id_: str = "1") -> node_requests.Progress | None:
    with store.read() as reader:
        return reader.request_progress(id_)


def older(folder: Path, by_ms: int) -> None:
    with raw(folder) as db:
        db.execute(
            "UPDATE node_requests SET asked_ms = asked_ms - ?, heard_ms = heard_ms - ?,"
            " until_ms = until_ms - ?",
            (by_ms, by_ms, by_ms),
        )


async def test_a_request_is_taken_once_and_its_answer_read(store: Store) -> None:
    await store.change(nodes.enter, node("b"))
    await store.change(node_requests.ask, asked())
    await store.change(node_requests.ask, asked("2", name="c"))
    with store.read() as reader:
        assert reader.requests_wait("b")
    assert await take(store, "a run before") is None
    assert await take(store) == asked()
    assert await take(store) is None
    assert progress(store) == node_requests.Progress("taken", there=True)
    assert not await store.change(node_requests.withdraw, "1")

    assert not await store.change(node_requests.answer, "1", "a run before", "no")
    assert await store.change(node_requests.answer, "1", RUN, '{"ok": 1}')
    assert progress(store) == node_requests.Progress("done", there=True, answer='{"ok": 1}')
    await store.change(node_requests.remove, "1")
    assert progress(store) is None


async def test_one_that_was_given_up_or_is_too_late_is_not_carried_out(store: Store, tmp_path: Path) -> None:
    await store.change(nodes.enter, node("b"))
    await store.change(node_requests.ask, asked())
    assert await store.change(node_requests.withdraw, "1")
    assert await take(store) is None

    await store.change(node_requests.ask, asked("2"))
    older(tmp_path, WAITS_MS)
    assert await take(store) is None
    with store.read() as reader:
        assert not reader.requests_wait("b")
    older(tmp_path, KEPT_MS)
    await store.change(node_requests.ask, asked("3"))
    assert progress(store, "2") is None


async def test_whoever_asked_sees_that_the_node_is_gone(store: Store, tmp_path: Path) -> None:
    await store.change(nodes.enter, node("b"))
    await store.change(node_requests.ask, asked())
    await take(store)
    age(tmp_path, "b", OLD)
    assert progress(store) == node_requests.Progress("taken", there=False)
    await store.change(nodes.enter, node("b", "run 2"))
    assert progress(store) == node_requests.Progress("taken", there=False)
    await store.change(node_requests.ask, asked("2"))
    assert progress(store, "2") == node_requests.Progress("new", there=True)


async def tell(store: Store, after: int, *steps: str, id_: str = "1", run: str = RUN) -> int | None:
    return await store.change(node_steps.tell, id_, run, after, steps)


def unread(store: Store, after: int = 0, id_: str = "1") -> list[tuple[int, str]]:
    with store.read() as reader:
        return reader.request_steps(id_, after)


async def test_steps_are_read_in_order_and_go_with_their_request(store: Store, tmp_path: Path) -> None:
    await store.change(nodes.enter, node("b"))
    await store.change(node_requests.ask, asked())
    assert await tell(store, 0, "early") is None  # nobody has taken it
    await take(store)
    assert await tell(store, 0, "1", "2") == 2
    assert await tell(store, 0, "x", run="a run before") is None
    assert unread(store) == [(1, "1"), (2, "2")]
    assert unread(store, after=1) == [(2, "2")]
    older(tmp_path, SILENT_MS - 5_000)
    await store.change(node_steps.hear, "1", 2)
    assert unread(store) == []
    assert await tell(store, 2, "3") == 1
    with pytest.raises(RequestRefused, match="a step has 4096 KiB"):
        await tell(store, 3, "x" * (LONGEST_ANSWER + 1))

    await store.change(node_requests.remove, "1")
    assert unread(store) == []
    assert await tell(store, 3, "4") is None


async def test_nothing_more_is_told_to_whoever_is_not_heard_any_more(store: Store, tmp_path: Path) -> None:
    await store.change(nodes.enter, node("b"))
    for one in "12":
        await store.change(node_requests.ask, asked(one))
        await take(store)
        assert await tell(store, 0, "first", id_=one) == 1
    older(tmp_path, SILENT_MS + 1)
    await store.change(node_steps.hear, "2", 0)
    assert await tell(store, 1, "second") is None
    assert progress(store) is None
    assert await tell(store, 1, "second", id_="2") == 2
    older(tmp_path, KEPT_MS)
    await store.change(node_requests.tidy)
    assert (progress(store, "2"), unread(store, id_="2")) == (None, [])


async def test_what_is_too_long_or_one_too_many_is_refused(store: Store) -> None:
    await store.change(nodes.enter, node("b"))
    with pytest.raises(RequestRefused, match="the request has 512 KiB"):
        await store.change(node_requests.ask, asked(request="ă" * (LONGEST_REQUEST // 2 + 1)))
    for number in range(MOST_OPEN):
        await store.change(node_requests.ask, asked(f"{number:03}"))
    with pytest.raises(RequestRefused, match="node b has 64 requests to carry out"):
        await store.change(node_requests.ask, asked("more"))
    assert await take(store) == asked("000")
    with pytest.raises(RequestRefused, match="the answer has 4096 KiB"):
        await store.change(node_requests.answer, "000", RUN, "x" * (LONGEST_ANSWER + 1))


@dataclass
class Taker:
    store: Store

    async def all(self) -> list[str]:
        """What it gets of what waits."""
        found: list[str] = []
        while True:
            with self.store.read() as reader:
                if not reader.requests_wait("b"):
                    return found
            if taken := await take(self.store):
                found.append(taken.id)


async def test_several_takers_get_each_request_once(store: Store, tmp_path: Path) -> None:
    if current_engine() != POSTGRES:
        pytest.skip("a file has one writer")
    await store.change(nodes.enter, node("b"))
    ids = [f"{number:02}" for number in range(20)]
    for one in ids:
        await store.change(node_requests.ask, asked(one))
    async with store_in(tmp_path, Clock()) as second, store_in(tmp_path, Clock()) as third:
        got = await asyncio.gather(*(Taker(one).all() for one in (store, second, third)))
    assert sorted(one for each in got for one in each) == ids
