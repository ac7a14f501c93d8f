"""The agent that needs no model."""

from __future__ import annotations

from dataclasses import replace

from clawlane.agents.contract import TurnInput
from clawlane.agents.echo import EchoAgent
from clawlane.messages import Attachment, Inbound, Reply, Thread, ThreadKind

MESSAGE = Inbound("default", "m1", Thread(ThreadKind.DM, "11"), "11", "Alice", "xin chào", 0)


async def answer(message: Inbound) -> Reply | None:
    return await EchoAgent().run(TurnInput("zalouser/default", (message,)))


async def test_it_says_what_it_was_told() -> None:
    assert await answer(MESSAGE) == Reply("xin chào", markdown=False)


async def test_without_text_it_names_what_came() -> None:
    assert await answer(replace(MESSAGE, text=" ", attachments=(Attachment("sticker"),))) == Reply(
        "(sticker)", markdown=False
    )


async def test_to_nothing_it_says_nothing() -> None:
    assert await answer(replace(MESSAGE, text="")) is None
