"""Gateways that share a database: this one enters, beats, claims accounts and gives them up.

A beat is one change whatever the number of accounts. In between, twice a second, one question asks who is
there, and whether an account is to go somewhere; only then those that no node simply runs are looked for.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from clawlane.alarm_kinds import AlarmKind
from clawlane.config.choices import Takeover
from clawlane.config.load import Config
from clawlane.gateway.lease import Lease
from clawlane.gateway.lost_nodes import changes, waiting
from clawlane.store import claims, nodes
from clawlane.store.alarm_told import Change
from clawlane.store.claims import Claimant, Standing
from clawlane.store.database import Store
from clawlane.store.errors import NodeTaken, StoreError
from clawlane.store.nodes import LEASE_MS, Entered, Look, Node
from clawlane.store.placement import fits, placed
from clawlane.texts import later
from clawlane.trouble_log import TroubleLog

_BEATS = 0.4
"""Between two beats, as a part of the lease here: 4.8 s."""

_LOOK_S = 0.5
"""Between two looks at what changed."""

_SOON_S = 0.1
"""The same while another gateway stops."""

_CALM_S = 5.0
"""Between two looks through all accounts while nothing happens."""

_CLAIMS_AT_ONCE = 16
"""Accounts that are claimed at the same time: behind hundreds of them a beat would come too late."""

_RETRY_S = 1.0
"""Between two beats while they fail."""

_MOVE_MS = 60_000
"""How long a node that is to run an account may take for that: it may have many to claim."""

_RUN_ELSEWHERE = later("another node runs it; see: openclaw cluster status")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
log = logging.getLogger(__name__)


class Runs(Protocol):
    """The accounts of this gateway, as the cluster sees them."""

    def here(self) -> list[str]:
        """Those that run here, or start or stop."""

    async def take(self, account: str) -> None:
        """Run an account here, if it can be claimed."""

    async def give_up(self, account: str, reason: str) -> None:
        """Stop an account, after its chunks in flight, and release it."""

    async def lose(self, reason: str) -> None:
        """Stop everything at once: calls are aborted, sockets closed, and nothing is waited for."""

    async def elsewhere(self, reasons: Mapping[str, str]) -> None:
        """Say of accounts why they do not run here."""

    def found(self, account: str, change: Change) -> None:
        """Raise or end an alarm on an account that runs here."""


class Cluster:
    """This gateway as a node, from when it has entered until it leaves."""

    def __init__(
        self, store: Store, beats: Store, runs: Runs, config: Callable[[], Config], node: Node, lease: Lease
    ) -> None:
        """`beats` is the store for what may not wait for other changes."""
        self._store = store
        self._beats = beats
        self._runs = runs
        self._config = config
        self._node = node
        self._lease = lease
        self._trouble = TroubleLog(log)
        self._told: set[str] = set()
        """Accounts that the database was told of."""
        self._all_open = False
        """Whether there may be accounts that look as if this node ran them, and that it does not run."""
        self._busy: set[str] = set()
        self._held: set[str] = set()
        """What ran here at the last look, or was about to run or stop."""
        self._claiming = asyncio.Semaphore(_CLAIMS_AT_ONCE)
        self._said: dict[str, str] = {}
        self._settled: object = None
        """What was seen at the last look, if there was nothing to do and every account runs."""
        self._calm: object = None
        """The picture of the nodes at the last look through all accounts, if each was run by its node."""
        self._calm_until = 0.0
        self._wanted: tuple[Config, Mapping[str, Mapping[str, str]]] | None = None
        self._stops = asyncio.Event()
        self._look_s = _LOOK_S
        self._alarmed = True
        """Whether alarms about lost nodes may be open: at first an earlier run may have raised some."""

    def me(self) -> Claimant:
        """Who claims, by the config in force."""
        root = self._config().root
        after_ms = round(1000 * root.takeover_after.total_seconds())
        return Claimant(self._node.name, self._node.instance, root.takeover is Takeover.AUTO, after_ms)

    @property
    def holds(self) -> bool:
        """Whether this node may act for its accounts now."""
        return self._lease.holds

    async def run(self) -> None:
        """Beat, claim and give up until cancelled. Raises `NodeTaken` once the name is another's."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            group.create_task(self._watch())
            group.create_task(self._look(group))
            group.create_task(self._leave())

    def stop(self) -> None:
        """Claim nothing more. The beats go on for what still stops."""
        self._stops.set()

    async def _leave(self) -> None:
        """Tell the others once this gateway stops: they need not wait for it with what it releases."""
        await self._stops.wait()
        with suppress(StoreError):
            await self._store.change(nodes.begin_to_leave, self._node.name, self._node.instance)

    async def _beat(self) -> None:
        wait_s = 0.0  # a start with many accounts has taken some of the first lease
        while True:
            await asyncio.sleep(wait_s)
            await self._beat_once()
            wait_s = _BEATS * self._lease.lasts_s if self._lease.holds else _RETRY_S

    async def _beat_once(self) -> None:
        name, asked, held = self._node.name, self._lease.now(), self._lease.holds
        if stuck := self._store.stuck:
            if held:
                log.error("node %s does not beat any more: %s", name, stuck)
            return
        try:
            in_time = await self._beats.change(nodes.beat, name, self._node.instance, held=held)
        except NodeTaken:
            await self._lose()
            raise
        except StoreError as error:
            self._trouble.error("node %s could not beat: %s", name, error)
            return
        if not in_time:
            log.error(
                "the last beat of node %s is too old by the clock of the database; its accounts stop, as"
                " others may have claimed them",
                name,
            )
            await self._lose()
        elif held and self._lease.holds:
            self._lease.renew(asked)
        elif not held and not self._runs.here():
            log.warning("node %s reaches the database again, and claims its accounts", name)
            self._trouble.over()
            self._all_open = True
            self._lease.renew(asked)
        # Else the lease has ended meanwhile: others may have claimed before this beat was noted.

    async def _lose(self) -> None:
        self._lease.end()
        await self._runs.lose(self._lease.why_not())

    async def _watch(self) -> None:
        """Stop everything whenever the lease is over."""
        while True:
            await self._lease.ended()
            if self._runs.here():
                log.error("%s, and stops them", self._lease.why_not())
                await self._runs.lose(self._lease.why_not())
            await asyncio.sleep(_LOOK_S)

    async def _look(self, group: asyncio.TaskGroup) -> None:
        while True:
            if self._lease.holds and not self._stops.is_set():
                try:
                    await self._place(group)
                except StoreError as error:
                    self._all_open = True
                    self._trouble.error("node %s could not look for accounts: %s", self._node.name, error)
            await asyncio.sleep(self._look_s)

    async def _place(self, group: asyncio.TaskGroup) -> None:
        """Claim what is this node's to claim, and give up what another is to have."""
        accounts = self._accounts()
        if new := accounts.keys() - self._told:
            await self._store.change(claims.know, new)
            self._told |= new
        before, self._held = self._held, {*self._runs.here(), *self._busy}
        every, self._all_open = self._all_open or not before <= self._held, False
        look, standings = await asyncio.to_thread(self._ask, every)
        known, now_ms = look.nodes, look.now_ms
        mine = known.get(self._node.name)
        if mine is None or mine.instance != self._node.instance:
            return  # the next beat says so
        self._look_s = _SOON_S if any(one.alive and one.leaving for one in known.values()) else _LOOK_S
        here = {*self._runs.here(), *self._busy}
        self._held |= here
        seen = accounts, here, look.picture
        if not standings and seen == self._settled:  # with hundreds of accounts the rest takes a while
            return
        found = placed(self.me(), accounts, here, standings, known, now_ms)
        for account in found.asks:
            await self._store.change(claims.ask_for, account, self.me())
        for account in found.claims:
            self._do(group, account, self._take(account))
        for account, reason in _leaving(mine, accounts, standings, known).items():
            if account in here and account not in self._busy:
                self._do(group, account, self._runs.give_up(account, reason))
        absent = accounts.keys() - here - {*found.claims}
        if told := self._told_anew(standings, known, absent, now_ms):
            group.create_task(self._runs.elsewhere(told))
        await self._tell_of_lost([one for one in standings if one.account in absent], known, now_ms)
        self._settled = None if standings or self._busy or self._alarmed else seen

    async def _take(self, account: str) -> None:
        async with self._claiming:
            if self._lease.holds:
                await self._runs.take(account)

    async def _tell_of_lost(
        self, standings: Iterable[Standing], known: Mapping[str, Entered], now_ms: int
    ) -> None:
        """Raise an alarm for each node whose accounts wait, and end it once none does."""
        waits = [one for one in standings if why_elsewhere(one, known, now_ms)[1] and not _moves(one, known)]
        lost = waiting(self.me(), waits, known, now_ms)
        if not (lost or self._alarmed):
            return
        opened, first = await self._store.ask(
            lambda reader: (reader.open_alarms_of_kind(AlarmKind.NODE_LOST), reader.first_run())
        )
        for account, change in changes(lost, opened, first, self._runs.here()):
            self._runs.found(account, change)
        self._alarmed = bool(lost or opened)

    def _accounts(self) -> Mapping[str, Mapping[str, str]]:
        """The labels that each account of the config in force wants."""
        config = self._config()
        if self._wanted is None or self._wanted[0] is not config:
            self._wanted = config, {str(one): one.settings.run_on for one in config.accounts}
        return self._wanted[1]

    def _do(self, group: asyncio.TaskGroup, account: str, work: Coroutine[Any, Any, None]) -> None:
        self._busy.add(account)
        self._held.add(account)
        self._said.pop(account, None)
        group.create_task(_logged(account, work)).add_done_callback(lambda _: self._busy.discard(account))

    def _ask(self, every: bool) -> tuple[Look, list[Standing]]:
        """The nodes, and the accounts that are not simply run by the node that has them, or all of them.

        While the nodes are as they were when there were none, and nothing is released or wanted, there are
        none. Only a claim under way while its node was taken for lost escapes that: now and then all accounts
        are looked through.
        """
        with self._store.read() as reader:
            look, now = reader.look_at_nodes(), time.monotonic()
            if every:
                return look, reader.owners()
            if look.picture == self._calm and not look.restless and now < self._calm_until:
                return look, []
            standings = reader.unsettled_owners()
        self._calm, self._calm_until = None if standings else look.picture, now + _CALM_S
        return look, standings

    def _told_anew(
        self, standings: Iterable[Standing], known: Mapping[str, Entered], absent: Iterable[str], now_ms: int
    ) -> dict[str, str]:
        """Why accounts do not run here, where another reason was told before."""
        by_name, found = {one.account: one for one in standings}, {}
        for account in absent:
            reason, waits = why_elsewhere(by_name.get(account), known, now_ms)
            if self._said.get(account) != reason:
                self._said[account] = found[account] = reason
                level = logging.ERROR if waits else logging.DEBUG  # its state is logged, too
                log.log(level, "%s: %s", account, reason)
        return found


