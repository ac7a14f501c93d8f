"""Carries out what this node is asked to do for its accounts by other nodes, and by commands elsewhere."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import msgspec

from clawlane.gateway.accounts import Accounts
from clawlane.gateway.cluster import Cluster
from clawlane.gateway.control import OURS, error_fields
from clawlane.gateway.node_steps import tell_steps
from clawlane.ops.asking_nodes import Answer, Failed, who_runs
from clawlane.ops.operation import Caller, OpError, decode, encode, find
from clawlane.ops.reach import REACH, Reach
from clawlane.store import node_requests
from clawlane.store.errors import RequestRefused, StoreError
from clawlane.store.node_requests import Asked
from clawlane.texts import LOCALES, later, speak
from clawlane.trouble_log import TroubleLog

_LOOK_S = 0.25
"""Between two looks at what waits."""

_RETRY_S = 2.0
"""Between two while they fail."""

_FINISH_S = 5.0
"""How long a gateway that stops goes on with what it has taken."""

_TIDY_S = 600.0

log = logging.getLogger(__name__)


class NodeRequests:
    """The requests of this node, from when it has entered until it leaves."""

    def __init__(self, accounts: Accounts, cluster: Cluster) -> None:
        self._accounts = accounts
        self._cluster = cluster
        self._trouble = TroubleLog(log)
        self._running: dict[asyncio.Task[None], bool] = {}
        """What is carried out, and whether it is a stream."""

    async def run(self) -> None:
        """Look for requests until cancelled, while the lease holds. What was taken goes on."""
        while True:
            try:
                while self._cluster.holds and await asyncio.to_thread(self._wait):
                    await self._take()
            except StoreError as error:
                self._trouble.error("requests of other nodes could not be looked for: %s", error)
                await asyncio.sleep(_RETRY_S)
            await asyncio.sleep(_LOOK_S)

    async def tidy(self) -> None:
        """Remove what nobody has removed, until cancelled."""
        while True:
            try:
                await self._accounts.store.change(node_requests.tidy)
            except StoreError as error:
                log.debug("old requests of nodes were not removed: %s", error)
            await asyncio.sleep(_TIDY_S)

    async def finish(self) -> None:
        """Answer what was taken; what takes too long is cut off, and nobody knows what became of it.

        Streams are cut off at once: one may have no end of its own.
        """
        for task, streams in self._running.items():
            if streams:
                task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_FINISH_S)
        for task in self._running:
            task.cancel()

    def _wait(self) -> bool:
        with self._accounts.store.read() as reader:
            return reader.requests_wait(self._cluster.me().name)

    async def _take(self) -> None:
        me = self._cluster.me()
        taken = await self._accounts.store.change(node_requests.take, me.name, me.instance)
        if taken is not None:
            task = asyncio.create_task(self._carry_out(taken, me.instance))
            self._running[task] = _streams(taken)
            task.add_done_callback(self._running.pop)

    async def _carry_out(self, taken: Asked, instance: str) -> None:
        log.info("%s is carried out for %s", taken.operation, taken.asker)
        locale = taken.locale
        speak((lambda: locale) if locale in LOCALES else self._accounts.locale)
        try:
            said = msgspec.json.encode(Answer(msgspec.Raw(await self._result(taken, instance))))
        except Exception as error:
            if not isinstance(error, OURS):
                log.exception("%s failed", taken.operation)
            said = _failed(taken, error)
        change = self._accounts.store.change
        try:
            try:
                await change(node_requests.answer, taken.id, instance, said.decode())
            except RequestRefused as error:
                await change(node_requests.answer, taken.id, instance, _failed(taken, error).decode())
        except StoreError as error:
            log.error("what came of %s could not be told: %s", taken.operation, error)

    async def _result(self, taken: Asked, instance: str) -> bytes:
        """The result as JSON, null of a stream.

        A row of the store can ask for nothing but what is about accounts run here.
        """
        operation = find(taken.operation)
        if REACH[operation.name] is not Reach.OWNER:
            raise OpError(later("{operation} is not carried out for other nodes", operation=operation.name))
        if operation.changes:
            await self._accounts.begun.wait()
        ctx = self._accounts.context(Caller(taken.caller))
        if not {*taken.accounts} <= {*self._accounts.here()}:
            told = later("node {name} does not run the account any more, so nothing was done; {now}")
            now = await who_runs(ctx, taken.accounts)
            raise OpError(later(told, name=ctx.node, now=now), "openclaw cluster status")
        only = replace(ctx, only=frozenset(taken.accounts))
        asked = decode(taken.request.encode(), operation.request)
        if operation.streams:
            await tell_steps(self._accounts.store, taken.id, instance, operation.run(only, asked))
            return b"null"
        return encode(await operation.run(only, asked))


def _streams(taken: Asked) -> bool:
    try:
        return find(taken.operation).streams
    except OpError:  # which is said when it is carried out
        return False


def _failed(taken: Asked, error: Exception) -> bytes:
    return msgspec.json.encode(Answer(failed=Failed(**error_fields(taken.operation, error))))
