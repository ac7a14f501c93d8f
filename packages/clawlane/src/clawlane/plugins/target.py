"""What a spec given to `plugins install` means: a folder, a wheel, or an official plugin."""

from __future__ import annotations

import configparser
import tomllib
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from clawlane.channel import ENTRY_POINT_GROUP
from clawlane.config.problems import did_you_mean
from clawlane.plugins.catalog import CATALOG, Official, shipped
from clawlane.plugins.errors import BadSpec


@dataclass(frozen=True, slots=True)
class Target:
    """A plugin that can be installed. `path` is its folder or wheel; None for one that Python already has."""

    spec: str
    path: Path | None
    distribution: str
    version: str
    channels: tuple[str, ...]

    @property
    def channel(self) -> str:
        return self.channels[0]


def find_target(spec: str) -> Target:
    """What a spec means. Raises `BadSpec` saying what is missing."""
    path = Path(spec).expanduser()
    official = next((entry for entry in CATALOG if spec in (entry.spec, entry.channel)), None)
    if official is not None and not path.exists():
        return _official(official)
    if path.is_dir():
        return _folder(spec, path.resolve())
    if path.is_file():
        return _wheel(spec, path.resolve())
    known = ", ".join(entry.spec for entry in CATALOG)
    hint = did_you_mean(spec, [entry.spec for entry in CATALOG])
    raise BadSpec(
        f"'{spec}' is no folder, no wheel and no official plugin", hint or f"the official ones are: {known}"
    )


def _official(entry: Official) -> Target:
    path = shipped(entry)
    if path is not None:
        return _folder(entry.spec, path) if path.is_dir() else _wheel(entry.spec, path)
    try:
        found = distribution(entry.distribution)
    except PackageNotFoundError:
        raise BadSpec(
            f"{entry.spec} does not come with this installation",
            f"give the folder of a source checkout: openclaw plugins install ./{entry.folder}",
        ) from None
    return Target(entry.spec, None, entry.distribution, found.version, (entry.channel,))


def _folder(spec: str, folder: Path) -> Target:
    file = folder / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except FileNotFoundError:
        raise BadSpec(
            f"{spec} has no pyproject.toml", "give the folder that holds the plugin's pyproject.toml"
        ) from None
    except (OSError, ValueError) as error:
        raise BadSpec(f"{spec}/pyproject.toml cannot be read: {str(error).splitlines()[0]}") from None
    points = project.get("entry-points", {}).get(ENTRY_POINT_GROUP, {})
    return _target(spec, folder, str(project.get("name", "")), str(project.get("version", "")), points)


def _wheel(spec: str, file: Path) -> Target:
    try:
        with zipfile.ZipFile(file) as archive:
            headers = HeaderParser().parsestr(_member(archive, "METADATA"))
            points = configparser.ConfigParser(delimiters=("=",))
            points.read_string(_member(archive, "entry_points.txt"))
    except (OSError, ValueError, zipfile.BadZipFile, configparser.Error):
        raise BadSpec(f"{spec} is no wheel", "give a folder with a pyproject.toml, or a .whl file") from None
    group = dict(points[ENTRY_POINT_GROUP]) if points.has_section(ENTRY_POINT_GROUP) else {}
    return _target(spec, file, headers.get("Name", ""), headers.get("Version", ""), group)


def _member(archive: zipfile.ZipFile, name: str) -> str:
    for path in archive.namelist():
        if path.endswith(f".dist-info/{name}"):
            return archive.read(path).decode()
    if name == "METADATA":
        raise ValueError(name)
    return ""


def _target(spec: str, path: Path, name: str, version: str, points: object) -> Target:
    if not name:
        raise BadSpec(f"{spec} does not name its distribution", "set [project] name in its pyproject.toml")
    if not isinstance(points, dict) or not points:
        raise BadSpec(
            f"{spec} is no channel plugin: it has no entry point in the group '{ENTRY_POINT_GROUP}'",
            f'a plugin declares [project.entry-points."{ENTRY_POINT_GROUP}"]',
        )
    return Target(spec, path, name, version, tuple(points))
