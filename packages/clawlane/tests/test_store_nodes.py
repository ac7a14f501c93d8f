"""Gateways that share a store: names, beats, claims, and who may have which account."""

from __future__ import annotations

import asyncio
import random
import resource
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import SQLITE, Clock, current_engine, raw, store_in

from clawlane.messages import Text, Thread, ThreadKind
from clawlane.store import claims, nodes, outbox, sending, unknown_sends
from clawlane.store.claims import Claimant
from clawlane.store.database import Store
from clawlane.store.errors import MoveRefused, NodeTaken, NotOwned
from clawlane.store.nodes import FORGOTTEN_MS, LEASE_MS, Node
from clawlane.store.placement import GATHER_MS, LEFTOVER_MS, Placement, placed

X, Y = "zalouser/x", "zalouser/y"
OLD = LEASE_MS + 1000
TEXTS = [Text(Thread(ThreadKind.DM, "11"), "chào")]
A, B, C = (Claimant(name, f"run {name}") for name in "abc")
AUTO = Claimant("b", "run b", takes_over=True, after_ms=LEASE_MS)


def node(name: str, run: str = "", boot: str = "", **more: object) -> Node:
    return Node(name, run or f"run {name}", boot or f"boot {name}", **more)  # type: ignore[arg-type]


async def entered(store: Store, *names: str, accounts: tuple[str, ...] = (X,)) -> None:
    for name in names:
        await store.change(nodes.enter, node(name))
    await store.change(claims.know, accounts)


async def claim(store: Store, account: str, me: Claimant) -> claims.Claimed:
    return await store.change(lambda db, _: claims.claim(db, account, me, 1))


async def next_place(
    store: Store, me: Claimant, accounts: tuple[str, ...] = (X,), running: tuple[str, ...] = ()
) -> Placement:
    with store.read() as reader:
        known = {one.name: one for one in reader.nodes()}
        wanted = {one: {"net": "home"} if one.endswith("home") else {} for one in accounts}
        return placed(me, wanted, running, reader.unsettled_owners(), known, reader.clock_ms())


def age(folder: Path, name: str, by_ms: int) -> None:
    """Let the node have beaten and entered so much earlier, and what is known of its accounts be as old."""
    with raw(folder) as db:
        db.execute(
            "UPDATE nodes SET beat_ms = beat_ms - ?, entered_ms = entered_ms - ? WHERE name = ?",
            (by_ms, by_ms, name),
        )
        db.execute("UPDATE owners SET since_ms = since_ms - ? WHERE node = ? OR node = ''", (by_ms, name))


async def test_a_node_that_is_long_gone_is_forgotten_unless_something_is_left_with_it(
    store: Store, tmp_path: Path
) -> None:
    await entered(store, "owner", "drained", "target", "gone", "away", accounts=(X, Y))
    await claim(store, X, Claimant("owner", "run owner"))
    await store.change(nodes.drain, "drained", True)
    with raw(tmp_path) as db:
        db.execute("UPDATE owners SET wanted = 'target' WHERE account = ?", (Y,))
    for name in ("owner", "drained", "target", "gone"):
        age(tmp_path, name, FORGOTTEN_MS + 1000)
    age(tmp_path, "away", FORGOTTEN_MS - 60_000)
    await store.change(nodes.enter, node("new"))
    with store.read() as reader:
        assert [one.name for one in reader.nodes()] == ["away", "drained", "new", "owner", "target"]
    await store.change(nodes.enter, node("owner"))
    with store.read() as reader:
        assert [one.node for one in reader.owners() if one.account == X] == ["owner"]
    await store.change(nodes.enter, node("gone", "run 2"))


