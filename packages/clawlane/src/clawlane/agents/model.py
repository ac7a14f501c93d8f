"""A model with tools: it is asked, its tools run, and it is asked again, until it has an answer.

pydantic-ai speaks with the providers. The loop is ours, because each step is stored before the next one
begins: after a crash a run goes on from its stored steps, and no completed step is asked or done again.
pydantic-ai is the extra `agent`, so only what needs a model may import this module.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic_ai import exceptions as ai
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from clawlane.agents.errors import AgentBusy, AgentError, AgentFailed, AgentLimit, AgentMisconfigured
from clawlane.messages import Outgoing
from clawlane.store.steps import ToolSend

_WAIT = 20.0
"""Seconds until a busy provider is asked again, if it does not say when."""

_LONGEST_RESULT = 50_000
"""Characters of a tool's result that the model is shown."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it. `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool. `step` and `number` are the same if the call is made again after a crash."""

    step: int
    number: int
    name: str
    arguments: dict[str, Any]


class ToolProblem(Exception):
    """A call that cannot be done; the model is told the text and may try something else."""


class Tools(Protocol):
    """The tools of one turn."""

    def specs(self) -> Sequence[ToolSpec]:
        """The tools that the model may use in this turn."""
        ...

    async def plan(self, use: ToolUse) -> tuple[Outgoing, ...]:
        """What a call sends, before anything is stored; nothing is done yet.

        Empty for a call that sends nothing, and for one that cannot be done: `call` says why.
        """
        ...

    async def call(self, use: ToolUse) -> str:
        """The result of a call, as text. What `plan` gave is in the outbox by now. Raises `ToolProblem`."""
        ...


