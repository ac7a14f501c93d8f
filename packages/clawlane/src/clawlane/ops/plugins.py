"""Channel plugins: installing them, and which there are. Nothing is ever fetched from a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.capabilities import RiskNotice
    from clawlane.channel import Manifest
    from clawlane.plugins.registry import PluginRecord, Registry


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin: `installed`, `disabled`, `broken` (`problem` says why), or `available` as official one."""

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


@dataclass(frozen=True, slots=True)
class About(Request["PluginInfo"]):
    """All about one plugin, named by its channel or its official spec."""

    id: str


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin, what it can do, and its risk.

    `capabilities` and the risk are known only while it is installed and enabled. `configured` says whether
    the config has a block for it; None for a file that cannot be read.
    """

    plugin: Plugin
    summary: str
    distribution: str
    path: str
    aliases: tuple[str, ...]
    capabilities: list[str]
    risk_title: str
    risk: str
    alternative: str
    configured: bool | None


@dataclass(frozen=True, slots=True)
class Switch(Request["Switched"]):
    """Have gateways load an installed plugin, or leave it out."""

    id: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Switched:
    """The state of the plugin now. `restart_needed`: a gateway runs with the former one."""

    id: str
    enabled: bool
    changed: bool
    restart_needed: bool


@dataclass(frozen=True, slots=True)
class Uninstall(Request["Uninstalled"]):
    """Forget an installed plugin. Sessions and the config stay."""

    id: str


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """`removed` says that it was taken out of this Python, which `plugins install` had put it into."""

    id: str
    distribution: str
    removed: bool


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


@operation
async def info(ctx: OpContext, request: About) -> PluginInfo:
    """Raises `OpError` for an unknown plugin."""
    return await asyncio.to_thread(_info, ctx, request.id)


@operation(changes=True)
async def switch(ctx: OpContext, request: Switch) -> Switched:
    """Raises `OpError` for a plugin that is not installed."""
    record = await asyncio.to_thread(_record, ctx, request.id)
    if record.enabled == request.enabled:
        return Switched(record.channel, request.enabled, changed=False, restart_needed=False)
    await asyncio.to_thread(ctx.registry.add, replace(record, enabled=request.enabled))
    running = ctx.in_gateway or await asyncio.to_thread(_gateway_runs, ctx)
    return Switched(record.channel, request.enabled, changed=True, restart_needed=running)


@operation(changes=True)
async def uninstall(ctx: OpContext, request: Uninstall) -> Uninstalled:
    """Raises `OpError` while a gateway runs accounts with it, and `PluginError` if pip cannot remove it."""
    from clawlane.plugins.install import uninstall as uninstall_plugin

    record = await asyncio.to_thread(_record, ctx, request.id)
    if running := await asyncio.to_thread(_running_with, ctx, record.channel):
        raise OpError(later("{running} runs with this plugin", running=running[0]), "openclaw gateway stop")
    removed = await asyncio.to_thread(uninstall_plugin, record, ctx.registry)
    return Uninstalled(record.channel, record.distribution, removed)


def _state(registry: Registry, record: PluginRecord) -> tuple[str, str]:
    """The status of a recorded plugin, and what is wrong with it."""
    if not record.enabled:
        return "disabled", ""
    broken = registry.broken().get(record.channel)
    return ("broken", broken.args[0]) if broken else ("installed", "")


def _channel_of(name: str) -> str:
    """The channel of a plugin that is named by it, by an alias or by the official spec."""
    from clawlane.plugins.catalog import CATALOG

    return next((one.channel for one in CATALOG if name in (one.spec, *one.aliases)), name)


def _record(ctx: OpContext, name: str) -> PluginRecord:
    """What is recorded of a plugin. Raises `OpError`."""
    if found := ctx.registry.record(_channel_of(name)):
        return found
    known = ", ".join(one.channel for one in ctx.registry.records) or later("none")
    raise OpError(
        later("no plugin '{name}' is installed", name=name),
        later("the installed ones are: {known}", known=known),
    )


def _running_with(ctx: OpContext, channel: str) -> list[str]:
    """The accounts of a channel that a gateway runs now."""
    from clawlane.condition import Phase
    from clawlane.ops.client import GatewayDown, ask_gateway
    from clawlane.ops.operation import Caller
    from clawlane.ops.process import GetProcess

    try:
        process = ask_gateway(ctx.paths, GetProcess(), Caller.CLI)
    except GatewayDown:
        return []
    return [str(one) for one in process.accounts if one.channel == channel and one.phase is not Phase.STOPPED]


def _gateway_runs(ctx: OpContext) -> bool:
    from clawlane.ops.client import gateway_runs

    return gateway_runs(ctx.paths)


def _info(ctx: OpContext, name: str) -> PluginInfo:
    from clawlane.plugins.catalog import CATALOG
    from clawlane.plugins.errors import LoadFailed

    channel = _channel_of(name)
    found = next((one for one in _listing(ctx) if one.id == channel), None)
    if found is None:
        raise OpError(later("there is no plugin '{name}'", name=name), "openclaw plugins list")
    record = ctx.registry.record(channel)
    manifest = next((one for one in ctx.registry.manifests() if one.id == channel), None)
    notice = None
    try:
        notice = _notice(ctx, manifest) if manifest else None
    except LoadFailed as error:
        found = replace(found, status="broken", problem=error.args[0])
    return PluginInfo(
        plugin=found,
        summary=next((one.summary for one in CATALOG if one.channel == channel), ""),
        distribution=record.distribution if record else "",
        path=record.path if record else "",
        aliases=manifest.aliases if manifest else (),
        capabilities=sorted(map(str, manifest.capabilities)) if manifest else [],
        risk_title=notice.title if notice else "",
        risk=" ".join(notice.lines) if notice else "",
        alternative=notice.alternative if notice else "",
        configured=_configured(ctx, channel),
    )


def _notice(ctx: OpContext, manifest: Manifest) -> RiskNotice | None:
    from clawlane.capabilities import NeedsConsent

    channel = ctx.runtime(manifest)
    return channel.risk().said() if isinstance(channel, NeedsConsent) else None


def _configured(ctx: OpContext, channel: str) -> bool | None:
    """Whether the config file has a block for a channel; None for a file that cannot be read."""
    from clawlane.config.errors import ConfigError
    from clawlane.config.source import read_source

    try:
        blocks = read_source(ctx.paths.config_file).data.get("channels")
    except ConfigError:
        return None
    return isinstance(blocks, Mapping) and channel in blocks


def _listing(ctx: OpContext) -> list[Plugin]:
    from clawlane.plugins.catalog import CATALOG

    registry = ctx.registry
    unofficial = {manifest.id: manifest.unofficial for manifest in registry.manifests()}
    rows = []
    for one in registry.records:
        status, problem = _state(registry, one)
        official = any(entry.channel == one.channel for entry in CATALOG)
        carries_risk = unofficial.get(one.channel, official)
        rows.append(Plugin(one.channel, one.label, one.version, status, one.source, problem, carries_risk))
    recorded = {one.channel for one in registry.records}
    for entry in CATALOG:
        if entry.channel not in recorded:
            rows.append(Plugin(entry.channel, entry.label, "", "available", entry.spec, "", True))
    return rows