async def test_a_name_is_one_gateways(store: Store, tmp_path: Path) -> None:
    await entered(store, "a")
    with pytest.raises(NodeTaken, match="another gateway works as node 'a'"):
        await store.change(nodes.enter, node("a", "run 2", "another machine"))
    await claim(store, X, A)

    # The same boot and lock file: the run before is over, and nothing of it is on its way.
    await store.change(nodes.enter, node("a", "run 2"))
    with pytest.raises(NodeTaken):
        await store.change(nodes.beat, "a", "run a")
    with store.read() as reader:
        assert [one.ended for one in reader.owners()] == [nodes.DEAD]
    assert (await claim(store, X, Claimant("a", "run 2"))) == claims.Claimed(2, doubtful=False)

    # Another machine waits for the beat to be old; what the run before still sends is not known.
    age(tmp_path, "a", OLD)
    await store.change(nodes.enter, node("a", "run 3", "another machine"))
    assert (await claim(store, X, Claimant("a", "run 3"))) == claims.Claimed(3, doubtful=True)

    await store.change(nodes.leave, "a", "run 3")
    await store.change(nodes.enter, node("a", "run 4", "a third one"))
    assert (await claim(store, X, Claimant("a", "run 4"))) == claims.Claimed(4, doubtful=False)


async def test_an_account_is_its_nodes_until_that_is_lost(store: Store, tmp_path: Path) -> None:
    await entered(store, "a", "b")
    assert (await claim(store, X, A)).epoch == 1
    for other in (B, AUTO):
        with pytest.raises(NotOwned, match="is run by node a"):
            await claim(store, X, other)
    age(tmp_path, "a", OLD)
    assert (await next_place(store, B)).claims == []
    with pytest.raises(NotOwned):  # where nothing is written, an operator decides
        await claim(store, X, B)
    with pytest.raises(NotOwned, match="node a is not there"):
        await claim(store, X, A)
    assert (await next_place(store, AUTO)).claims == [X]
    assert await claim(store, X, AUTO) == claims.Claimed(2, doubtful=True)
    await store.change(nodes.beat, "a", "run a")
    with pytest.raises(NotOwned):
        await claim(store, X, A)


async def test_auto_waits_as_long_as_it_was_told(store: Store, tmp_path: Path) -> None:
    await entered(store, "a", "b")
    await claim(store, X, A)
    slow = Claimant("b", "run b", takes_over=True, after_ms=60_000)
    age(tmp_path, "a", 40_000)
    assert (await next_place(store, slow)).claims == []
    age(tmp_path, "a", 21_000)
    assert (await next_place(store, slow)).claims == [X]


async def test_an_owner_that_beats_again_goes_on_where_nobody_has_claimed(
    store: Store, tmp_path: Path
) -> None:
    await entered(store, "a", "b")
    await claim(store, X, A)
    age(tmp_path, "a", OLD)
    await store.change(nodes.beat, "a", "run a")
    assert await claim(store, X, A) == claims.Claimed(2, doubtful=False)
    with pytest.raises(NotOwned):
        await claim(store, X, AUTO)


async def test_a_run_that_was_frozen_is_told_that_others_may_have_claimed(
    store: Store, tmp_path: Path
) -> None:
    await entered(store, "a", "b")
    await claim(store, X, A)
    assert await store.change(nodes.beat, "a", "run a", held=True)
    age(tmp_path, "a", OLD)
    assert not await store.change(nodes.beat, "a", "run a", held=True)
    assert await claim(store, X, AUTO) == claims.Claimed(2, doubtful=True)
    assert await store.change(nodes.beat, "a", "run a")
    assert await store.change(nodes.beat, "a", "run a", held=True)
    with pytest.raises(NodeTaken):
        await store.change(nodes.beat, "a", "run of another", held=True)


async def test_an_account_that_was_given_up_goes_on_elsewhere_with_auto(store: Store) -> None:
    await entered(store, "a", "b")
    epoch = (await claim(store, X, A)).epoch
    await store.change(claims.release, X, epoch)
    assert (await next_place(store, B)).claims == []
    assert (await next_place(store, AUTO)).claims == []  # its own node is there, and comes first
    assert (await next_place(store, A)).claims == [X]
    await store.change(nodes.leave, "a", "run a")
    assert (await next_place(store, B)).claims == []
    assert (await next_place(store, AUTO)).claims == [X]
    assert await claim(store, X, AUTO) == claims.Claimed(2, doubtful=False)
    await store.change(claims.release, X, epoch)  # by who had it before: nothing
    with store.read() as reader:
        assert [(one.node, one.ended) for one in reader.owners()] == [("b", "")]


