"""The official plugins. None is ever fetched from a package index."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from importlib.metadata import Distribution
from pathlib import Path

import clawlane
from clawlane.plugins.errors import BadSpec
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class OfficialPlugin:
    """An official plugin: its spec for `plugins install`, and its folder in a source checkout."""

    spec: str
    channel: str
    label: str
    summary: str
    distribution: str
    folder: str
    alternative: str = ""
    aliases: tuple[str, ...] = ()


CATALOG = (
    OfficialPlugin(
        spec="@openclaw/zalouser",
        channel="zalouser",
        label="Zalo Personal",
        summary=later("A personal Zalo account, logged in by QR code (experimental, unofficial)"),
        distribution="clawlane-zalouser",
        folder="extensions/zalouser",
        alternative=later("The official way is a Zalo Bot (Bot API; OpenClaw has it as channel 'zalo')."),
        aliases=("zlu",),
    ),
)


def bundled_path(plugin: OfficialPlugin) -> Path | None:
    """The plugin's folder in the checkout that clawlane runs from, or its wheel in the package, or None."""
    package = Path(clawlane.__file__).resolve().parent
    checkout = package.parents[3]
    folder = checkout / plugin.folder
    if (checkout / "packages" / "clawlane" / "pyproject.toml").is_file() and folder.is_dir():
        return folder
    wheels = sorted((package / "wheels").glob(f"{plugin.distribution.replace('-', '_')}-*.whl"))
    return wheels[-1] if wheels else None


def refuse_official_name(name: str, distribution: str) -> None:
    """Raises `BadSpec` if another distribution uses the id or an alias of an official channel."""
    for entry in CATALOG:
        if name in (entry.channel, *entry.aliases) and not same_distribution(
            distribution, entry.distribution
        ):
            raise BadSpec(
                later(
                    "{distribution} takes the name '{name}', which belongs to the official plugin {spec}",
                    distribution=distribution,
                    name=name,
                    spec=entry.spec,
                ),
                later("its author has to give the channel another id"),
            )


def installed(distribution: str) -> Distribution | None:
    """The distribution of that name in this Python, or None."""
    try:
        return metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return None


def same_distribution(one: str, other: str) -> bool:
    """Whether two names are of one distribution, as Python's packaging compares them."""
    first, second = (re.sub(r"[-_.]+", "-", name).lower() for name in (one, other))
    return first == second
