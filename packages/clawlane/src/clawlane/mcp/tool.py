"""What a tool is: a function with a name, its hints, and what it has to be allowed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mcp_types import ToolAnnotations


class Allow(StrEnum):
    """What a server is started with, by `--allow`: without it the tools for that do not exist."""

    SEND = "send"
    REACT = "react"
    APPROVE = "approve"


READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
LOOKS_UP = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=True)
SENDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
)
REACTS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)
DECIDES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. What it does is the docstring of `run`, and its parameters are those of it."""

    name: str
    title: str
    run: Callable[..., Awaitable[Any]]
    hints: ToolAnnotations
    needs: Allow | None = None