async def test_a_node_that_the_database_does_not_know_any_more_is_told_so(
    store: Store, tmp_path: Path
) -> None:
    await entered(store, "a")
    with raw(tmp_path) as db:
        db.execute("DELETE FROM nodes")
    for held in (True, False):
        with pytest.raises(NodeTaken, match="the database knows no node 'a' any more"):
            await store.change(nodes.beat, "a", "run a", held=held)


@pytest.mark.of_file
async def test_an_account_that_could_not_be_released_is_once_there_is_room(store: Store) -> None:
    """Nobody else would ever run it: the node beats."""
    await entered(store, "a")
    store.claim_as(lambda: A, lambda: True)
    owned, leaves = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with store.own(X, to_run=True):
            owned.set()
            await leaves.wait()

    holding = asyncio.create_task(hold())
    await owned.wait()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, usual[1]))
    try:
        leaves.set()
        while not store.failing:  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.005)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    await holding
    with store.read() as reader:
        assert [one.ended for one in reader.owners()] == [nodes.CLEAN]


async def test_a_move_waits_for_the_owner_and_declares_a_lost_one_dead(store: Store, tmp_path: Path) -> None:
    await entered(store, "a", "b")
    epoch = (await claim(store, X, A)).epoch
    await store.change(claims.move, X, "b")
    assert (await next_place(store, B)).claims == []
    await store.change(claims.release, X, epoch)
    assert (await next_place(store, A)).claims == []
    assert (await next_place(store, B)).claims == [X]
    assert await claim(store, X, B) == claims.Claimed(2, doubtful=False)

    age(tmp_path, "b", OLD)
    moved = await store.change(claims.move, X, "a")
    assert (moved.node, moved.ended) == ("b", "")
    assert (await next_place(store, A)).claims == [X]
    assert await claim(store, X, A) == claims.Claimed(3, doubtful=False)

    for account, name, told in (
        (X, "c", "there is no node 'c'; nodes: a, b"),
        (X, "b", "node b does not run"),
        ("zalouser/nobody", "a", "no gateway knows the account zalouser/nobody"),
    ):
        with pytest.raises(MoveRefused, match=told):
            await store.change(claims.move, account, name)


async def test_a_node_that_stops_is_not_waited_for(store: Store) -> None:
    await entered(store, "a", "b", accounts=(X, Y))
    for account in (X, Y):
        await store.change(claims.release, account, (await claim(store, account, A)).epoch)
    assert await next_place(store, AUTO, (X, Y)) == Placement([], []), "a is there, and may take them back"
    await store.change(nodes.begin_to_leave, "a", "another run")
    assert await next_place(store, AUTO, (X, Y)) == Placement([], [])
    await store.change(nodes.begin_to_leave, "a", A.instance)
    assert (await next_place(store, AUTO, (X, Y))).claims == [X, Y], "and all of them are b's share"
    with pytest.raises(MoveRefused, match="node a does not run"):
        await store.change(claims.move, X, "a")
    await store.change(nodes.leave, "a", A.instance)
    await store.change(nodes.enter, node("a"))
    assert (await next_place(store, A, (X, Y))).claims == [X, Y]


async def test_a_draining_node_gives_an_account_to_whoever_asks(store: Store) -> None:
    await entered(store, "a", "b")
    epoch = (await claim(store, X, A)).epoch
    await store.change(nodes.drain, "a", True)
    assert await next_place(store, B) == Placement([], [X])
    await store.change(claims.ask_for, X, B)
    await store.change(claims.ask_for, X, AUTO)
    with store.read() as reader:
        assert [one.wanted for one in reader.owners()] == ["b"]
    await store.change(claims.release, X, epoch)
    assert (await next_place(store, B)).claims == [X]
    await claim(store, X, B)
    assert await next_place(store, A, running=()) == Placement([], [])
    await store.change(nodes.drain, "a", False)
    with pytest.raises(MoveRefused, match="no node 'z'"):
        await store.change(nodes.drain, "z", True)


