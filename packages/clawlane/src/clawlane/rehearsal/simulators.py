"""Which channel can be rehearsed, and the plugins that a rehearsed gateway loads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from clawlane.capabilities import RunsSimulator
from clawlane.channel import Manifest
from clawlane.clock import now_ms
from clawlane.config.paths import Paths
from clawlane.plugins.catalog import CATALOG, installed
from clawlane.plugins.errors import BadSpec, PluginError
from clawlane.plugins.install import install
from clawlane.plugins.registry import PluginRecord, Registry, load_manifest, load_runtime
from clawlane.rehearsal.errors import RehearsalError
from clawlane.texts import later

NOT_REHEARSED = later("it has no simulator, so a rehearsal leaves it out")


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A channel with a simulator. `others` are the installed channels without one.

    `plugin` is its record, or the spec of an official plugin that the operator has not installed.
    """

    manifest: Manifest
    runtime: RunsSimulator
    plugin: PluginRecord | str
    others: tuple[str, ...] = ()

    def install(self, paths: Paths) -> None:
        """Record the plugin in another state directory."""
        registry = Registry(paths)
        if isinstance(self.plugin, PluginRecord):
            registry.add(self.plugin)
        else:
            install(self.plugin, registry, now_ms())


def find_rehearsed(paths: Paths, name: str | None = None) -> Rehearsed:
    """The channel of that id or alias, or the first with a simulator, installed ones first.

    An official plugin counts although it is not installed, if this Python has it. Raises `RehearsalError`,
    and `PluginError` for one that cannot be loaded.
    """
    registry = Registry(paths)
    plugins: dict[str, PluginRecord | str] = {one.channel: one for one in registry.records}
    manifests = {one.id: one for one in registry.manifests()}
    for entry in CATALOG:
        if entry.channel not in manifests and installed(entry.distribution):
            manifests[entry.channel] = load_manifest(entry.channel, entry.distribution)
            plugins[entry.channel] = entry.spec
    wanted = [one for one in manifests.values() if name in (None, one.id, *one.aliases)]
    if not wanted:
        raise _not_there(name, registry)
    for manifest in wanted:
        runtime = load_runtime(manifest)
        if isinstance(runtime, RunsSimulator):
            others = tuple(one for one in manifests if one != manifest.id)
            return Rehearsed(manifest, runtime, plugins[manifest.id], others)
    none = later("no simulator comes with channel '{channel}'", channel=wanted[0].id)
    raise RehearsalError(none, "openclaw channels list --all")


def _not_there(name: str | None, registry: Registry) -> PluginError | RehearsalError:
    spec = next(iter(registry.installable().values()), "")
    if name is None or name in registry.installable():
        none = later("no installed channel has a simulator")
        return RehearsalError(none, f"openclaw plugins install {spec}")
    return BadSpec(later("unknown channel '{name}'", name=name), "openclaw channels list --all")


class OnlyRehearsed:
    """The plugins of a rehearsed gateway: the one with the simulator. `others` are there, but off."""

    def __init__(self, manifest: Manifest, others: Collection[str]) -> None:
        self._manifest = manifest
        self._others = others

    def manifests(self) -> Sequence[Manifest]:
        return (self._manifest,)

    def installable(self) -> Mapping[str, str]:
        return {one.channel: one.spec for one in CATALOG if one.channel != self._manifest.id}

    def broken(self) -> Mapping[str, Exception]:
        return {name: RehearsalError(NOT_REHEARSED) for name in self._others}
