"""Resolves the spec given to `plugins install`: a folder, a wheel, or an official plugin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from clawlane.channel import ENTRY_POINT_GROUP
from clawlane.config import openclaw
from clawlane.plugins.catalog import CATALOG, OfficialPlugin, bundled_path, installed, refuse_official_name
from clawlane.plugins.errors import BadSpec
from clawlane.plugins.untrusted import project_table, wheel_tables
from clawlane.texts import later

_SCOPE = "@openclaw/"
_REGISTRY = re.compile(r"(?:npm|clawhub):", re.IGNORECASE)
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]{0,64}\Z")
_CHANNEL = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class InstallTarget:
    """A plugin that can be installed. `path` is its folder or wheel, None if it is importable already."""

    spec: str
    path: Path | None
    distribution: str
    version: str
    channel: str


def find_target(spec: str) -> InstallTarget:
    """The plugin that a spec names. Raises `BadSpec` saying what is missing."""
    found = _on_disk(spec)
    official = next((entry for entry in CATALOG if spec in (entry.spec, entry.channel)), None)
    if found is not None:
        return _read(spec, found)
    if official is not None:
        return _official(official)
    raise _unknown(spec)


def _on_disk(spec: str) -> Path | None:
    """The folder or file of that name; None if there is none or the name is impossible."""
    try:
        path = Path(spec).expanduser()
        if not spec.strip():
            return None
        return path.resolve() if path.is_dir() or path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _unknown(spec: str) -> BadSpec:
    # `zalo` in `npm:@openclaw/zalo@2026.1.0`
    name = _REGISTRY.sub("", spec.strip().lower(), count=1).removeprefix(_SCOPE).partition("@")[0]
    shown = ascii(spec)[1:-1][:80]
    known = later("the official ones are: {names}", names=", ".join(entry.spec for entry in CATALOG))
    if openclaw.is_openclaw_channel(name):
        return BadSpec(
            later("{name}: {reason}", name=shown, reason=openclaw.NOT_SUPPORTED),
            later("leave it out; see: openclaw plugins list"),
        )
    hint = openclaw.suggest_channel(name, [entry.channel for entry in CATALOG])
    for entry in CATALOG:
        if f"'{entry.channel}'" in hint:
            hint = later("did you mean '{name}'?", name=entry.spec)
    return BadSpec(
        later("'{name}' is not a folder, a wheel or an official plugin", name=shown), hint or known
    )


def _official(entry: OfficialPlugin) -> InstallTarget:
    if path := bundled_path(entry):
        return _read(entry.spec, path)
    if found := installed(entry.distribution):
        return InstallTarget(entry.spec, None, entry.distribution, found.version, entry.channel)
    raise BadSpec(
        later("{spec} does not come with this installation", spec=entry.spec),
        later(
            "give the folder of a source checkout: openclaw plugins install ./{folder}", folder=entry.folder
        ),
    )


def _read(spec: str, path: Path) -> InstallTarget:
    """The plugin in a folder or a wheel. Raises `BadSpec` for what is missing or unusable there."""
    name: object
    version: object
    if path.is_dir():
        project = project_table(spec, path)
        name, version = project.get("name", ""), project.get("version", "")
        groups = project.get("entry-points", {})
    else:
        headers, groups = wheel_tables(spec, path)
        name, version = headers.get("Name", ""), headers.get("Version", "")
    points = groups.get(ENTRY_POINT_GROUP, {}) if isinstance(groups, dict) else {}
    if not name:
        raise BadSpec(
            later("{spec} does not name its distribution", spec=spec),
            later("set [project] name in its pyproject.toml"),
        )
    if not isinstance(name, str) or not _DISTRIBUTION.match(name):
        raise BadSpec(
            later("{spec} has no usable name for its distribution", spec=spec),
            later("set [project] name to letters, digits, '.', '_' and '-'"),
        )
    if not isinstance(version, str) or not _VERSION.match(version):
        raise BadSpec(
            later("{spec} has no usable version", spec=spec), later("set [project] version, such as '1.0'")
        )
    if not isinstance(points, dict) or not points:
        raise BadSpec(
            later(
                "{spec} is not a channel plugin: it has no entry point in the group '{entry_point_group}'",
                spec=spec,
                entry_point_group=ENTRY_POINT_GROUP,
            ),
            later(
                'a plugin declares [project.entry-points."{entry_point_group}"]',
                entry_point_group=ENTRY_POINT_GROUP,
            ),
        )
    if odd := next((one for one in points if not _CHANNEL.match(one)), None):
        raise BadSpec(
            later("{spec}: '{name}' is not a valid channel id", spec=spec, name=ascii(odd)[1:-1][:40]),
            later("use lower-case letters, digits and '-'"),
        )
    for channel in points:
        refuse_official_name(channel, name)
    return InstallTarget(spec, path, name, version, next(iter(points)))
