"""The gateway process: lock, store, accounts and control socket, until a signal stops it."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from clawlane import __version__, event_loop
from clawlane.agents.contract import Agent
from clawlane.clock import now_ms
from clawlane.config.load import Config, Plugins, load
from clawlane.config.paths import Paths
from clawlane.credentials.files import secure
from clawlane.credentials.profiles import Profiles
from clawlane.credentials.record_files import RecordFiles
from clawlane.credentials.sealing_key import KeyLocation
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.address_books import keep_copies
from clawlane.gateway.agent_host import AgentHost, hosting
from clawlane.gateway.announcements import announce, announce_accounts
from clawlane.gateway.cluster import Cluster, entered
from clawlane.gateway.config_in_force import ConfigInForce
from clawlane.gateway.console import keep_console
from clawlane.gateway.control import Control, listening
from clawlane.gateway.ending import Ending, begin_again
from clawlane.gateway.lease import Lease
from clawlane.gateway.logging import logging_to
from clawlane.gateway.metrics import LiveMetrics
from clawlane.gateway.node_accounts import NodeAccounts
from clawlane.gateway.node_requests import NodeRequests
from clawlane.gateway.reload import ConfigWatch
from clawlane.gateway.systemd import READY, STOPPING, notify, reloading
from clawlane.gateway.webhooks import keep_webhooks
from clawlane.lane.live_agents import LiveAgents
from clawlane.ops.client import choose_socket
from clawlane.ops.open_files import raise_limit
from clawlane.ops.place import place_of
from clawlane.ops.process import resident_bytes
from clawlane.plugins.registry import Registry, load_runtime
from clawlane.store.database import Store
from clawlane.store.errors import StoreUnusable
from clawlane.store.sqlite import copies
from clawlane.store.sqlite.marker import check_imported
from clawlane.texts import ENGLISH, speak
from clawlane.zone import show_in

STOP_S = 30.0
"""Seconds. A service manager has to wait longer."""

_PRUNE = 6 * 3600.0
"""Seconds between two looks at copies of the store."""

log = logging.getLogger(__name__)


def run(
    paths: Paths, environ: Mapping[str, str], plugins: Plugins | None = None, agent: Agent | None = None
) -> int:
    """Run until SIGTERM, SIGINT or an operation ends it, then give 0; told to restart, begin anew instead.

    Without `plugins` the installed ones are loaded; without `agent` the agents of the config answer.
    Raises `StateUnusable`, `ConfigError`, `AgentsUnusable`, `StoreOwned` when another gateway runs,
    `StoreUnusable`, and `LoadFailed` for a plugin.
    """
    tightened = secure(paths)
    raise_limit()
    config = load(paths, plugins or Registry(paths), environ)
    with logging_to(paths.log_dir, config.root.logging.level):
        for line in tightened:
            log.warning("%s", line)
        try:
            restarts = event_loop.run(_until_ended(config, paths, environ, agent, plugins))
        except BaseExceptionGroup as error:
            unusable, _ = error.split(StoreUnusable)
            raise _first(unusable) if unusable else error from None
    if restarts:
        begin_again(environ)
    return 0


async def _until_ended(
    config: Config, paths: Paths, environ: Mapping[str, str], agent: Agent | None, plugins: Plugins | None
) -> bool:
    """Run the gateway until it has to end. Gives whether it begins again."""
    ending = Ending()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.stop)
    async with (
        hosting(paths, environ) as host,
        gateway(
            config,
            paths,
            environ,
            LiveAgents(agent) if agent else await _opened(host, config),
            ending,
            plugins,
            None if agent else host,
        ) as accounts,
    ):
        notify(environ, READY)
        unusable = await _end(ending, accounts.store)
        log.info("restarting" if ending.restarts else "stopping")
        notify(environ, reloading() if ending.restarts else STOPPING)
    if unusable is not None:
        raise unusable
    log.info("stopped for a restart" if ending.restarts else "stopped")
    return ending.restarts


async def _opened(host: AgentHost, config: Config) -> LiveAgents:
    """The agents of a config, opened before any account connects. Raises `AgentsUnusable`."""
    opened = await host.open(config)
    return LiveAgents(opened.agent, opened.close)


async def _end(ending: Ending, store: Store) -> StoreUnusable | None:
    """Returns when the gateway has to end: when it was told to, or when the store fails for good."""
    died, stopped = asyncio.ensure_future(store.died()), asyncio.ensure_future(ending.wait())
    try:
        await asyncio.wait([died, stopped], return_when=asyncio.FIRST_COMPLETED)
        return died.result() if died.done() else None
    finally:
        died.cancel()
        stopped.cancel()


def _first(group: BaseExceptionGroup[StoreUnusable]) -> StoreUnusable:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


@asynccontextmanager
async def gateway(
    config: Config,
    paths: Paths,
    environ: Mapping[str, str],
    agents: LiveAgents,
    ending: Ending | None = None,
    plugins: Plugins | None = None,
    host: AgentHost | None = None,
) -> AsyncIterator[Accounts]:
    """A running gateway, which follows its config file; with a `host` agents, too, change with the file.

    Operations end its process through `ending`; without one they cannot. Leaving stops the accounts, after
    their chunks in flight have been answered. Raises as `run` does.
    """
    started = time.monotonic()
    channels = {name: load_runtime(block.manifest) for name, block in config.channels.items()}
    check_imported(paths.store)
    key = KeyLocation.of(paths.vault_dir, environ, config.root.secrets.key_file)
    place = place_of(config.root.store, paths, environ, key)
    async with place.opened(now_ms) as store, AsyncExitStack() as joining:
        store.work_by(config.source.revision, config.source.substance)
        profiles = Profiles(place.records(RecordFiles.of(paths), store), key)
        shared = config.root.store.url is not None
        accounts = (NodeAccounts if shared else Accounts)(
            config, paths, store, channels, agents, now_ms, environ, ending, plugins, profiles
        )
        show_in(accounts.zone)
        speak(lambda: ENGLISH)  # the log; operations and what people are told have languages of their own
        in_force = ConfigInForce(
            accounts,
            agents,
            lambda: load(paths, plugins or Registry(paths), environ),
            host.open if host else None,
            lambda config, names: announce_accounts(config, store, names),
            config,
            now_ms(),
        )
        accounts.live_config = in_force
        watch = ConfigWatch(paths.config_file, config.source.revision)
        joining.enter_context(_hurried(watch))
        cluster = await joining.enter_async_context(_joined(accounts, paths))
        control = Control(accounts)
        announce(config, channels)
        async with asyncio.TaskGroup() as group, listening(control.app(), choose_socket(paths, environ)):
            announce_accounts(config, store, list(map(str, config.accounts)))
            telling = group.create_task(keep_webhooks(accounts))  # before anything happens
            running = group.create_task(accounts.run())
            placing = group.create_task(cluster.run()) if cluster else None
            requests = NodeRequests(accounts, cluster) if cluster else None
            taking = (
                [group.create_task(work) for work in (requests.run(), requests.tidy())] if requests else []
            )
            watching = group.create_task(_follow_file(watch, in_force))
            copying = group.create_task(_copy_address_books(accounts, paths))
            pruning = group.create_task(_prune_copies(paths))
            metrics = LiveMetrics(accounts)
            counting = group.create_task(metrics.keep())
            serving = group.create_task(keep_console(accounts, paths, metrics.answer))
            elapsed, rss = time.monotonic() - started, resident_bytes() / 2**20
            log.info("clawlane %s started in %.2f s, using %.0f MB", __version__, elapsed, rss)
            try:
                yield accounts
            finally:
                watching.cancel()
                copying.cancel()
                pruning.cancel()
                serving.cancel()
                counting.cancel()
                for task in taking:
                    task.cancel()
                if cluster:
                    cluster.stop()
                try:
                    async with asyncio.timeout(STOP_S):
                        await accounts.stop()
                except TimeoutError:  # the next start continues from what is stored
                    log.error("the accounts did not stop within %.0f s; they are cut off", STOP_S)
                if requests:
                    await requests.finish()
                telling.cancel()
                running.cancel()
                if placing:
                    placing.cancel()


@asynccontextmanager
async def _joined(accounts: Accounts, paths: Paths) -> AsyncIterator[Cluster | None]:
    """This gateway among those that share a database; None where the store is its own."""
    if not isinstance(accounts, NodeAccounts):
        yield None
        return
    lease = Lease()
    accounts.join(lease.why_not)
    async with entered(accounts.store, accounts, lambda: accounts.config, paths.lock_file, lease) as cluster:
        accounts.node = cluster.me().name
        yield cluster


async def _copy_address_books(accounts: Accounts, paths: Paths) -> None:
    """Once the accounts have begun. Lives until cancelled."""
    await accounts.begun.wait()
    await keep_copies(accounts.supervisors, accounts.store, paths, accounts.now_ms)


async def _prune_copies(paths: Paths) -> None:
    """Remove copies of the store from before upgrades once their time is over. Lives until cancelled."""
    while True:
        for path in await asyncio.to_thread(copies.prune, paths.store, now_ms()):
            log.info("removed the copy of the store from before an upgrade: %s", path.name)
        await asyncio.sleep(_PRUNE)


@contextmanager
def _hurried(watch: ConfigWatch) -> Iterator[None]:
    """SIGHUP looks at the config file at once. It ends no gateway: not as it begins, nor while it stops."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, watch.hurry)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def _follow_file(watch: ConfigWatch, in_force: ConfigInForce) -> None:
    """Let edits of the config file count. Lives until cancelled."""
    await in_force.accounts.begun.wait()
    async for seen in watch.changes():
        try:
            watch.again(await in_force.take(seen))
        except Exception:
            log.exception("an edit of the config file was not applied")
