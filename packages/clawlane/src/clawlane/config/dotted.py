"""Loading what a `"module:attribute"` text names."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load_dotted(text: str) -> Any:
    """The named attribute. Raises whatever its module raises; `ImportError` if there is no such attribute."""
    module, _, attribute = text.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except AttributeError:
        raise ImportError(f"{module} has no '{attribute}'") from None
