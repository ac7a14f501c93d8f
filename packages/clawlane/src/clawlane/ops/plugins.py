"""Channel plugins: installing them, and which there are. Nothing is ever fetched from a network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from clawlane.ops.context import OpContext
from clawlane.ops.operation import Request, operation


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that is `installed`, `broken` (`problem` says why), or `available` as an official one."""

    id: str
    name: str
    version: str
    status: str
    source: str
    problem: str
    unofficial: bool


@dataclass(frozen=True, slots=True)
class Plugins(Request[list[Plugin]]):
    """The installed plugins, then the official ones that are not."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation did. `new`: it was not recorded before. A gateway that runs may need a restart."""

    id: str
    name: str
    version: str
    unofficial: bool
    new: bool
    restart_needed: bool


@dataclass(frozen=True, slots=True)
class Install(Request[Installed]):
    """Install from a folder, a wheel file, or an official name.

    A folder is found from where this process runs, and the plugin is made importable for its Python.
    """

    spec: str


@operation
async def listing(ctx: OpContext, _request: Plugins) -> list[Plugin]:
    return await asyncio.to_thread(_listing, ctx)


@operation(changes=True)
async def install(ctx: OpContext, request: Install) -> Installed:
    """Raises a `PluginError`, with nothing recorded."""
    from clawlane.ops.client import gateway_runs
    from clawlane.plugins.install import install as install_plugin

    done = await asyncio.to_thread(install_plugin, request.spec, ctx.registry, ctx.now_ms())
    matters = done.new or done.copied
    running = matters and (ctx.in_gateway or await asyncio.to_thread(gateway_runs, ctx.paths))
    return Installed(
        id=done.record.channel,
        name=done.record.label,
        version=done.record.version,
        unofficial=done.manifest.unofficial,
        new=done.new,
        restart_needed=running,
    )


def _listing(ctx: OpContext) -> list[Plugin]:
    from clawlane.plugins.catalog import CATALOG

    registry = ctx.registry
    unofficial = {manifest.id: manifest.unofficial for manifest in registry.manifests()}
    rows = []
    for one in registry.records:
        broken = registry.broken().get(one.channel)
        status, problem = ("broken", str(broken)) if broken else ("installed", "")
        carries_risk = unofficial.get(one.channel, False)
        rows.append(Plugin(one.channel, one.label, one.version, status, one.source, problem, carries_risk))
    recorded = {one.channel for one in registry.records}
    for entry in CATALOG:
        if entry.channel not in recorded:
            rows.append(Plugin(entry.channel, entry.label, "", "available", entry.spec, "", True))
    return rows
