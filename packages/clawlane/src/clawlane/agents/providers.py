"""Models by their names in the config (`provider/model`), each with the client of its provider.

Clients never try again by themselves: a turn has its own rules for that. Libraries of providers are imported
here alone, and only if an agent uses a model of theirs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from clawlane.agents.errors import AgentMisconfigured
from clawlane.agents.model import NamedModel

_EXTRAS = {
    "openai-completions": "agent",
    "openai-responses": "agent",
    "anthropic-messages": "agent,anthropic",
    "google-generative-ai": "agent,google",
}
APIS = tuple(_EXTRAS)
"""The ways to speak with a provider, in OpenClaw's words."""


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """How a provider is reached. `place` is its place in the config; without `base_url`, its own service."""

    name: str
    place: str
    api: str
    api_key: str = field(repr=False)
    base_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@asynccontextmanager
async def open_models(
    names: Sequence[str], providers: Mapping[str, ProviderAccess]
) -> AsyncIterator[list[NamedModel]]:
    """The models of these names, as long as this is entered. Raises `AgentMisconfigured`."""
    async with AsyncExitStack() as stack:
        models = []
        for name in names:
            provider, _, model = name.partition("/")
            models.append(await stack.enter_async_context(_open(name, model, providers[provider])))
        yield models


@asynccontextmanager
async def _open(name: str, model: str, access: ProviderAccess) -> AsyncIterator[NamedModel]:
    opening = _openai if access.api.startswith("openai-") else _OTHERS[access.api]
    try:
        context = opening(name, model, access)
        async with context as opened:
            yield opened
    except ImportError as error:
        extra = _EXTRAS[access.api]
        raise AgentMisconfigured(
            f"{access.place}: the library for {access.api} is missing ({error.name}); "
            f"run: pip install 'clawlane[{extra}]'"
        ) from None


@asynccontextmanager
async def _openai(name: str, model: str, access: ProviderAccess) -> AsyncIterator[NamedModel]:
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    async with AsyncOpenAI(
        api_key=access.api_key, base_url=access.base_url, default_headers=access.headers, max_retries=0
    ) as client:
        _ = client.chat.completions  # imported here and not while the first person waits
        if access.api == "openai-responses":
            yield NamedModel(name, OpenAIResponsesModel(model, provider=OpenAIProvider(openai_client=client)))
        else:
            provider = OpenAICompatibleProvider(access.name, openai_client=client)
            yield NamedModel(name, OpenAIChatModel(model, provider=provider))


@asynccontextmanager
async def _anthropic(name: str, model: str, access: ProviderAccess) -> AsyncIterator[NamedModel]:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    async with AsyncAnthropic(
        api_key=access.api_key, base_url=access.base_url, default_headers=access.headers, max_retries=0
    ) as client:
        yield NamedModel(name, AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client)))


@asynccontextmanager
async def _google(name: str, model: str, access: ProviderAccess) -> AsyncIterator[NamedModel]:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    opened = GoogleModel(model, provider=GoogleProvider(api_key=access.api_key, base_url=access.base_url))
    async with opened:
        yield NamedModel(name, opened)


_OTHERS = {"anthropic-messages": _anthropic, "google-generative-ai": _google}
