"""The schema of the config file, with the channels that are installed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from clawlane.ops.context import OpContext
from clawlane.ops.operation import Request, operation


@dataclass(frozen=True, slots=True)
class Schema(Request["FileSchema"]):
    """The schema of the whole file."""


@dataclass(frozen=True, slots=True)
class FileSchema:
    """A JSON Schema (2020-12)."""

    schema: dict[str, Any]


@operation
async def schema(ctx: OpContext, _request: Schema) -> FileSchema:
    from clawlane.config.json_schema import config_schema

    registry = ctx.registry
    made = await asyncio.to_thread(lambda: config_schema(registry.manifests(), registry.installable()))
    return FileSchema(made)
