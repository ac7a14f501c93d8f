"""The installed plugins: those that `plugins install` recorded in the state directory, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, distributions
from typing import Any

from clawlane.channel import ENTRY_POINT_GROUP, Channel, Manifest, load_dotted
from clawlane.config import openclaw
from clawlane.config.paths import Paths
from clawlane.credentials.files import write_private
from clawlane.plugins.catalog import CATALOG, refuse_official_name
from clawlane.plugins.errors import BadSpec, Disabled, LoadFailed, PluginError
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One installed plugin. `source` is the spec it was installed from, `path` the folder or wheel of it.

    A gateway leaves out one that is not `enabled`. `copied` says that `plugins install` put it into Python.
    """

    channel: str
    label: str
    version: str
    distribution: str
    source: str
    path: str
    installed_ms: int
    enabled: bool = True
    copied: bool = False


class Registry:
    """The installed plugins of one state directory. The file is read once, at first use."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    @cached_property
    def records(self) -> tuple[PluginRecord, ...]:
        """The records in order of channel id. Raises `LoadFailed` if the file cannot be read."""
        file = self._paths.plugins_file
        try:
            rows = json.loads(file.read_bytes())["plugins"]
            return tuple(sorted((PluginRecord(**row) for row in rows), key=lambda record: record.channel))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError):
            raise LoadFailed(
                later("{file} is not a record of plugins", file=file),
                later("remove it and install the plugins again: {command}", command=_install_line()),
            ) from None

    @cached_property
    def _loaded(self) -> tuple[dict[str, Manifest], dict[str, LoadFailed]]:
        good: dict[str, Manifest] = {}
        bad: dict[str, LoadFailed] = {}
        for record in self.records:
            if not record.enabled:
                bad[record.channel] = Disabled(record.channel)
                continue
            try:
                good[record.channel] = load_manifest(record.channel, record.distribution)
            except LoadFailed as error:
                bad[record.channel] = error
        return good, bad

    def manifests(self) -> tuple[Manifest, ...]:
        """The manifests of the installed plugins that load."""
        return tuple(self._loaded[0].values())

    def broken(self) -> Mapping[str, LoadFailed]:
        """Channel id → why its installed plugin does not load."""
        return self._loaded[1]

    def installable(self) -> Mapping[str, str]:
        """Channel id → spec, of official plugins that are not installed or do not load."""
        loaded = self._loaded[0]
        return {entry.channel: entry.spec for entry in CATALOG if entry.channel not in loaded}

    def missing(self, channel: str) -> PluginError | None:
        """Why the plugin of a known channel is not loaded; None if it is, or nobody knows it."""
        if channel in self.broken():
            return self.broken()[channel]
        if spec := self.installable().get(channel):
            return BadSpec(
                later("the plugin of channel '{channel}' is not installed", channel=channel),
                f"openclaw plugins install {spec}",
            )
        return None

    def find(self, name: str) -> Manifest:
        """The installed channel of that id or alias. Raises `LoadFailed`, or `BadSpec` with a command."""
        wanted = name.strip().lower()
        by_alias = {alias: one for one in reversed(self.manifests()) for alias in one.aliases}
        by_id = {one.id: one for one in self.manifests()}
        if found := by_id.get(wanted) or by_alias.get(wanted):
            return found
        official = next((one.channel for one in CATALOG if wanted in one.aliases), wanted)
        if missing := self.missing(official):
            raise missing
        if openclaw.is_openclaw_channel(wanted):
            raise BadSpec(
                later("'{name}': {reason}", name=name, reason=openclaw.NOT_SUPPORTED),
                later("see: openclaw channels list --all"),
            )
        known = sorted({*by_id, *self.installable()})
        hint = openclaw.suggest_channel(wanted, known) or later(
            "known channels: {names}", names=", ".join(known)
        )
        raise BadSpec(later("unknown channel '{name}'", name=name), hint)

    def add(self, record: PluginRecord) -> bool:
        """Record a plugin; it replaces an older record of its channel. True if there was none."""
        others = [other for other in self.records if other.channel != record.channel]
        self._write([*others, record])
        return len(others) == len(self.records)

    def remove(self, channel: str) -> None:
        """Forget the plugin of a channel."""
        self._write([other for other in self.records if other.channel != channel])

    def record(self, channel: str) -> PluginRecord | None:
        """What is recorded of a channel, whether it loads or not."""
        return next((one for one in self.records if one.channel == channel), None)

    def _write(self, records: Iterable[PluginRecord]) -> None:
        rows = [asdict(row) for row in records]
        text = json.dumps({"version": 1, "plugins": rows}, ensure_ascii=False, indent=2)
        write_private(self._paths.plugins_file, text.encode() + b"\n")


def load_manifest(channel: str, distribution: str) -> Manifest:
    """The manifest behind an entry point. Raises `LoadFailed` with the reason in one line."""
    try:
        refuse_official_name(channel, distribution)
    except BadSpec as error:
        raise LoadFailed(error.args[0], _install_line(channel)) from None
    found = _load(lambda: _entry_point(channel, distribution), channel)
    if found is None:
        raise LoadFailed(
            later(
                "the plugin of channel '{channel}' ({distribution}) is gone from this Python",
                channel=channel,
                distribution=distribution,
            ),
            _install_line(channel),
        )
    given = _load(found.load, channel)
    manifest = given() if callable(given) else given
    if not isinstance(manifest, Manifest) or manifest.id != channel:
        raise LoadFailed(
            later(
                "{distribution}: the entry point '{channel}' does not return a manifest of a channel"
                " '{channel}'",
                distribution=distribution,
                channel=channel,
            )
        )
    _check(manifest, distribution)
    return manifest


def _check(manifest: Manifest, distribution: str) -> None:
    texts = (manifest.id, manifest.label, manifest.settings, manifest.runtime, manifest.summary)
    aliases = manifest.aliases
    if not all(
        isinstance(one, str) for one in (*texts, *(aliases if isinstance(aliases, tuple) else (None,)))
    ):
        raise LoadFailed(
            later(
                "{distribution}: the manifest of channel '{id}' has a value that is not a text",
                distribution=distribution,
                id=manifest.id,
            )
        )
    if not isinstance(manifest.capabilities, frozenset):
        raise LoadFailed(
            later(
                "{distribution}: the capabilities of channel '{id}' are no frozenset of `Capability`",
                distribution=distribution,
                id=manifest.id,
            )
        )
    for alias in aliases:
        try:
            refuse_official_name(alias, distribution)
        except BadSpec as error:
            raise LoadFailed(error.args[0], error.help) from None


def load_runtime(manifest: Manifest) -> Channel:
    """A channel object, ready to run accounts. Raises `LoadFailed` with the reason in one line."""
    kind = _load(lambda: load_dotted(manifest.runtime), manifest.id)
    made: Channel = _load(kind, manifest.id)
    return made


def load_settings(manifest: Manifest) -> Any:
    """The settings model of a channel. Raises `LoadFailed` with the reason in one line."""
    return _load(lambda: load_dotted(manifest.settings), manifest.id)


def _load(load: Any, channel: str) -> Any:
    try:
        return load()
    except (Exception, SystemExit) as error:
        # A plugin is third-party code: report whatever it raises, and go on with the rest.
        lines = str(error).splitlines()
        reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        raise LoadFailed(
            later(
                "the plugin of channel '{channel}' cannot be loaded: {reason}", channel=channel, reason=reason
            )
        ) from error


def _entry_point(channel: str, distribution: str) -> EntryPoint | None:
    """That of this distribution alone: to read those of all takes ten times as long."""
    found = next(iter(distributions(name=distribution)), None)
    points = found.entry_points.select(group=ENTRY_POINT_GROUP, name=channel) if found else ()
    return next(iter(points), None)


def _install_line(channel: str = "") -> str:
    specs = [official.spec for official in CATALOG if channel in ("", official.channel)]
    return (
        f"openclaw plugins install {specs[0]}"
        if specs
        else later("install it again: openclaw plugins install FOLDER")
    )
