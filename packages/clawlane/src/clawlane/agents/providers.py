"""Models by their names in the config (`provider/model`), each with the client of its provider.

Clients never try again by themselves: a turn has its own rules for that. Libraries of providers are imported
here alone, and only if an agent uses a model of theirs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_ai.messages import ModelRequest
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from clawlane.agents.errors import AgentMisconfigured
from clawlane.agents.model import NamedModel, read_steps
from clawlane.agents.prices import Price, known_price, written_price
from clawlane.config import agents as config
from clawlane.config.agents import Api

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport, Request, Response

_EXTRAS = {
    Api.OPENAI_COMPLETIONS: "agent",
    Api.OPENAI_RESPONSES: "agent",
    Api.ANTHROPIC: "agent,anthropic",
    Api.GOOGLE: "agent,google",
}
_OPENAI_URL = "https://api.openai.com/v1"
_ANTHROPIC_URL = "https://api.anthropic.com"
_GOOGLE_URL = "https://generativelanguage.googleapis.com"
_TALKATIVE = ("openai", "anthropic", "google_genai", "httpx", "httpx2")
"""Loggers that would have a line for each request, and on demand what is in it."""

_NO_KEY = "none"
"""What a server that needs no key is given: the libraries insist on one."""


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """How a provider is reached. `place` is its place in the config; without `base_url`, its own service."""

    name: str
    place: str
    api: Api
    api_key: str = field(default="", repr=False)
    base_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    prices: Mapping[str, config.Price] = field(default_factory=dict)
    sees: Callable[[str], bool] = lambda _model: False

    def price(self, model: str) -> Price | None:
        """What a model costs here; None where nobody knows."""
        if model in self.prices:
            return written_price(self.prices[model])
        return known_price(self.name, self.base_url, model)


@asynccontextmanager
async def open_models(
    names: Sequence[str], providers: Mapping[str, ProviderAccess]
) -> AsyncIterator[list[NamedModel]]:
    """The models of these names, as long as this is entered. Raises `AgentMisconfigured`.

    All that a first request would import is imported and built by then: people wait for none of it.
    """
    async with AsyncExitStack() as stack:
        models = []
        for name in names:
            provider, _, model = name.partition("/")
            models.append(await stack.enter_async_context(_open(name, model, providers[provider])))
        yield models


@asynccontextmanager
async def _open(name: str, model: str, access: ProviderAccess) -> AsyncIterator[NamedModel]:
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)
    async with AsyncExitStack() as stack:
        try:
            opened = await stack.enter_async_context(_OPENERS[access.api](name, model, access))
            if access.api in _ANSWERS:
                await _warm_up(access.api)
        except ImportError as error:
            raise AgentMisconfigured(
                f"{access.place}: the library for {access.api} is missing; "
                f"run: pip install 'clawlane[{_EXTRAS[access.api]}]'"
            ) from error
        yield opened


@asynccontextmanager
async def _openai(
    name: str, model: str, access: ProviderAccess, transport: AsyncBaseTransport | None = None
) -> AsyncIterator[NamedModel]:
    from openai import AsyncOpenAI, Omit
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    from clawlane.agents.limited_transport import client as limited

    # Variables of the environment are for OpenAI's own service, and for no other:
    foreign = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()} if access.base_url else {}
    async with AsyncOpenAI(
        api_key=access.api_key or _NO_KEY,
        base_url=access.base_url or _OPENAI_URL,
        default_headers={**foreign, **access.headers},  # type: ignore[dict-item]
        max_retries=0,
        http_client=limited(transport),
    ) as client:
        provider = (
            OpenAICompatibleProvider(access.name, openai_client=client)
            if access.base_url
            else OpenAIProvider(openai_client=client)
        )
        kind = OpenAIResponsesModel if access.api is Api.OPENAI_RESPONSES else OpenAIChatModel
        yield NamedModel(name, kind(model, provider=provider), access.price(model), access.sees(model))


@asynccontextmanager
async def _anthropic(name: str, model: str, access: ProviderAccess) -> AsyncIterator[NamedModel]:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    from clawlane.agents.limited_transport import client as limited

    # Without a key or an address the library takes that of the environment: they may not belong together.
    async with AsyncAnthropic(
        api_key=access.api_key or _NO_KEY,
        base_url=access.base_url or _ANTHROPIC_URL,
        default_headers=access.headers,
        max_retries=0,
        http_client=limited(),
    ) as client:
        provider = AnthropicProvider(anthropic_client=client)
        yield NamedModel(
            name, AnthropicModel(model, provider=provider), access.price(model), access.sees(model)
        )


@asynccontextmanager
async def _google(name: str, model: str, access: ProviderAccess) -> AsyncIterator[NamedModel]:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    from clawlane.agents.limited_transport import client as limited

    key = access.api_key or _NO_KEY  # the library would take one of the environment
    async with limited(headers=access.headers) as http:
        provider = GoogleProvider(api_key=key, base_url=access.base_url or _GOOGLE_URL, http_client=http)
        opened = GoogleModel(model, provider=provider)
        yield NamedModel(name, opened, access.price(model), access.sees(model))


_OPENERS: Mapping[Api, Any] = {
    Api.OPENAI_COMPLETIONS: _openai,
    Api.OPENAI_RESPONSES: _openai,
    Api.ANTHROPIC: _anthropic,
    Api.GOOGLE: _google,
}


async def _warm_up(api: Api) -> None:
    """Make one request that goes nowhere: with their first the libraries import half of themselves."""
    import anyio
    from httpx2 import MockTransport, Response

    def answer(_request: Request) -> Response:
        return Response(200, json=json.loads(_ANSWERS[api]))

    read_steps(())
    _ = anyio.connect_tcp  # imports what the real transport needs
    await anyio.lowlevel.checkpoint()
    tool = ToolDefinition(name="t", description="t", parameters_json_schema={"type": "object"})
    parameters = ModelRequestParameters(function_tools=[tool])
    access = ProviderAccess("warm-up", "", api, base_url="http://127.0.0.1/v1")
    async with _openai("warm-up/m", "m", access, MockTransport(answer)) as opened:
        messages = opened.model.prepare_messages([ModelRequest.user_text_prompt("t")], parameters)
        await opened.model.request(messages, None, parameters)


_ANSWERS = {
    Api.OPENAI_COMPLETIONS: """{
        "id": "c", "object": "chat.completion", "created": 1700000000, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "t"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}""",
    Api.OPENAI_RESPONSES: """{
        "id": "r", "object": "response", "created_at": 1700000000, "model": "m", "status": "completed",
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
        "output": [{"type": "message", "id": "m", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "t", "annotations": []}]}],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0}}}""",
}
