"""The official plugins, by the names that people install them with. None is ever fetched from an index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import clawlane


@dataclass(frozen=True, slots=True)
class Official:
    """An official plugin: its spec, and where it is found without a network."""

    spec: str
    channel: str
    label: str
    summary: str
    distribution: str
    folder: str


CATALOG = (
    Official(
        spec="@openclaw/zalouser",
        channel="zalouser",
        label="Zalo Personal",
        summary="A personal Zalo account, logged in by QR code (unofficial, experimental)",
        distribution="clawlane-zalouser",
        folder="extensions/zalouser",
    ),
)


def shipped(plugin: Official) -> Path | None:
    """The plugin's folder in the checkout that clawlane runs from, or its wheel beside the package."""
    package = Path(clawlane.__file__).resolve().parent
    checkout = package.parents[3]
    folder = checkout / plugin.folder
    if (checkout / "packages" / "clawlane" / "pyproject.toml").is_file() and folder.is_dir():
        return folder
    wheels = sorted((package / "wheels").glob(f"{plugin.distribution.replace('-', '_')}-*.whl"))
    return wheels[-1] if wheels else None
