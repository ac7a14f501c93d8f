"""A model with tools: it is asked, its tools run, and it is asked again, until it has an answer.

pydantic-ai speaks with the providers. The loop is ours, because each step is stored before the next one
begins: after a crash a run goes on from its stored steps, and no completed step is asked or done again.
pydantic-ai is the extra `agent`, so only what needs a model may import this module.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic_ai import exceptions as ai
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from clawlane.agents.budget import TurnLedger, rough_tokens
from clawlane.agents.endpoint import LONGEST_ANSWER, MOST_TOKENS, NOT_AS_IT_STANDS
from clawlane.agents.errors import AgentBusy, AgentError, AgentFailed, AgentLimit, AgentMisconfigured
from clawlane.agents.inbound_media import PICTURE_TOKENS
from clawlane.agents.limited_transport import AnswerTooLong
from clawlane.agents.model_pictures import count_pictures, without_pictures
from clawlane.agents.prices import Price
from clawlane.config.routing import AgentSettings
from clawlane.messages import Outgoing
from clawlane.store.codec import storable
from clawlane.store.spending import Spent
from clawlane.store.steps import ToolSend

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_WAIT = 20.0
"""Seconds until a busy provider is asked again, if it does not say when."""

_LONGEST_WAIT = 3600.0

_A_WORD = 16
"""Tokens: the fewest that every provider lets a request ask for."""

_Part = TypeVar("_Part", bound="DataclassInstance")

_LONGEST_RESULT = 50_000
"""Characters of a tool's result that the model is shown."""

log = logging.getLogger(__name__)


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

    async def stored(self) -> Sequence[str]:
        """The steps so far, in order."""
        ...

    async def add(self, step: str, sends: Sequence[ToolSend]) -> None:
        """Store a step, and with a model's answer what its calls send; returns once it is stored."""
        ...


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model and its name in the config, `provider/model`. `price` is None where nobody knows it.

    `sees` says that it takes pictures.
    """

    name: str
    model: Model
    price: Price | None = None
    sees: bool = False


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a run came to: the text, and the model that gave it."""

    text: str
    model: str


def _nothing(_model: str, _problems: Sequence[AgentError]) -> None:
    """Nobody has to know which model answered."""


@dataclass(frozen=True, slots=True)
class Run:
    """One turn of a model. `answered` is told which model answers, and why those before it did not."""

    agent: AgentSettings
    models: Sequence[NamedModel]
    tools: Tools
    steps: Steps
    ledger: TurnLedger
    instructions: str
    answered: Callable[[str, Sequence[AgentError]], None] = _nothing

    async def answer(
        self, prompt: str | Sequence[UserContent], history: Sequence[ModelMessage] = ()
    ) -> ModelAnswer:
        """The answer to a prompt. Raises an `AgentError`; cancelling stops the request or the tool."""
        question = ModelRequest(parts=[UserPromptPart(prompt)], instructions=self.instructions)
        taken = list(read_steps(await self.steps.stored()))
        while True:
            last = taken[-1] if taken else None
            if isinstance(last, ModelResponse):
                calls = [part for part in last.parts if isinstance(part, ToolCallPart)]
                if not calls:
                    text = "".join(part.content for part in last.parts if isinstance(part, TextPart))
                    return ModelAnswer(text, last.model_id or "")
                results = await self._call_tools(len(taken), calls)
                await self._store(ModelRequest(parts=results, instructions=self.instructions), taken, ())
            else:
                self._check_limits(taken)
                await self.ledger.check()
                response = await self._request([*history, question, *taken])
                await self._store(response, taken, await self._planned(response, taken))

    async def _store(
        self, message: ModelRequest | ModelResponse, taken: list[ModelMessage], sends: Sequence[ToolSend]
    ) -> None:
        written = ModelMessagesTypeAdapter.dump_json([message])[1:-1].decode()
        await self.steps.add(written, sends)
        taken.append(message)

    async def _planned(self, response: ModelResponse, taken: Sequence[ModelMessage]) -> list[ToolSend]:
        """What the calls of an answer send. Raises `AgentLimit` if they are more than the turn may make."""
        uses, most = _uses(len(taken) + 1, response), self.agent.settings.max_tool_calls
        if _count_calls(taken) + len(uses) > most:
            raise AgentLimit(f"{self.agent.at('max_tool_calls')}: the model asks for more than {most}")
        planned = [(use, await self.tools.plan(use)) for use in uses]
        return [ToolSend(use.step, use.number, outs) for use, outs in planned if outs]

    def _check_limits(self, taken: Sequence[ModelMessage]) -> None:
        settings = self.agent.settings
        responses = [message for message in taken if isinstance(message, ModelResponse)]
        if len(responses) >= settings.max_requests:
            raise AgentLimit(f"{self.agent.at('max_requests')}: no answer after {len(responses)} requests")
        tokens = sum(response.usage.input_tokens + response.usage.output_tokens for response in responses)
        if settings.max_tokens is not None and tokens >= settings.max_tokens:
            raise AgentLimit(f"{self.agent.at('max_tokens')}: no answer after {tokens} tokens")

    async def _call_tools(self, step: int, calls: Sequence[ToolCallPart]) -> list[ToolReturnPart]:
        """The results of all calls of a step. One after the other: what they queue leaves in their order."""
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
        problems: list[AgentError] = []
        for named in self.models:
            try:
                response = await self._ask(named, messages)
            except AgentError as problem:
                problems.append(problem)
            else:
                self.answered(named.name, problems)
                return response
        raise _worth_most(problems)

    async def _ask(self, named: NamedModel, messages: list[ModelMessage]) -> ModelResponse:
        """A whole answer of one model. What it cost is counted, whatever becomes of it."""
        tools = [_definition(spec) for spec in self.tools.specs()]
        parameters = ModelRequestParameters(function_tools=tools)
        shown = messages if named.sees else without_pictures(messages)
        log.debug("%s is asked with %d messages and %d tools", named.name, len(shown), len(tools))
        try:
            response = await _whole_answer(named, shown, parameters)
        except Exception as error:  # whatever a library makes of what a provider sends
            raise _problem(f"{self.agent.place}: {named.name}", error) from None
        log.debug("%s has answered with %d parts", named.name, len(response.parts))
        response = replace(_readable_text(response), parts=[_readable_text(part) for part in response.parts])
        response.usage = _counted(response, shown)
        response.model_id, response.history_digest = named.name, None
        used = response.usage
        usd = named.price(used) if named.price else 0.0
        await self.ledger.add(Spent(used.input_tokens, used.output_tokens, usd))
        where = f"{self.agent.place}: {named.name}"
        match response.finish_reason:
            case "length":
                raise AgentLimit(f"{where}: the answer was cut at the model's limit of output tokens")
            case "content_filter":
                raise AgentLimit(f"{where}: the provider's filter ended the answer")
            case "error":
                raise AgentFailed(f"{where} ended its answer with an error")
        return response


