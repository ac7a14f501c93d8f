"""How fast an account acts: what waits, for how long, and that nothing waits when pacing is off."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from packages.zaloweb.tests.live_account import logged_in

from zaloweb import ICONS, Call, Pace, Rate, Session, Thread, ThreadKind, Zalo, calls
from zaloweb.calls import account, friends, group_admin, receipts
from zaloweb.calls.call import Traffic
from zaloweb.calls.uploads import Chunk, upload
from zaloweb.media.attachments import Attachment, FileSlice
from zaloweb.sim.clock import ManualClock
from zaloweb.sim.server import Simulator

ASK = account.keep_alive("imei")
ACT = friends.accept("1", language="vi")
LAN = Thread(ThreadKind.USER, "1")
SLICE = FileSlice(Attachment(b"x", "a"), 0, 1, None)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def session(sim: Simulator) -> Session:
    return await logged_in(sim)


class SkippingClock(ManualClock):
    """A clock on which sleeping takes no time. `slept` is how long all of them took."""

    def __init__(self) -> None:
        super().__init__(1_700_000_000_000)
        self.slept = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept += max(seconds, 0)
        self._passed += max(seconds, 0)
        await asyncio.sleep(0)


async def times(pace: Pace, call: Call[object], count: int, uid: str = "1") -> list[float]:
    """When each of so many calls is made, in seconds."""
    clock = SkippingClock()
    found = []
    for _ in range(count):
        await pace.wait(uid, call, clock)
        found.append(clock.monotonic())
    return found


async def test_five_actions_are_free_and_the_sixth_waits() -> None:
    assert await times(Pace.cautious(), ACT, 7) == pytest.approx([0, 0, 0, 0, 0, 5, 5])


async def test_no_window_ever_holds_more_than_its_rate_allows() -> None:
    made = await times(Pace.cautious(), ACT, 1200)
    for calls_, seconds in ((5, 5), (15, 60), (200, 3600), (1000, 86_400)):
        apart = [later - earlier for earlier, later in zip(made, made[calls_:], strict=False)]
        assert min(apart) >= seconds - 1e-6
    assert made[-1] > 86_400


async def test_questions_wait_later_than_actions() -> None:
    made = await times(Pace.cautious(), ASK, 201)
    assert made[19] == 0
    assert made[20] == pytest.approx(5)
    assert made[-1] == pytest.approx(60)


async def test_actions_and_questions_and_accounts_are_counted_apart() -> None:
    pace, clock = Pace(actions=[Rate(1, 10)], queries=[Rate(1, 10)]), SkippingClock()
    for uid in ("1", "2"):
        await pace.wait(uid, ACT, clock)
        await pace.wait(uid, ASK, clock)
    assert clock.slept == 0
    await pace.wait("1", ACT, clock)
    assert clock.slept == pytest.approx(10)


async def test_nothing_waits_without_pacing() -> None:
    assert await times(Pace.off(), ACT, 500) == [0] * 500


async def test_calls_leave_in_the_order_they_were_made() -> None:
    pace, clock, left = Pace(actions=[Rate(1, 1)]), SkippingClock(), []

    async def one(number: int) -> None:
        await pace.wait("1", ACT, clock)
        left.append(number)

    await asyncio.gather(*(one(number) for number in range(6)))
    assert left == [0, 1, 2, 3, 4, 5]


async def test_who_gives_up_waiting_is_not_counted() -> None:
    pace, clock = Pace(actions=[Rate(1, 10)]), ManualClock()
    await pace.wait("1", ACT, clock)
    impatient = asyncio.ensure_future(pace.wait("1", ACT, clock))
    patient = asyncio.ensure_future(pace.wait("1", ACT, clock))
    await clock.asleep(10)
    impatient.cancel()
    clock.advance(5)
    await clock.asleep(5)
    clock.advance(5)
    await patient


async def test_a_long_wait_is_told(caplog: pytest.LogCaptureFixture) -> None:
    await times(Pace(actions=[Rate(1, 100)]), ACT, 2)
    assert caplog.messages == ["accept friend of 1 waits 100 s: the account did too much"]


@pytest.mark.parametrize(("calls", "seconds"), [(0, 1), (1, 0), (1, -1)])
def test_a_rate_that_allows_nothing_is_refused(calls: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        Rate(calls, seconds)


@pytest.mark.parametrize(
    ("call", "traffic"),
    [
        (ASK, Traffic.QUERY),
        (ACT, Traffic.ACTION),
        (friends.block("1", imei="i"), Traffic.ACTION),
        (friends.unblock("1", imei="i"), Traffic.ACTION),
        (friends.find_user("0912", language="vi", imei="i"), Traffic.ACTION),
        (group_admin.set_avatar("1", SLICE, 1, 1, now_ms=1, imei="i"), Traffic.ACTION),
        (group_admin.leave("1", silent=True, language="vi", imei="i"), Traffic.ACTION),
        (receipts.typing(LAN, imei="i"), Traffic.QUERY),
        (upload(LAN, Chunk("a", 1, 1, 1, SLICE), image=True, client_id=1, imei="i"), Traffic.TRANSFER),
    ],
)
def test_what_a_call_counts_as(call: Call[object], traffic: Traffic) -> None:
    assert call.traffic is traffic


SHOWN = {
    *("send text", "send image", "send file", "send gif", "send link", "send sticker", "<name>"),
    *("forward", "react", "undo", "delete", "accept friend", "block", "unblock", "find user"),
    *("create group", "group picture", "rename group", "add to group", "remove from group", "leave group"),
}


def test_every_call_that_others_notice_is_an_action() -> None:
    """Read from the sources, so that a new call is looked at here."""
    assert {name for name, shown in declared() if shown} == SHOWN


def declared() -> Iterator[tuple[str, bool]]:
    """The name of every call of `zaloweb.calls`, and whether it counts as an action."""
    for path in Path(calls.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Call":
                said = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
                first = node.args[0]
                name = str(first.value) if isinstance(first, ast.Constant) else "<name>"
                yield name, bool(said.get("shown", not said.get("safe_to_retry", False)))


async def test_a_loop_of_sends_is_slowed_down_by_default(sim: Simulator, session: Session) -> None:
    clock = SkippingClock()
    lan = Thread(ThreadKind.USER, sim.world.person("Lan").uid)
    async with Zalo(session, network=sim.network, clock=clock) as zalo:
        for number in range(20):
            await zalo.send_text(lan, f"{number}")
    assert clock.slept >= 60


async def test_a_reaction_waits_for_its_turn_and_a_question_does_not(
    sim: Simulator, session: Session
) -> None:
    clock = ManualClock(1_700_000_000_000)
    lan = Thread(ThreadKind.USER, sim.world.person("Lan").uid)
    pace = Pace(actions=[Rate(1, 30)])
    async with Zalo(session, network=sim.network, clock=clock, pace=pace) as zalo:
        sent = await zalo.send_text(lan, "xin chào")
        reacting = asyncio.ensure_future(zalo.react(lan, sent, ICONS["HEART"]))
        await clock.asleep(30)
        await zalo.friends()
        assert not reacting.done()
        clock.advance(30)
        await reacting


async def test_one_pace_for_several_objects_counts_them_together(sim: Simulator, session: Session) -> None:
    clock, pace = SkippingClock(), Pace(actions=[Rate(1, 30)])
    lan = Thread(ThreadKind.USER, sim.world.person("Lan").uid)
    for _ in range(2):
        async with Zalo(session, network=sim.network, clock=clock, pace=pace) as zalo:
            await zalo.send_text(lan, "xin chào")
    assert clock.slept == pytest.approx(30)


async def test_without_pacing_a_loop_goes_as_fast_as_it_can(sim: Simulator, session: Session) -> None:
    clock = SkippingClock()
    lan = Thread(ThreadKind.USER, sim.world.person("Lan").uid)
    async with Zalo(session, network=sim.network, clock=clock, pace=Pace.off()) as zalo:
        for number in range(20):
            await zalo.send_text(lan, f"{number}")
    assert clock.slept == 0
