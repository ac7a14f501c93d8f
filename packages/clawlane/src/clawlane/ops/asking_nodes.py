"""Asks another node for an operation, over the store, and waits for what came of it.

One that tells its steps is followed by `following_nodes`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Iterable
from typing import Any

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

ANSWER_S = 50.0
"""How long is waited for an answer in all: less than a client waits for the gateway that asks."""

FIRST_LOOK_S, LONGEST_LOOK_S = 0.1, 0.5


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
    await ctx.change_store(node_requests.ask, asked)
    try:
        said = await _answer(ctx, operation, asked)
    except asyncio.CancelledError:
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
    began, wait = time.monotonic(), FIRST_LOOK_S
    while True:
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, LONGEST_LOOK_S)
        waited = time.monotonic() - began
        try:
            found = await ctx.ask(lambda reader: reader.request_progress(asked.id))
            if found is not None and found.state == DONE:
                await ctx.change_store(node_requests.remove, asked.id)
                return found.answer.encode()
            if found is not None and await taken_back(ctx, asked, found, waited):
                continue
        except StoreError as error:
            if waited > ANSWER_S:
                raise unanswered_by(operation, asked, str(error)) from error
            continue
        if found is None or not found.there:
            raise unanswered_by(operation, asked, later("its gateway has ended"))
        if waited > ANSWER_S:
            raise unanswered_by(operation, asked, later("it takes too long"))


async def taken_back(ctx: OpContext, asked: Asked, found: Progress, waited_s: float) -> bool:
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
