"""An agent of kind `model`: a model with our tools, in this process.

What it needs of pydantic-ai is imported with this module, so only what opens such an agent may import it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
)

from clawlane.agents.budget import Ledger
from clawlane.agents.contract import FileUse, Lane, TurnInput
from clawlane.agents.errors import AgentError, AgentLimit
from clawlane.agents.inbound_media import Pictures, images
from clawlane.agents.memory import SUMMARY, Conversation, Exchange, SessionMemory
from clawlane.agents.model import NamedModel, Run, Tools, reach, read_steps
from clawlane.agents.model_pictures import prompt_with
from clawlane.agents.prompt import instructions, user_prompt
from clawlane.agents.reply import read_reply, remembered
from clawlane.agents.toolbox import Toolbox
from clawlane.config.agents import SessionSettings
from clawlane.config.choices import OutboundMode
from clawlane.config.routing import AgentSettings
from clawlane.messages import Reply, Text, Thread
from clawlane.store import steps
from clawlane.store.drafts import NewDraft
from clawlane.store.steps import ToolSend

log = logging.getLogger(__name__)


class _RunVoid(Exception):
    """The turn was stopped, recalled or started over: nobody waits for this run any more."""


@dataclass(slots=True)
class _StoredSteps:
    """The steps of a turn in the store."""

    lane: Lane
    number: int = 0

    async def stored(self) -> Sequence[str]:
        if self.lane.run == 1:  # nothing ran before
            return ()
        found = await self.lane.account_store.run(steps.stored, self.lane.turn)
        self.number = len(found)
        return found

    async def add(self, step: str, sends: Sequence[ToolSend]) -> None:
        self.number += 1
        lane, sends = self.lane, [self._as_allowed(send) for send in sends]
        if not await lane.account_store.run(steps.add, lane.turn, lane.run, self.number, step, sends):
            raise _RunVoid

    def _as_allowed(self, send: ToolSend) -> ToolSend:
        """What a call sends, as a draft where the owner approves what leaves."""
        mode, rule = self.lane.outbound(send.outs[0].thread)
        if mode is not OutboundMode.APPROVE:
            return send
        said = any(isinstance(out, Text) for out in send.outs)
        lead = self.lane.discloses.lead(send.outs) if said else ""
        return replace(send, draft=NewDraft(rule.path, self.lane.draft_ms, lead=lead))


@dataclass(slots=True)
class _KeptSteps:
    """The steps of a turn that came from a terminal: they are gone with it."""

    kept: list[str] = field(default_factory=list)

    async def stored(self) -> Sequence[str]:
        return self.kept

    async def add(self, step: str, _sends: Sequence[ToolSend]) -> None:
        self.kept.append(step)


class ModelAgent:
    """Answers with the first of its models that gives an answer. `tools` are made anew for each turn."""

    def __init__(
        self,
        agent: AgentSettings,
        models: Sequence[NamedModel],
        ledger: Ledger,
        session: SessionSettings,
        tools: Callable[[TurnInput], Awaitable[Tools]],
    ) -> None:
        self._agent = agent
        self._models = models
        self._ledger = ledger
        self._memory = SessionMemory(agent, session, self._sum_up)
        self._tools = tools
        self._stand_in = ""

    async def check(self, turn: TurnInput) -> None:
        await self._ledger.of(turn).check()

    async def run(self, turn: TurnInput) -> Reply | None:
        seconds = self._agent.settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds) as time:
                return await self._run(turn)
        except _RunVoid:
            return None
        except TimeoutError:
            if not time.expired():
                raise
            place = self._agent.at("timeout_seconds")
            raise AgentLimit(f"{place}: no answer after {seconds} s") from None

    async def _run(self, turn: TurnInput) -> Reply | None:
        settings = self._agent.settings
        conversation = await self._memory.begin(turn)
        pictures = await images(turn) if self._sees else Pictures()
        written = user_prompt(turn, settings.max_input_chars, pictures.notes)
        history, prompt = _messages(conversation, written)
        ledger = self._ledger.of(turn)
        run = Run(
            self._agent,
            self._models,
            await self._tools(turn),
            _StoredSteps(turn.lane) if turn.lane else _KeptSteps(),
            ledger,
            instructions(settings.instructions),
            self._answered,
        )
        answer = await run.answer(prompt_with(prompt, pictures), history)
        reply = read_reply(answer.text, self._agent, answer.model, ledger.tokens)
        await self._memory.answered(turn, remembered(reply))
        return reply

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.PICTURES if self._sees else FileUse.NOTHING

    @property
    def _sees(self) -> bool:
        return any(named.sees for named in self._models)

    async def _sum_up(self, turn: TurnInput, text: str) -> str:
        ledger = self._ledger.of(turn)
        run = Run(self._agent, self._models, Toolbox(()), _KeptSteps(), ledger, SUMMARY, self._answered)
        reply = read_reply((await run.answer(text)).text, self._agent)
        return reply.text if reply else ""

    async def reach(self) -> str:
        """Have each model say a word. One that stands in for another is enough to answer."""
        problems: list[AgentError] = []
        for named in self._models:
            try:
                await reach(self._agent.place, named)
            except AgentError as problem:
                problems.append(problem)
        if len(problems) == len(self._models):
            raise problems[0]
        return "; ".join(map(str, problems))

    def _answered(self, model: str, problems: Sequence[AgentError]) -> None:
        """Tell the operator once that another model stands in, and why."""
        stand_in = f"{model} answers instead: {'; '.join(map(str, problems))}" if problems else ""
        if stand_in and stand_in != self._stand_in:
            log.warning("agent %s: %s", self._agent.id, stand_in)
        elif self._stand_in and not stand_in:
            log.info("agent %s: %s answers again", self._agent.id, model)
        self._stand_in = stand_in


def _messages(conversation: Conversation, prompt: str) -> tuple[list[ModelMessage], str]:
    """The earlier turns as messages, and the prompt of this one."""
    history: list[ModelMessage] = []
    for number, exchange in enumerate(conversation.exchanges):
        said = exchange.prompt if number else conversation.opened(exchange.prompt)
        history += [ModelRequest.user_text_prompt(said), *_answer_messages(exchange)]
    return history, prompt if history else conversation.opened(prompt)


def _answer_messages(exchange: Exchange) -> list[ModelMessage]:
    """What the model answered in an earlier turn, its calls of tools included, and what became of it."""
    try:
        taken = read_steps(exchange.steps)
    except ValidationError:  # stored by a library that wrote them differently
        taken = []
    if taken and isinstance(taken[-1], ModelResponse):
        if any(isinstance(part, ToolCallPart) for part in taken[-1].parts):
            taken.pop()  # the turn ended before its tools had: a call needs its result
        elif exchange.withheld:
            taken.pop()  # nobody got it in these words
        elif exchange.note:
            taken[-1].parts = [*taken[-1].parts, TextPart(f"\n{exchange.note}")]
    if not taken or not isinstance(taken[-1], ModelResponse):
        taken.append(ModelResponse(parts=[TextPart(exchange.reply)]))
    return taken
