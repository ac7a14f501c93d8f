"""Puts together what several nodes answered about their accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clawlane.ops.context import OpContext


def join(ctx: OpContext, operation: str, parts: list[Any]) -> Any:
    """One result of those for different accounts. Lists and accounts follow each other, and any counts.

    What is not about an account is that of the last part, which is this node's if it has a part in it.
    """
    if operation == "status.status":
        from clawlane.ops.status import joined_status

        return joined_status(ctx, parts)
    if operation == "pacing.pacing":
        first = parts[-1]
        every = {name: one for part in parts for name, one in part.accounts.items()}
        names = [str(one) for one in ctx.config.accounts if str(one) in every]
        return type(first)(
            {name: every[name] for name in names}, first.agents, any(one.running for one in parts)
        )
    if operation == "forget.forget":
        accounts = [one for part in parts for one in part.accounts]
        copies = [*dict.fromkeys(one for part in parts for one in part.copies)]
        return replace(parts[-1], accounts=accounts, copies=copies)
    if isinstance(parts[0], list):
        return [one for part in parts for one in part]
    return type(parts[0])(
        **{name: _together([getattr(part, name) for part in parts]) for name in _names(parts[0])}
    )


def _names(part: Any) -> tuple[str, ...]:
    fields: tuple[str, ...] = getattr(part, "__struct_fields__", ()) or tuple(part.__dataclass_fields__)
    return fields


def _together(values: list[Any]) -> Any:
    if isinstance(values[0], bool):
        return any(values)
    return [one for value in values for one in value]
