"""Runs an operation where its accounts run: here, on nodes that are asked over the store, or on both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing, nullcontext, suppress
from dataclasses import replace
from typing import Any

from clawlane.ops.asking_nodes import ask_node
from clawlane.ops.context import OpContext
from clawlane.ops.following_nodes import follow_node
from clawlane.ops.joining import join
from clawlane.ops.operation import Operation, OpError, Unanswered
from clawlane.ops.subjects import subjects
from clawlane.store import node_requests
from clawlane.store.errors import StoreError
from clawlane.texts import joined, later, told

Run = Callable[[OpContext, Any], Coroutine[Any, Any, Any]]
Follow = Callable[[OpContext, Any], AsyncGenerator[Any]]


async def run_where_it_belongs(ctx: OpContext, operation: Operation, run: Run, asked: Any) -> Any:
    """The result of an operation, of all nodes that run its accounts.

    Raises what the operation raises, `OpError` and `StoreError` where a node cannot be asked, and
    `Unanswered`.
    """
    accounts, meant = await subjects(ctx, operation, asked)
    here, nodes = await _shared_out(ctx, accounts)
    if not nodes:
        return await run(ctx, asked)
    if getattr(asked, "media", ()):
        raise _not_here(nodes, later("the files to send are on this machine"))
    of_gateway = operation.name == "status.status"  # it also tells of the gateway that was asked
    if len(nodes) == 1 and not here and not of_gateway:
        ((node, names),) = nodes.items()
        return await ask_node(ctx, operation, meant, node, names)
    await ctx.change_store(node_requests.tidy)  # the store is opened once, before several write to it
    tries = [ask_node(ctx, operation, meant, node, names) for node, names in nodes.items()]
    names = [*nodes]
    if here or of_gateway:
        names.append(ctx.node or later("this machine"))
        tries.append(run(replace(ctx, only=frozenset(here)), meant))
    parts = await asyncio.gather(*tries, return_exceptions=True)
    if any(isinstance(part, BaseException) for part in parts):
        if operation.changes:
            raise _of_several(names, parts)
        parts = await _with_what_is_stored(ctx, run, meant, [*nodes.values()], parts)
    return join(ctx, operation.name, parts)


async def follow_where_it_belongs(
    ctx: OpContext, operation: Operation, run: Follow, asked: Any
) -> AsyncGenerator[Any]:
    """The events of a stream, of one node after another where several run its accounts.

    Their last ones become one, at the end. Raises what the operation raises, and as `run_where_it_belongs`.
    """
    accounts, meant = await subjects(ctx, operation, asked)
    here, nodes = await _shared_out(ctx, accounts)
    if not nodes:
        parts = [("", run(ctx, asked))]
    else:
        parts = [(node, follow_node(ctx, operation, meant, node, names)) for node, names in nodes.items()]
        if here:
            parts.append((ctx.node, run(replace(ctx, only=frozenset(here)), meant)))
    whole = parts[0][1] if len(parts) == 1 else _one_after_another(ctx, operation, parts)
    async with aclosing(whole) as events:
        async for event in events:
            yield event


async def _one_after_another(
    ctx: OpContext, operation: Operation, parts: Iterable[tuple[str, AsyncGenerator[Any]]]
) -> AsyncGenerator[Any]:
    last: dict[str, Any] = {}
    for node, part in parts:
        name = node or later("this machine")
        try:
            async with aclosing(part) as events:
                async for event in events:
                    if name in last:
                        yield last[name]
                    last[name] = event
        except (OpError, StoreError) as error:
            raise _partly([one for one in last if one != name], [(name, error)]) from error
    yield join(ctx, operation.name, [*last.values()])


async def _shared_out(ctx: OpContext, accounts: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Those that are this process's to act for, and the others by the node that runs them.

    Nobody else acts for an account that no node runs. A gateway knows its own without the database: a pause
    of them holds while that is away.
    """
    accounts = list(accounts)
    owners: dict[str, str] = {}
    if not all(_runs_here(ctx, account) for account in accounts):
        with suppress(StoreError) if ctx.in_gateway else nullcontext():
            owners = await ctx.ask(lambda reader: reader.running_nodes())
    here: list[str] = []
    nodes: dict[str, list[str]] = {}
    for account in accounts:
        node = owners.get(account, "")
        mine = node in ("", ctx.node) or _runs_here(ctx, account)
        (here if mine else nodes.setdefault(node, [])).append(account)
    return here, nodes


def _runs_here(ctx: OpContext, account: str) -> bool:
    live = ctx.live.get(account)
    return live is not None and live.account_store is not None


async def _with_what_is_stored(
    ctx: OpContext, run: Run, asked: Any, groups: list[list[str]], parts: list[Any]
) -> list[Any]:
    """What is stored of accounts whose node has not answered, in the place of its answer.

    Their platforms are not asked: no session of theirs is opened here.
    """
    stored = replace(asked, probe=False) if getattr(asked, "probe", False) else asked
    for place, part in enumerate(parts):
        if isinstance(part, OpError | StoreError) and place < len(groups):
            parts[place] = await run(replace(ctx, only=frozenset(groups[place])), stored)
        elif isinstance(part, BaseException):
            raise part
    return parts


def _not_here(nodes: Mapping[str, list[str]], why: str) -> OpError:
    which = joined(
        later("{accounts} on node {name}", accounts=", ".join(names), name=node)
        for node, names in nodes.items()
    )
    told = later("this has to be run where the account is: {which}; {why}", which=which, why=why)
    return OpError(told, _WHERE)


_WHERE = later("run it on that machine, or name another account with --account")


def _of_several(names: list[str], parts: list[Any]) -> OpError:
    """Of several nodes not all have done it."""
    failed: list[tuple[str, BaseException]] = []
    done: list[str] = []
    for name, part in zip(names, parts, strict=True):
        if not isinstance(part, BaseException):
            done.append(name)
        elif isinstance(part, OpError | StoreError):
            failed.append((name, part))
        else:
            raise part
    return _partly(done, failed)


def _partly(done: list[str], failed: list[tuple[str, BaseException]]) -> OpError:
    said = joined((later("{node}: {error}", node=name, error=told(part)) for name, part in failed), "; ")
    did = ", ".join(done) or later("none")
    sentence = later("not all nodes did it ({done} did): {said}", done=did, said=said)
    kind = Unanswered if any(isinstance(part, Unanswered) for _, part in failed) else OpError
    return kind(sentence, later("see where accounts run: openclaw cluster status"))