async def _whole_answer(
    named: NamedModel, messages: list[ModelMessage], parameters: ModelRequestParameters
) -> ModelResponse:
    """One answer. A request whose pictures may be what is refused is made again without them."""
    try:
        prepared = named.model.prepare_messages(messages, parameters)
        return await named.model.request(prepared, ModelSettings(), parameters)
    except ai.ModelHTTPError as error:
        if error.status_code not in NOT_AS_IT_STANDS or not count_pictures(messages):
            raise
    prepared = named.model.prepare_messages(without_pictures(messages), parameters)
    return await named.model.request(prepared, ModelSettings(), parameters)


async def reach(place: str, named: NamedModel) -> None:
    """Have a model say a word. Raises an `AgentError`."""
    parameters = ModelRequestParameters()
    try:
        asked = named.model.prepare_messages([ModelRequest.user_text_prompt("ping")], parameters)
        await named.model.request(asked, ModelSettings(max_tokens=_A_WORD), parameters)
    except Exception as error:
        raise _problem(f"{place}: {named.name}", error) from None


def _problem(where: str, error: Exception) -> AgentError:
    """What an error means. Its text may hold what the provider answered, so only its kind is told."""
    match error:
        case ai.ModelRateLimitError() | ai.ModelUnavailableError():
            wait = _WAIT if error.retry_after is None else error.retry_after
            return AgentBusy(f"{where} is busy", min(max(wait, 1.0), _LONGEST_WAIT))
        case ai.ModelAuthenticationError():
            return AgentMisconfigured(f"{where} refused the key")
        case ai.ModelNotFoundError():
            return AgentMisconfigured(f"{where} does not exist at its provider")
        case ai.ModelQuotaExceededError():
            return AgentMisconfigured(f"{where}: the account at the provider has no credit left")
        case ai.ModelContextWindowExceededError():
            return AgentFailed(f"{where}: the conversation is too long for the model; see session.maxTokens")
        case ai.ModelConnectionError():
            return AgentFailed(f"{where} cannot be reached, or broke off its answer")
        case ai.ModelAPIError() if 300 <= getattr(error.__cause__, "status_code", 0) < 400:
            return AgentMisconfigured(f"{where}: its provider redirects; write the final address")
        case ai.ModelHTTPError():
            return AgentFailed(f"{where} answered with HTTP {error.status_code}")
        case ai.ContentFilterError():
            return AgentLimit(f"{where}: the provider's filter ended the answer")
        case AnswerTooLong():
            return AgentFailed(f"{where}: the answer is larger than {LONGEST_ANSWER // 2**20} MB")
        case ai.UnexpectedModelBehavior() | ai.ModelAPIError():
            return AgentFailed(f"{where} gave an answer that cannot be read")
    return AgentFailed(f"{where} failed: {type(error).__name__}")


def read_steps(steps: Sequence[str]) -> list[ModelMessage]:
    """Stored steps as the messages that they were."""
    return ModelMessagesTypeAdapter.validate_json(f"[{','.join(steps)}]")


def _worth_most(problems: Sequence[AgentError]) -> AgentError:
    """Of the problems of all models the one that asking again may mend soonest."""
    busy = [problem for problem in problems if isinstance(problem, AgentBusy)]
    if busy:
        return min(busy, key=lambda problem: problem.retry_in_s)
    return next((problem for problem in problems if isinstance(problem, AgentFailed)), problems[0])


def _counted(response: ModelResponse, asked: Sequence[ModelMessage]) -> RequestUsage:
    """The tokens of a request; counted roughly where the provider does not say, so that budgets hold."""
    said = response.usage
    if said.input_tokens or said.output_tokens:
        given, answered = (min(one, MOST_TOKENS) for one in (said.input_tokens, said.output_tokens))
        return replace(said, input_tokens=given, output_tokens=answered)
    written: tuple[list[ModelMessage], ...] = (without_pictures(asked), [response])
    before, after = (ModelMessagesTypeAdapter.dump_json(part).decode() for part in written)
    pictures = PICTURE_TOKENS * count_pictures(asked)
    return RequestUsage(input_tokens=rough_tokens(before) + pictures, output_tokens=rough_tokens(after))


def _readable_text(part: _Part) -> _Part:
    """The part, or the whole answer, with question marks for broken Unicode: it is to be stored."""
    texts = {one.name: getattr(part, one.name) for one in fields(part) if one.init}
    broken = {name: storable(text) for name, text in texts.items() if isinstance(text, str)}
    return replace(part, **broken)


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
