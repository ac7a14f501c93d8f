"""Commands in the chat: who is answered by the gateway, in what order, and what an agent still hears."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packages.clawlane.tests.lane_bench import Bench, Echo, Gated, Wire, message

from clawlane.access.allowlists import Allowlist
from clawlane.access.policy import Grants
from clawlane.access.rules import COMMANDS
from clawlane.agents.contract import TurnInput
from clawlane.messages import Reply, Thread, ThreadKind
from clawlane.store import sessions, spending
from clawlane.store.spending import Spent

DM = Thread(ThreadKind.DM, "11")
OWNED = Allowlist.of(("11",))


class Deaf:
    """An agent that must not be asked."""

    async def run(self, turn: TurnInput) -> Reply | None:
        raise AssertionError("the agent was asked")


@pytest.mark.parametrize(
    ("language", "said"), [("vi", "Không có gì đang chạy."), ("en-US", "Nothing is running.")]
)
async def test_the_gateway_speaks_the_language_of_the_account(bench: Bench, language: str, said: str) -> None:
    bench.grants = lambda: Grants(language=language)
    wire = Wire()
    async with bench.running(wire, Deaf()):
        wire.incoming.put_nowait(message(1, text="/stop"))
        assert await wire.sent(1) == [said]


async def test_no_command_of_an_owner_reaches_the_agent(bench: Bench) -> None:
    bench.policy = replace(bench.policy, owners=OWNED)
    wire = Wire()
    async with bench.running(wire, Deaf()):
        for number, command in enumerate(("/stop", *sorted(COMMANDS - {"/stop"}))):
            wire.incoming.put_nowait(message(number, text=command))
        told = await wire.sent(len(COMMANDS))
    assert sorted(text.splitlines()[0] for text in told) == [
        "/new, /reset – begin a new conversation",
        "A new conversation begins.",
        "A new conversation begins.",
        "Agent: main (echo), model: –",
        "Nothing is running.",
        "You: –, id 11",
    ]


async def test_from_others_three_of_them_are_words_for_the_agent(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        for number, command in enumerate(("/status", "/whoami", "/help")):
            wire.incoming.put_nowait(message(number, text=command))
        assert await wire.sent(3) == ["/status", "/whoami", "/help"]


async def test_the_status_does_not_wait_for_the_answer_that_is_being_written(bench: Bench) -> None:
    bench.policy, bench.slots = replace(bench.policy, owners=OWNED), 1
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        await bench.account_store.run(spending.add, "main", "2023-11-14", DM, "11", Spent(700, 77, 0.125))
        wire.incoming.put_nowait(message(1, text="hello"))
        await agent.begun.get()
        wire.incoming.put_nowait(message(2, text="/status"))
        [status] = await wire.sent(1)
        assert status.splitlines()[1].startswith("Today: ")
        agent.allowed.release()
        assert await wire.sent(1) == ["hello"]


async def test_a_new_conversation_begins_behind_the_turns_before_it(bench: Bench) -> None:
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1, text="old"))
        wire.incoming.put_nowait(message(2, text="/new"))
        wire.incoming.put_nowait(message(3, text="new"))
        assert await agent.begun.get() == "old"
        assert bench.states() == {}
        agent.allowed.release()
        agent.allowed.release()
        assert await wire.sent(3) == ["old", "A new conversation begins.", "new"]
    with bench.store.read() as reader:
        assert reader.session("zalouser/default", "main", DM) == sessions.Session(number=2)


async def test_a_stop_leaves_the_answers_to_other_commands_alone(bench: Bench) -> None:
    wire = Wire()
    wire.answer.clear()
    async with bench.running(wire, Deaf()):
        for number, command in enumerate(("/new", "/stop")):
            wire.incoming.put_nowait(message(number, text=command))
            await wire.planned.get()
        wire.answer.set()
        assert await wire.sent(2) == ["A new conversation begins.", "Nothing is running."]


async def test_without_text_commands_they_are_words_for_the_agent(bench: Bench) -> None:
    bench.policy = replace(bench.policy, owners=OWNED, text_commands=False)
    wire = Wire()
    async with bench.running(wire, Echo()):
        for number, command in enumerate(sorted(COMMANDS)):
            wire.incoming.put_nowait(message(number, text=command))
        assert await wire.sent(len(COMMANDS)) == sorted(COMMANDS)