async def test_new_accounts_are_shared_out_and_what_is_left_over_is_taken(
    store: Store, tmp_path: Path
) -> None:
    accounts = (*(f"zalouser/{n:02}" for n in range(7)), "zalouser/home")
    await store.change(nodes.enter, node("a", max_accounts=5))
    await store.change(nodes.enter, node("b", labels={"net": "home"}))
    await store.change(claims.know, accounts)
    assert (await next_place(store, A, accounts)).claims == []  # the others may still enter
    age(tmp_path, "a", GATHER_MS)
    age(tmp_path, "b", GATHER_MS)
    first = tuple((await next_place(store, A, accounts)).claims)
    assert len(first) == 4
    assert (await next_place(store, A, accounts, first[:2])).claims == list(first[2:])
    others = {*(await next_place(store, B, accounts)).claims}
    assert len(others) == 5
    assert "zalouser/home" in others
    assert len(others & {*first}) < 4, "they do not all try the same"
    age(tmp_path, "c", LEFTOVER_MS)
    assert len((await next_place(store, A, accounts, first)).claims) == 1
    assert {*(await next_place(store, B, accounts, first)).claims} == {*accounts} - {*first}


@pytest.mark.long
async def test_a_look_sees_whenever_an_account_may_have_to_go_somewhere(store: Store, tmp_path: Path) -> None:
    """Unless the nodes look as they did when every account was run, or one is said to be restless."""
    await entered(store, "a", "b", accounts=(X, Y))
    owned = [await claim(store, X, A), await claim(store, Y, B)]
    calm: object = None

    def saw() -> bool:
        nonlocal calm
        with store.read() as reader:
            look, standings = reader.look_at_nodes(), reader.unsettled_owners()
            assert list(look.nodes) == [one.name for one in reader.nodes()]
        seen = look.restless or look.picture != calm
        calm = None if standings else look.picture
        assert seen or not standings
        return seen

    async def do(*change: object) -> None:
        await store.change(*change)  # type: ignore[arg-type]

    assert saw()
    assert not saw()
    await do(nodes.beat, "a", "run a")
    assert not saw()
    for step in (
        (claims.know, ["zalouser/z"]),
        (claims.release, X, owned[0].epoch),
        (nodes.drain, "b", True),
        (nodes.drain, "b", False),
        (nodes.begin_to_leave, "a", "run a"),
        (nodes.leave, "a", "run a"),
        (nodes.enter, node("a", "run 2")),
    ):
        await do(*step)
        assert saw(), step
    for one in (X, "zalouser/z"):
        await claim(store, one, Claimant("a", "run 2"))
    assert saw()
    assert not saw()
    await do(claims.move, X, "b")
    assert saw()
    await do(claims.move, X, "a")
    assert saw()
    assert not saw()
    age(tmp_path, "b", OLD)
    assert saw()


async def test_several_that_claim_at_once_never_own_the_same(tmp_path: Path) -> None:
    """Three nodes, of which one at a time misses its beats: all accounts are soon those of the others."""
    accounts = tuple(f"zalouser/{n}" for n in range(12))
    chance = random.Random(7)
    async with AsyncExitStack() as stack:
        stores = [
            await stack.enter_async_context(store_in(tmp_path, Clock(), lock=f"lock{n}"))
            for n in range(1 if current_engine() == SQLITE else 3)
        ]
        stores *= 3 // len(stores)
        names = ("a", "b", "c")
        fences = dict.fromkeys(accounts, 0)
        await entered(stores[0], *names, accounts=accounts)
        for name in names:
            age(tmp_path, name, GATHER_MS)
        for _ in range(12):
            lost = chance.choice((*names, ""))
            for store, name in zip(stores, names, strict=True):
                if name == lost:
                    age(tmp_path, name, OLD)
                else:
                    await store.change(nodes.beat, name, f"run {name}")
            age(tmp_path, "", LEFTOVER_MS)
            there = [one for one in zip(stores, names, strict=True) if one[1] != lost]
            got = await asyncio.gather(*(claim_all(store, name, accounts) for store, name in there))
            taken = [(account, epoch) for one in got for account, epoch in one]
            assert len({account for account, _ in taken}) == len(taken)
            for account, epoch in taken:
                assert epoch == fences[account] + 1
                fences[account] = epoch
            with stores[0].read() as reader:
                owners = reader.owners()
            assert [one.account for one in owners] == sorted(accounts)
            assert {one.node for one in owners} <= set(names) - {lost}