async def _logged(account: str, work: Coroutine[Any, Any, None]) -> None:
    """One account that cannot be started or stopped does not affect the others."""
    try:
        await work
    except Exception:
        log.exception("%s could not be started or stopped", account)


def _leaving(
    mine: Entered,
    accounts: Mapping[str, Mapping[str, str]],
    standings: Iterable[Standing],
    known: Mapping[str, Entered],
) -> dict[str, str]:
    """Accounts that are not to run on this node, with the reason."""
    found = {
        account: later("node {name} lacks labels that it wants (runOn)", name=mine.name)
        for account, labels in accounts.items()
        if labels and not fits(labels, mine)
    }
    for one in standings:
        if one.wanted != mine.name and _moves(one, known):
            found[one.account] = later("it moves to node {name}", name=one.wanted)
    return found


def why_elsewhere(one: Standing | None, known: Mapping[str, Entered], now_ms: int) -> tuple[str, bool]:
    """Why an account does not run here, and whether it waits for somebody to do something.

    `one` is None where another node simply runs it.
    """
    owner = known.get(one.node) if one else None
    if one is None or claims.is_run(one, owner):
        return _RUN_ELSEWHERE, False
    if not one.node:
        return later("no node has claimed it yet"), False
    moves = _moves(one, known)
    patience_ms = _MOVE_MS if moves else claims.RETURN_MS
    free_ms = one.since_ms if one.ended or not owner else max(one.since_ms, owner.beat_ms + LEASE_MS)
    if (moves or one.ended) and now_ms < free_ms + patience_ms:
        return later("another node is about to run it"), False
    move = f"openclaw cluster move {one.account} NODE"
    if moves:
        told = later(
            "node {name}, which is to run it, does not take it: does the config there have it? To run it"
            " elsewhere: {move}",
            name=one.wanted,
            move=move,
        )
        return told, True
    told = later("its node {name} does not run it; to run it elsewhere: {move}", name=one.node, move=move)
    return told, True


