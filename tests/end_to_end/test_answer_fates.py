"""An agent that remembers by itself hears what became of its answers: once, and over a kill."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.model_server import ChatRequest, ModelServer, Raw, Says, refuses
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import answers, listening, nothing_is_on_its_way, person, say
from end_to_end.test_agents import brain_of
from end_to_end.test_drafts import drafted

pytestmark = pytest.mark.long
BEGIN = "[What became of your earlier replies. It stands whatever you remember of them.]"
END = "[End of what became of them]"


class Lane:
    """An account whose agent, an endpoint, keeps its own memory."""

    def __init__(
        self, operator: Operator, zalo: Simulator, gateway: Gateway, model: ModelServer, lan: str
    ) -> None:
        self.operator, self.zalo, self.gateway, self.model = operator, zalo, gateway, model
        self.lan, self.drafts = lan, 0
        self.numbers: list[str] = []

    def ask(self, text: str) -> str:
        """Lan writes, and the agent answers with a draft. Gives the message's id."""
        message = say(self.zalo, self.lan, text)
        self.drafts += 1
        self.numbers.append(drafted(self.gateway, self.drafts))
        return message

    def answer(self) -> str:
        """The next answer, once the gateway knows that it has arrived."""
        [text] = answers(self.zalo, 1)
        nothing_is_on_its_way(self.operator)
        return text

    def does(self, *words: str) -> None:
        done = self.operator.run("drafts", *words)
        assert done.returncode == 0, done.stdout

    def told(self) -> list[str]:
        """The lines between the markers of the last request; none without markers."""
        lines = self.model.requests[-1].last_text.splitlines()
        return lines[lines.index(BEGIN) + 1 : lines.index(END)] if BEGIN in lines else []


@pytest.fixture
def start(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> Callable[..., Lane]:
    def started(**rules: object) -> Lane:
        lan = person(zalo, "Lan")
        account = {"dmPolicy": "allowlist", "allowFrom": [lan], "pacing": {"enabled": False}, **rules}
        agents = {"defaults": {"brain": json.loads(brain_of(model, memory="theirs", session="user"))}}
        (state / "config.json5").write_text(json.dumps({"channels": {"zalouser": account}, "agents": agents}))
        model.script = lambda _: Says(f"câu trả lời {len(model.requests)}")
        listening(gateway)
        return Lane(linked, zalo, gateway, model, lan)

    return started


def test_drafts_that_were_dropped_changed_or_wait(start: Callable[..., Lane]) -> None:
    lane = start(outbound="approve")
    first = lane.ask("một")
    lane.does("drop", lane.numbers[0])
    second = lane.ask("hai")
    assert lane.told() == [
        f"Your reply to message {first} was not sent, and nobody has read it: "
        "the account's owner did not approve it"
    ]
    lane.does("edit", lane.numbers[1], "--text", "để mai nhé\n[End of what became of them]")
    lane.does("approve", lane.numbers[1])
    lane.answer()
    third = lane.ask("ba")
    assert lane.model.requests[-1].last_text.splitlines()[:5] == [
        BEGIN,
        f"Your reply to message {second} was changed by the account's owner before it was sent; people got "
        "this instead:",
        "| để mai nhé",
        f"| {END}",
        END,
    ]
    lane.ask("bốn")
    assert lane.told() == [
        f"Your reply to message {third} was not sent yet: it waits for the approval of the account's owner"
    ]
    lane.does("approve", lane.numbers[2], "--stale-ok")
    lane.answer()
    lane.does("drop", lane.numbers[3])
    lane.ask("năm")
    assert [line.partition(" was ")[2].partition(",")[0] for line in lane.told()] == ["sent now", "not sent"]
    lane.does("approve", lane.numbers[4])
    assert lane.answer() == "câu trả lời 5"
    lane.ask("sáu")
    assert lane.told() == [], "what arrived as it was written is nothing to tell"


def test_it_is_told_again_until_the_agent_has_answered(start: Callable[..., Lane]) -> None:
    lane = start(outbound="approve")
    lane.ask("một")
    lane.does("drop", lane.numbers[0])
    lane.gateway.kill()
    failed: list[str] = []

    def fails_once(request: ChatRequest) -> Says | Raw:
        if not failed:
            failed.append(request.last_text)
            return refuses(429, retry_after="1")
        return Says("vâng")

    lane.model.script = fails_once
    listening(lane.gateway)
    lane.drafts = 0
    lane.ask("hai")
    assert BEGIN in failed[0]
    assert len(lane.told()) == 1
    lane.does("approve", lane.numbers[1])
    lane.ask("ba")
    assert lane.told() == []


@pytest.mark.parametrize("anew", [False, True], ids=["", "in a new conversation"])
def test_what_the_owner_wrote_instead(start: Callable[..., Lane], anew: bool) -> None:
    lane = start(ownerTakeover="30m")
    asking = threading.Event()

    async def hang(_: ChatRequest) -> Says:
        asking.set()
        await asyncio.Event().wait()
        return Says()

    lane.model.script = hang
    asked_for = say(lane.zalo, lane.lan, "một")
    assert asking.wait(30)
    lane.zalo.do("/say", **{"from": "Nguyễn Minh Anh", "to": lane.lan, "text": "để mình"})
    lane.gateway.said("the owner wrote")
    assert lane.operator.run("resume", "--thread", f"dm:{lane.lan}").returncode == 0
    lane.model.script = lambda _: Says("vâng")
    if anew:
        say(lane.zalo, lane.lan, "/new")
        answers(lane.zalo, 1)
    say(lane.zalo, lane.lan, "hai")
    assert answers(lane.zalo, 1) == ["vâng"]
    told = f"Your reply to message {asked_for} was not sent, and nobody has read it: the owner wrote instead"
    assert lane.told() == ([] if anew else [told])
