"""An agent that lives elsewhere, asked in turns: with what it remembers, pictures, and its budget."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import aiohttp

from clawlane.agents.budget import Ledger, TurnLedger, rough_tokens
from clawlane.agents.contract import FileUse, TurnInput
from clawlane.agents.endpoint import ChatMessage, Completion, Endpoint, ImagesRefused
from clawlane.agents.inbound_media import PICTURE_TOKENS, Pictures, images
from clawlane.agents.memory import SUMMARY, Conversation, SessionMemory
from clawlane.agents.prompt import instructions, user_prompt, with_fates
from clawlane.agents.reply import read_reply, remembered
from clawlane.config.agents import EndpointBrain, Price, SessionSettings
from clawlane.config.routing import AgentSettings
from clawlane.messages import Reply, Thread
from clawlane.store.fates import Outcome
from clawlane.store.spending import Spent

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EndpointAgent:
    """Answers turns by asking an endpoint."""

    agent: AgentSettings
    endpoint: Endpoint
    http: aiohttp.ClientSession
    ledger: Ledger
    price: Price | None
    session: SessionSettings
    remembers: bool
    """Whether the agent remembers by itself, and is told each turn alone."""

    async def check(self, turn: TurnInput) -> None:
        await self.ledger.of(turn).check()

    async def run(self, turn: TurnInput) -> Reply | None:
        ledger = self.ledger.of(turn)
        memory = SessionMemory(self.agent, self.session, self._sum_up)
        entered = await memory.enter(turn) if self.remembers else None
        conversation = Conversation(session=entered.session) if entered else await memory.begin(turn)
        completion = await self._answer(ledger, turn, conversation, entered.outcomes if entered else ())
        if entered:
            await memory.heard(turn, entered)
        model = f"{self.agent.id}/{self.endpoint.model}"
        reply = read_reply(completion.text, self.agent, model, ledger.tokens)
        if not self.remembers:
            await memory.answered(turn, remembered(reply))
        return reply

    async def _answer(
        self, ledger: TurnLedger, turn: TurnInput, conversation: Conversation, outcomes: Sequence[Outcome]
    ) -> Completion:
        pictures = await images(turn) if self._sees else Pictures()
        try:
            messages = self._messages(turn, conversation, pictures, outcomes)
            return await self._ask(ledger, messages, conversation.session)
        except ImagesRefused:
            log.warning("%s: the model takes no pictures; write `images: false`", self.agent.place)
        messages = self._messages(turn, conversation, pictures.refused(), outcomes)
        return await self._ask(ledger, messages, conversation.session)

    def _messages(
        self, turn: TurnInput, conversation: Conversation, pictures: Pictures, outcomes: Sequence[Outcome]
    ) -> list[ChatMessage]:
        settings = self.agent.settings
        longest = settings.max_input_chars
        prompt = with_fates(user_prompt(turn, longest, pictures.notes), outcomes, longest)
        *before, last = _chat(instructions(settings.instructions), conversation, prompt)
        return [*before, replace(last, images=[one.url for one in pictures.shown])]

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.PICTURES if self._sees else FileUse.NOTHING

    @property
    def _sees(self) -> bool:
        return isinstance(self.agent.brain, EndpointBrain) and self.agent.brain.images

    async def _sum_up(self, turn: TurnInput, text: str) -> str:
        messages = _chat(SUMMARY, Conversation(), text)
        completion = await self._ask(self.ledger.of(turn), messages, f"agent:{self.agent.id}:summary")
        reply = read_reply(completion.text, self.agent)
        return reply.text if reply else ""

    async def _ask(self, ledger: TurnLedger, messages: Sequence[ChatMessage], session: str) -> Completion:
        await ledger.check()
        completion = await self.endpoint.ask(self.http, messages, session)
        await ledger.add(self._spent(messages, completion))
        return completion

    async def reach(self) -> str:
        return await self.endpoint.reach(self.http)

    def _spent(self, messages: Sequence[ChatMessage], completion: Completion) -> Spent:
        """What an answer took; counted roughly where the server does not say, so that budgets hold."""
        given, answered = completion.prompt_tokens, completion.completion_tokens
        if not given and not answered:
            given = rough_tokens(*(message.content for message in messages))
            given += PICTURE_TOKENS * sum(len(message.images) for message in messages)
            answered = rough_tokens(completion.text)
        price = self.price
        usd = (given * price.input + answered * price.output) / 1_000_000 if price else 0.0
        return Spent(given, answered, usd)

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.endpoint.once


def _chat(first: str, conversation: Conversation, prompt: str) -> list[ChatMessage]:
    """The messages of a request: instructions, the conversation, and what is asked now."""
    prompts = [*(exchange.prompt for exchange in conversation.exchanges), prompt]
    prompts[0] = conversation.opened(prompts[0])
    messages = [ChatMessage("system", first)]
    for asked, exchange in zip(prompts, conversation.exchanges, strict=False):
        messages += (ChatMessage("user", asked), ChatMessage("assistant", exchange.reply))
    return [*messages, ChatMessage("user", prompts[-1])]
