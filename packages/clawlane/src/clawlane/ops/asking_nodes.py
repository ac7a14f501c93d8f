"""Asks another node for an operation, over the store, and waits for what came of it.

One that tells its steps is followed by `following_nodes`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from clawlane.config.errors import ConfigError, Problem
from clawlane.finishing import finished
from clawlane.ops.client import unanswered
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Operation, OpError, Unanswered, decode, encode
from clawlane.store import node_requests
from clawlane.store.errors import StoreError
from clawlane.store.node_requests import DONE, NEW, WAITS_MS, Asked, Progress
from clawlane.texts import later, locale

if TYPE_CHECKING:
    from clawlane.store.reader import Reader

ANSWER_S = 50.0
"""How long is waited for an answer in all: less than a client waits for the gateway that asks."""

_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.1, 0.5
"""Between two looks, and after a while without news."""


class Failed(msgspec.Struct, frozen=True):
    """An error that a node answers with."""

    message: str
    help: str = ""
    problems: list[dict[str, Any]] = []
    unanswered: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What a node answers: the result as JSON, or an error."""

    result: msgspec.Raw = msgspec.Raw(b"null")
    failed: Failed | None = None


async def ask_node(
    ctx: OpContext, operation: Operation, request: Any, node: str, accounts: Iterable[str]
) -> Any:
    """The result of an operation on the node that runs its accounts.

    Raises what that said as `OpError` or `ConfigError`, `OpError` where it did nothing, `RequestRefused`, and
    `Unanswered`. Nothing is done any more for somebody who gives up before the node has begun.
    """
    asked = asked_of(ctx, operation, request, node, accounts)
    try:
        await ctx.change_store(node_requests.ask, asked)
        said = await _answer(ctx, operation, asked)
    except asyncio.CancelledError:  # even while it is asked: what was submitted to the store is stored
        await finished(ctx.change_store(node_requests.withdraw, asked.id), "taking a request back")
        raise
    return _result(operation, said)


def asked_of(ctx: OpContext, operation: Operation, request: Any, node: str, accounts: Iterable[str]) -> Asked:
    """The request as a row."""
    asker = later("node {name}", name=ctx.node) if ctx.node else f"{socket.gethostname()} ({os.getpid()})"
    return Asked(
        secrets.token_hex(16),
        node,
        operation.name,
        encode(request).decode(),
        tuple(accounts),
        ctx.caller,
        locale(),
        asker,
    )


async def _answer(ctx: OpContext, operation: Operation, asked: Asked) -> bytes:
    began = time.monotonic()
    async with aclosing(looks(ctx, operation, asked)) as found:
        async for progress, _ in found:
            if progress is not None and progress.state == DONE:
                with suppress(StoreError):  # it goes by itself after a while
                    await ctx.change_store(node_requests.remove, asked.id)
                return progress.answer.encode()
            if progress is None or not progress.there:
                raise unanswered_by(operation, asked, later("its gateway has ended"))
            if time.monotonic() - began > ANSWER_S:
                raise unanswered_by(operation, asked, later("it takes too long"))
    raise AssertionError("whoever looks stops by itself")


async def looks(
    ctx: OpContext, operation: Operation, asked: Asked
) -> AsyncGenerator[tuple[Progress | None, list[tuple[int, str]]]]:
    """How a request stands, look by look, and the new steps of one that tells some, with their numbers.

    None for a request that is gone. Raises `OpError` once it was taken back, and `Unanswered` where the
    database is away for too long.
    """
    began = reached = time.monotonic()
    read, wait = 0, _FIRST_LOOK_S
    while True:
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_LOOK_S)
        try:
            found, steps = await ctx.ask(partial(_progress, asked.id, read if operation.events else None))
            if found is not None and await _taken_back(ctx, asked, found, time.monotonic() - began):
                continue
        except StoreError as error:
            if time.monotonic() - reached > ANSWER_S:
                raise unanswered_by(operation, asked, str(error)) from error
            continue
        reached = time.monotonic()
        if steps:
            read, wait = steps[-1][0], _FIRST_LOOK_S
        yield found, steps


def _progress(id_: str, read: int | None, reader: Reader) -> tuple[Progress | None, list[tuple[int, str]]]:
    """How a request stands, and its steps after one; without steps where it tells none."""
    return reader.request_progress(id_), [] if read is None else reader.request_steps(id_, read)


async def _taken_back(ctx: OpContext, asked: Asked, found: Progress, waited_s: float) -> bool:
    """Take a request back that its node has not taken in time. True where it was taken just then.

    Raises `OpError` once it was taken back.
    """
    if found.state != NEW or (found.there and waited_s <= WAITS_MS / 1000):
        return False
    if await ctx.change_store(node_requests.withdraw, asked.id):
        raise await _not_taken(ctx, asked, found)
    return True


async def _not_taken(ctx: OpContext, asked: Asked, found: Progress) -> OpError:
    """A request that was withdrawn in time: why, and who runs its accounts now."""
    if found.there:
        told = later("node {name} has not taken the request within {seconds} s, so nothing was done")
        return OpError(later(told, name=asked.node, seconds=WAITS_MS // 1000), _STATUS)
    told = later("node {name} has ended before it took the request, so nothing was done; {now}")
    now = await who_runs(ctx, asked.accounts)
    return OpError(later(told, name=asked.node, now=now), _STATUS)


_STATUS = "openclaw cluster status"


async def who_runs(ctx: OpContext, accounts: Iterable[str]) -> str:
    """Who runs the first of some accounts now, in words."""
    account = next(iter(accounts))
    if node := (await ctx.ask(lambda reader: reader.running_nodes())).get(account):
        return later("{account} is run by node {name} now: try again", account=account, name=node)
    return later("no node runs {account} now", account=account)


def unanswered_by(operation: Operation, asked: Asked, reason: str) -> Unanswered:
    told = later("node {name} did not answer: {reason}", name=asked.node, reason=reason)
    return Unanswered(*unanswered(told, operation))


def _result(operation: Operation, said: bytes) -> Any:
    return decode(bytes(raise_failed(said).result), operation.result)


def raise_failed(said: bytes) -> Answer:
    """The answer of a node. Raises the error that it may be, as `OpError`, `Unanswered` or `ConfigError`."""
    answer: Answer = decode(said, Answer)
    if answer.failed is None:
        return answer
    failed = answer.failed
    if failed.problems:
        raise ConfigError(Problem(**one) for one in failed.problems)
    raise (Unanswered if failed.unanswered else OpError)(failed.message, failed.help)
