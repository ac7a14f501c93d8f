"""What the tokens of a model cost: as the config says, or by the list that comes with pydantic-ai."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from genai_prices import calc_price
from pydantic_ai.usage import RequestUsage

from clawlane.config import agents as config

Price: TypeAlias = Callable[[RequestUsage], float]
"""US dollars for one request."""


def written_price(price: config.Price) -> Price:
    """The price of a model as the config says it."""

    def usd(usage: RequestUsage) -> float:
        return (usage.input_tokens * price.input + usage.output_tokens * price.output) / 1_000_000

    return usd


def known_price(provider: str, base_url: str | None, model: str) -> Price | None:
    """The price of a model by the list, at a provider's own service or at a known address; None without one.

    The list is part of the library: nothing is fetched.
    """

    def usd(usage: RequestUsage) -> float:
        if base_url is None:
            return float(calc_price(usage, model, provider_id=provider).total_price)
        return float(calc_price(usage, model, provider_api_url=base_url).total_price)

    try:
        usd(RequestUsage(input_tokens=1, output_tokens=1))
    except LookupError:
        return None
    return usd