def _moves(one: Standing, known: Mapping[str, Entered]) -> bool:
    """Whether a node that is there is to run an account."""
    return one.wanted in known and known[one.wanted].takes


@asynccontextmanager
async def entered(
    store: Store, runs: Runs, config: Callable[[], Config], lock_file: Path, lease: Lease
) -> AsyncIterator[Cluster]:
    """This gateway as a node. At the end everything must have stopped. Raises `NodeTaken`."""
    mine = config().root.node
    name = mine.called(socket.gethostname())
    node = Node(name, secrets.token_hex(8), _boot(lock_file), mine.labels, mine.max_accounts)
    asked = lease.now()
    await store.change(nodes.enter, node)
    lease.renew(asked)
    async with store.aside() as beats:
        cluster = Cluster(store, beats, runs, config, node, lease)
        store.claim_as(cluster.me, lambda: lease.holds)
        log.info("this gateway is node %s", node.name)
        yield cluster
    if lease.holds:
        with suppress(StoreError):
            await store.change(nodes.leave, node.name, node.instance)
    lease.end()


def _boot(lock_file: Path) -> str:
    """This boot of the machine and our lock file: who has the same knows that the run before is over.

    A folder that was copied has another file. Where the machine does not name its boot nobody knows.
    """
    try:
        held = lock_file.stat()
        return f"{_BOOT.read_text().strip()}:{held.st_dev}:{held.st_ino}"
    except OSError:
        return secrets.token_hex(16)