class Steps(Protocol):
    """The steps of one turn: what the model answered, and what its tools gave back, as JSON."""

    def stored(self) -> Sequence[str]:
        """The steps so far, in order."""
        ...

    async def add(self, step: str, sends: Sequence[ToolSend]) -> None:
        """Store a step, and with a model's answer what its calls send; returns once it is on the disk."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may take. `tokens` counts all its requests; None is no limit."""

    requests: int = 8
    tool_calls: int = 12
    tokens: int | None = None
    seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model and its name in the config, `provider/model`."""

    name: str
    model: Model


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a run came to: the text, the model that gave it, and the tokens of all requests."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int


@dataclass(slots=True)
class Run:
    """One turn of a model. `place` is the agent's place in the config, for errors."""

    place: str
    models: Sequence[NamedModel]
    tools: Tools
    steps: Steps
    limits: Limits
    instructions: str
    asked: str = field(default="", init=False)

    async def answer(self, prompt: str, history: Sequence[ModelMessage] = ()) -> ModelAnswer:
        """The answer to a prompt. Raises an `AgentError`; cancelling stops the request or the tool."""
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self._answer(prompt, history)
        except TimeoutError:
            raise AgentLimit(
                f"{self.place}.timeoutSeconds: no answer after {self.limits.seconds:g} s"
            ) from None

    async def _answer(self, prompt: str, history: Sequence[ModelMessage]) -> ModelAnswer:
        question = ModelRequest(parts=[UserPromptPart(prompt)], instructions=self.instructions)
        taken = list(ModelMessagesTypeAdapter.validate_json(f"[{','.join(self.steps.stored())}]"))
        while True:
            last = taken[-1] if taken else None
            if isinstance(last, ModelResponse):
                calls = [part for part in last.parts if isinstance(part, ToolCallPart)]
                if not calls:
                    return self._ended(taken, last)
                results = await self._call_tools(len(taken), calls, taken)
                await self._store(ModelRequest(parts=results, instructions=self.instructions), taken, ())
            else:
                self._check_limits(taken)
                response = await self._request([*history, question, *taken])
                await self._store(response, taken, await self._planned(response, taken))

    async def _store(
        self, message: ModelRequest | ModelResponse, taken: list[ModelMessage], sends: Sequence[ToolSend]
    ) -> None:
        written = ModelMessagesTypeAdapter.dump_json([message])[1:-1].decode()
        await self.steps.add(written, sends)
        taken.append(message)

    async def _planned(self, response: ModelResponse, taken: Sequence[ModelMessage]) -> list[ToolSend]:
        """What the calls of an answer send; nothing if they are more than the turn may make."""
        uses = _uses(len(taken) + 1, response)
        if _count_calls(taken) + len(uses) > self.limits.tool_calls:
            return []
        planned = [(use, await self.tools.plan(use)) for use in uses]
        return [ToolSend(use.step, use.number, outs) for use, outs in planned if outs]

    def _check_limits(self, taken: Sequence[ModelMessage]) -> None:
        responses = [message for message in taken if isinstance(message, ModelResponse)]
        if len(responses) >= self.limits.requests:
            raise AgentLimit(f"{self.place}.maxRequests: no answer after {len(responses)} requests")
        tokens = sum(_tokens(responses))
        if self.limits.tokens is not None and tokens >= self.limits.tokens:
            raise AgentLimit(f"{self.place}.maxTokens: no answer after {tokens} tokens")

    async def _call_tools(
        self, step: int, calls: Sequence[ToolCallPart], taken: Sequence[ModelMessage]
    ) -> list[ToolReturnPart]:
        """The results of all calls of a step. One after the other: what they queue leaves in their order."""
        if _count_calls(taken) > self.limits.tool_calls:
            raise AgentLimit(
                f"{self.place}.maxToolCalls: the model asks for more than {self.limits.tool_calls}"
            )
        return [await self._call_tool(step, number, call) for number, call in enumerate(calls)]

    async def _call_tool(self, step: int, number: int, call: ToolCallPart) -> ToolReturnPart:
        known = [spec.name for spec in self.tools.specs()]
        try:
            if call.tool_name not in known:
                raise ToolProblem(f"there is no tool of this name; there is: {', '.join(known) or 'none'}")
            result = await self.tools.call(ToolUse(step, number, call.tool_name, _arguments(call)))
        except ToolProblem as problem:
            result = f"error: {problem}"
        if len(result) > _LONGEST_RESULT:
            result = f"{result[:_LONGEST_RESULT]}\n(the rest is left out)"
        return ToolReturnPart(call.tool_name, result, call.tool_call_id)

    async def _request(self, messages: list[ModelMessage]) -> ModelResponse:
        """One answer, from the first model that gives one."""
        tools = [_definition(spec) for spec in self.tools.specs()]
        parameters = ModelRequestParameters(function_tools=tools)
        problems: list[AgentError] = []
        for named in self.models:
            try:
                prepared = named.model.prepare_messages(messages, parameters)
                response = await named.model.request(prepared, ModelSettings(), parameters)
            except (ai.AgentRunError, ai.UserError) as error:
                problems.append(self._problem(named.name, error))
            else:
                self.asked = named.name
                return response
        busy = [problem for problem in problems if isinstance(problem, AgentBusy)]
        if busy and len(busy) == len(problems):
            raise min(busy, key=lambda problem: problem.retry_in_s)
        raise problems[0]

    def _problem(self, name: str, error: Exception) -> AgentError:
        """What an error means. Its text may hold what the provider answered, so only its kind is told."""
        where = f"{self.place}: {name}"
        match error:
            case ai.ModelRateLimitError() | ai.ModelUnavailableError():
                return AgentBusy(f"{where} is busy", error.retry_after or _WAIT)
            case ai.ModelAuthenticationError():
                return AgentMisconfigured(f"{where} refused the key")
            case ai.ModelNotFoundError():
                return AgentMisconfigured(f"{where} does not exist at its provider")
            case ai.ModelQuotaExceededError():
                return AgentMisconfigured(f"{where}: the account at the provider has no credit left")
            case ai.ModelContextWindowExceededError():
                return AgentFailed(
                    f"{where}: the conversation is too long for the model; see session.maxTokens"
                )
            case ai.ModelConnectionError():
                return AgentFailed(f"{where} cannot be reached, or broke off its answer")
            case ai.ModelHTTPError():
                return AgentFailed(f"{where} answered with HTTP {error.status_code}")
        return AgentFailed(f"{where} failed: {type(error).__name__}")

    def _ended(self, taken: Sequence[ModelMessage], last: ModelResponse) -> ModelAnswer:
        responses = [message for message in taken if isinstance(message, ModelResponse)]
        text = "".join(part.content for part in last.parts if isinstance(part, TextPart))
        return ModelAnswer(
            text,
            self.asked or last.model_name or "",
            sum(response.usage.input_tokens for response in responses),
            sum(response.usage.output_tokens for response in responses),
        )


def _count_calls(taken: Iterable[ModelMessage]) -> int:
    responses = (message for message in taken if isinstance(message, ModelResponse))
    return sum(isinstance(part, ToolCallPart) for response in responses for part in response.parts)


def _uses(step: int, response: ModelResponse) -> list[ToolUse]:
    """The calls that an answer makes; one whose arguments cannot be read has none."""
    calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
    return [
        ToolUse(step, number, call.tool_name, call.args_as_dict() if _readable(call) else {})
        for number, call in enumerate(calls)
    ]


def _readable(call: ToolCallPart) -> bool:
    try:
        _arguments(call)
    except ToolProblem:
        return False
    return True


def _arguments(call: ToolCallPart) -> dict[str, Any]:
    try:
        arguments = call.args_as_dict(raise_if_invalid=True)
    except (ValueError, AssertionError, RecursionError):
        raise ToolProblem("the arguments are not a JSON object") from None
    return arguments


def _definition(spec: ToolSpec) -> ToolDefinition:
    return ToolDefinition(
        name=spec.name, description=spec.description, parameters_json_schema=spec.parameters
    )


def _tokens(responses: Iterable[ModelResponse]) -> Iterable[int]:
    return (response.usage.input_tokens + response.usage.output_tokens for response in responses)
