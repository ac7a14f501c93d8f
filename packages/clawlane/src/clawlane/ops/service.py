"""The unit file by which systemd runs the gateway for this user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

UNIT = "clawlane.service"
MINE = "# Written by: openclaw gateway install\n"


def unit_path(environ: Mapping[str, str]) -> Path:
    """Where the unit file is, or would be."""
    config = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "systemd" / "user" / UNIT


def enabled_links(unit: Path) -> list[Path]:
    """The links by which systemd starts the unit."""
    return [link for link in unit.parent.glob(f"*.wants/{unit.name}") if link.is_symlink()]


def is_mine(unit: Path) -> bool:
    """Whether `gateway install` wrote it."""
    return unit.is_file() and unit.read_text(errors="replace").startswith(MINE)


def remove_unit(unit: Path) -> None:
    """Remove the unit file and its links."""
    for link in enabled_links(unit):
        link.unlink(missing_ok=True)
    unit.unlink(missing_ok=True)
