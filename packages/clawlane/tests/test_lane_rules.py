"""Rules that change while the lane works: each message by one config, and nothing leaves to whom is out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from packages.clawlane.tests.lane_bench import OPEN, Bench, Echo, Gated, Wire, message, until

from clawlane.access.in_force import Rules
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import TurnInput
from clawlane.channel import Account, NotSent, State, Unknown
from clawlane.channel import Phase as ChannelPhase
from clawlane.config.choices import Acks, DmPolicy
from clawlane.config.settings import Pacing
from clawlane.lane.gate import Objection
from clawlane.lane.pacing import Pacer
from clawlane.lane.runner import Runner
from clawlane.messages import Inbound, Outgoing, Quote, Receipt, Reply
from clawlane.store import due, send_log, unknown_sends
from clawlane.store.transaction import Tx
from clawlane.store.why_search import Wanted

CLOSED = AccessPolicy(dm=DmPolicy.DISABLED, revision="closed")
OPENED = replace(OPEN, revision="open")
EDITED = replace(OPEN, revision="edited")
PAIRING = AccessPolicy(pairing_text="{code} one", revision="pairing")


def follow(bench: Bench, runner: Runner, policy: AccessPolicy) -> None:
    """What the gateway does when an edit of access is applied."""
    bench.settings.now = replace(bench.settings.now, rules=Rules(policy))
    runner.sender.rules_changed()


async def marked(bench: Bench, runner: Runner) -> None:
    """Returns once the sender has looked at what is there after a change of the rules."""
    await until(lambda: not runner.sender._rules_changed)
    await bench.account_store.run(send_log.open_chunks)  # the look of the sender is before it in the line


def quoting(number: int) -> Inbound:
    """A message that takes a look into the store to be decided."""
    return replace(message(number), quote=Quote("r1", "0", "", client_id="9"))


@dataclass
class Turning:
    """Grants that change the rules while something is decided: at the worst moment there is."""

    bench: Bench
    policies: list[AccessPolicy] = field(default_factory=list)

    def __call__(self) -> Grants:
        if self.policies:
            now = self.bench.settings.now
            self.bench.settings.now = replace(now, rules=Rules(self.policies.pop()))
        return Grants(own_id="100", skew_ms=0)


async def test_a_turn_knows_the_edit_that_waits(bench: Bench) -> None:
    bench.policy, bench.grants = OPENED, Turning(bench)
    given: list[TurnInput] = []

    class Noting(Gated):
        async def run(self, turn: TurnInput) -> Reply | None:
            given.append(turn)
            return None

    wire = Wire()
    async with bench.running(wire, Noting()):
        bench.settings.now = replace(bench.settings.now, rules=Rules(OPENED, EDITED))
        wire.incoming.put_nowait(message(1))
        await until(lambda: bool(given))
    assert given[0].lane is not None
    assert given[0].lane.edited is EDITED


async def test_a_batch_is_decided_by_the_rules_at_whose_time_it_is_stored(bench: Bench) -> None:
    bench.policy, bench.grants = OPENED, Turning(bench)
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(9))
        await agent.begun.get()  # else it is asked anew whether it may begin
        bench.grants.policies = [CLOSED, OPENED, CLOSED, OPENED]
        for number in range(6):
            wire.incoming.put_nowait(quoting(number) if number % 2 else message(number))
        await wire.read_all()
        await until(lambda: sum(bench.counters().values()) == 7)
    with bench.store.read() as reader:
        made = [one.made[0].decision for one in reader.search(Wanted(), 10).messages]
    assert {(one.revision, one.reason) for one in made[:-1]} == {("closed", "dm_disabled")}, "that came last"


async def test_the_text_for_strangers_and_the_acks_are_of_the_config_that_decided(bench: Bench) -> None:
    bench.policy = PAIRING
    wire = Wire()
    async with bench.running(wire, Gated()) as runner:
        wire.incoming.put_nowait(message(1))
        assert (await wire.sent(1))[0].endswith(" one")
        follow(bench, runner, replace(PAIRING, pairing_text="{code} two", revision="b"))
        wire.incoming.put_nowait(message(1, "22"))
        assert (await wire.sent(1))[0].endswith(" two")
        follow(bench, runner, replace(OPENED, acks=Acks.OFF))
        wire.incoming.put_nowait(replace(message(2, "33"), token="t"))
        await until(lambda: bench.counters().get("dm_open") == 1)
        assert wire.shown.empty()


async def test_a_reply_and_a_challenge_that_wait_are_cancelled_when_the_lane_closes(bench: Bench) -> None:
    bench.pacer = Pacer(Pacing.model_validate({"gap": "1h", "gapJitter": "0s"}), lambda: 0.0)
    bench.policy = OPENED
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent) as runner:
        agent.allowed.release()
        agent.allowed.release()
        wire.incoming.put_nowait(message(1))
        assert await wire.sent(1) == ["11: 1"]
        wire.incoming.put_nowait(message(1, "22"))
        await until(lambda: bench.states().get("queued") == 1)
        follow(bench, runner, PAIRING)
        await until(lambda: not bench.states().get("queued"))
        wire.incoming.put_nowait(message(1, "33"))
        await until(lambda: bench.states().get("queued") == 1)
        follow(bench, runner, CLOSED)
        await until(lambda: not bench.states().get("queued"))
        bench.clock.ms += 2 * 3_600_000
        runner.sender.wake()
        follow(bench, runner, PAIRING)
        wire.incoming.put_nowait(replace(message(2, "33"), sent_ms=bench.clock.ms))
        assert [len(one.split()[0]) for one in await wire.sent(1)] == [8], "the next message gets a new text"
    with bench.store.read() as reader:
        why = {(one.state, one.reason) for one in reader.outbox(settled=True)}
    assert why == {
        ("refused", "the sender is no longer admitted"),
        ("cancelled", "the sender is no longer sent a code"),
    }


async def test_the_answer_of_a_running_agent_is_not_stored_once_its_sender_is_out(bench: Bench) -> None:
    bench.policy = OPENED
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent) as runner:
        wire.incoming.put_nowait(message(1))
        await agent.begun.get()
        follow(bench, runner, CLOSED)
        agent.allowed.release()
        await until(lambda: bench.counters().get("revoked_before_run") == 1)
        follow(bench, runner, OPENED)
        agent.allowed.release()
        wire.incoming.put_nowait(message(2))
        assert await wire.sent(1) == ["11: 2"]


async def test_a_turn_that_waited_for_a_slot_is_not_begun_once_its_sender_is_out(bench: Bench) -> None:
    bench.policy, bench.slots = OPENED, 1
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent) as runner:
        wire.incoming.put_nowait(message(1))
        await agent.begun.get()
        wire.incoming.put_nowait(message(1, "22"))
        await until(lambda: bench.counters().get("dm_open") == 2)
        follow(bench, runner, CLOSED)
        agent.allowed.release()
        await until(lambda: bench.counters().get("revoked_before_run") == 2)
        assert agent.begun.empty()
        follow(bench, runner, OPENED)
        agent.allowed.release()
        wire.incoming.put_nowait(message(2, "22"))
        assert await wire.sent(1) == ["22: 2"]


async def test_a_turn_that_waited_for_a_slot_is_not_begun_once_its_sender_is_blocked(bench: Bench) -> None:
    bench.policy, bench.slots = PAIRING, 1
    bench.grants = lambda: Grants(paired=frozenset(approved))
    approved = {"11", "22"}
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        await agent.begun.get()
        wire.incoming.put_nowait(message(1, "22"))
        await until(lambda: sum(bench.counters().values()) == 2)
        approved.remove("22")
        agent.allowed.release()
        assert await wire.sent(1) == ["11: 1"]
        await until(lambda: bench.counters().get("revoked_before_run") == 1)
        assert agent.begun.empty()


async def test_what_is_handed_over_while_the_rules_change_is_checked_once_more(bench: Bench) -> None:
    bench.policy = OPENED
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent) as runner:
        wire.troubles.append(NotSent("busy", 0.0))
        wire.incoming.put_nowait(State(ChannelPhase.CONNECTING))
        agent.allowed.release()
        wire.incoming.put_nowait(message(1))
        await until(lambda: bench.states().get("queued") == 1)
        follow(bench, runner, CLOSED)
        wire.incoming.put_nowait(State(ChannelPhase.READY))
        await until(lambda: not bench.states().get("queued"))
        assert wire.outgoing.empty()


async def test_what_was_on_its_way_while_the_lane_closed_is_not_sent_again(bench: Bench) -> None:
    bench.policy = OPENED
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent) as runner:
        left, answer = asyncio.Event(), asyncio.Event()

        async def send(account: Account, out: Outgoing) -> Receipt:
            left.set()
            await answer.wait()
            if wire.troubles:
                raise wire.troubles.popleft()
            wire.outgoing.put_nowait(out)  # type: ignore[arg-type]
            return Receipt((f"r{out.client_id}",))

        wire.send = send  # type: ignore[method-assign]
        wire.troubles.append(NotSent("no route", 0.0))
        agent.allowed.release()
        wire.incoming.put_nowait(message(1))
        await left.wait()
        follow(bench, runner, CLOSED)
        await marked(bench, runner)
        answer.set()
        await until(lambda: not bench.states().get("queued") and not bench.states().get("sending"))
        assert wire.outgoing.empty()


async def test_what_was_held_behind_an_unknown_part_does_not_follow_once_the_lane_closed(
    bench: Bench,
) -> None:
    bench.policy = OPENED
    wire = Wire()
    async with bench.running(wire, Echo()) as runner:
        wire.troubles.append(Unknown("lost"))
        wire.incoming.put_nowait(message(1, text="a|b"))
        await until(lambda: bench.states().get("held") == 1)
        follow(bench, runner, CLOSED)
        await marked(bench, runner)
        with bench.store.read() as reader:
            first = reader.outbox()[0].id
        runner.sender.settled(await bench.account_store.run(unknown_sends.arrived, first))
        await until(lambda: not bench.states().get("held") and not bench.states().get("queued"))
        assert wire.outgoing.empty()


async def test_a_second_change_of_the_rules_while_the_first_is_followed_counts(bench: Bench) -> None:
    bench.policy = OPENED
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent) as runner:
        wire.incoming.put_nowait(State(ChannelPhase.CONNECTING))
        agent.allowed.release()
        wire.incoming.put_nowait(message(1))

        class Turned:
            """The account's store, in which the rules change just after the look at what is there."""

            async def run(self, transition: Callable[[Tx], list[int]]) -> list[int]:
                found = await bench.account_store.run(transition)
                await until(lambda: bench.states().get("queued") == 1)
                bench.settings.now = replace(bench.settings.now, rules=Rules(CLOSED))
                gate.narrowed()
                return found

        gate = runner.sender._gate
        await gate.mark_open(Turned())  # type: ignore[arg-type]
        with bench.store.read() as reader:
            number = reader.outbox()[0].id
        gate._waited.clear()
        chunk = await bench.account_store.run(due.still_queued, number)
        assert chunk is not None
        assert await gate.objection(chunk, bench.account_store) is Objection.NOT_ADMITTED


async def test_a_turn_keeps_the_agent_it_began_with(bench: Bench) -> None:
    bench.policy = OPENED
    wire, old, new, closed = Wire(), Gated(), Gated(), asyncio.Event()
    async with bench.running(wire, old):
        bench.agents.replace(old, closed.set)  # type: ignore[arg-type]
        wire.incoming.put_nowait(message(1))
        await old.begun.get()
        bench.agents.replace(new)  # type: ignore[arg-type]
        wire.incoming.put_nowait(message(1, "22"))
        assert await new.begun.get() == "22: 1"
        assert not closed.is_set()
        old.allowed.release()
        assert await wire.sent(1) == ["11: 1"]
        await closed.wait()