async def claim_all(store: Store, name: str, accounts: tuple[str, ...]) -> list[tuple[str, int]]:
    """Claim whatever a node may have that it does not run, until there is nothing more. Gives the fences."""
    me = Claimant(name, f"run {name}", takes_over=True, after_ms=LEASE_MS)
    got: list[tuple[str, int]] = []
    for _ in range(20):
        with store.read() as reader:
            running = tuple(
                one.account for one in reader.owners() if one.node == name and one.instance == me.instance
            )
        found = (await next_place(store, me, accounts, running)).claims
        for account in found:
            try:
                got.append((account, (await claim(store, account, me)).epoch))
            except NotOwned:
                await asyncio.sleep(0)
    return got


async def test_a_command_beside_a_running_node_does_not_take_its_account(
    store: Store, tmp_path: Path
) -> None:
    await entered(store, "a")
    await claim(store, X, A)
    with pytest.raises(NotOwned, match="is run by node a; run this command there"):
        async with store.own(X):
            pass
    age(tmp_path, "a", OLD)
    async with store.own(X):
        pass
    assert (await claim_after_beat(store)).epoch == 3


async def test_a_command_through_a_gateway_may_write_for_an_account_that_no_node_runs(
    store: Store, tmp_path: Path
) -> None:
    """It stays that of its node: a command moves nothing."""
    await entered(store, "a", "b")
    await claim(store, X, A)
    store.claim_as(lambda: B, lambda: True)
    with pytest.raises(NotOwned, match="is run by node a; run this command there"):
        async with store.own(X):
            pass
    age(tmp_path, "a", OLD)
    async with store.own(X) as owned:
        await owned.run(outbox.queue, None, TEXTS)
    with store.read() as reader:
        assert [(one.node, one.ended, one.epoch) for one in reader.owners()] == [("a", "", 2)]
        assert abs(reader.owners()[0].since_ms - reader.clock_ms()) < LEASE_MS, "by the database's clock"


async def test_a_command_through_a_gateway_may_write_for_what_that_is_about_to_run(store: Store) -> None:
    await entered(store, "a")
    await claim(store, X, A)
    store.claim_as(lambda: A, lambda: True)
    async with store.own(X) as owned:
        await owned.run(outbox.queue, None, TEXTS)
    async with store.own(X, to_run=True):
        pass


async def claim_after_beat(store: Store) -> claims.Claimed:
    await store.change(nodes.beat, "a", "run a")
    return await claim(store, X, A)


async def test_what_a_lost_node_was_sending_waits_for_the_operator(store: Store, tmp_path: Path) -> None:
    await entered(store, "a", "b")
    store.claim_as(lambda: A, lambda: False)
    async with store.own(X, to_run=True) as lost:
        [chunk] = await lost.run(outbox.queue, None, TEXTS)
        await lost.run(sending.begin, [chunk], session="a login")
        age(tmp_path, "a", OLD)
    store.claim_as(lambda: AUTO, lambda: True)
    async with store.own(X, to_run=True) as owned:
        assert (await owned.run(unknown_sends.recover, 60_000)).unknown == 0
        with store.read() as reader:
            assert reader.undecided_sends(X) == 1
            [found] = reader.outbox()
        assert "its gateway was lost" in found.reason
