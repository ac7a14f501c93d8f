"""Installs a plugin (makes it importable, checks that it loads, records it), and undoes that."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clawlane.channel import Manifest
from clawlane.plugins.catalog import installed
from clawlane.plugins.errors import NotInstallable, PluginError
from clawlane.plugins.registry import PluginRecord, Registry, load_manifest, load_runtime, load_settings
from clawlane.plugins.target import InstallTarget, find_target
from clawlane.plugins.untrusted import refuse_odd_files
from clawlane.texts import later

_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
_PIP_UNINSTALL = ("-m", "pip", "uninstall", "--quiet", "--disable-pip-version-check", "--yes")
_PIP_S = 300.0
"""Seconds. A build without a network takes a few; a longer one hangs."""
_OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")


@dataclass(frozen=True, slots=True)
class Installation:
    """The result of an installation. `copied`: pip ran. `new`: the plugin was not recorded before."""

    manifest: Manifest
    record: PluginRecord
    copied: bool
    new: bool


def install(spec: str, registry: Registry, now_ms: int) -> Installation:
    """Install from a folder, a wheel or an official name. Records nothing if it raises a `PluginError`."""
    target = find_target(spec)
    copied = _make_importable(target)
    manifest = load_manifest(target.channel, target.distribution)
    load_settings(manifest)
    load_runtime(manifest)
    before = registry.record(manifest.id)
    record = PluginRecord(
        channel=manifest.id,
        label=manifest.label,
        version=distribution(target.distribution).version,
        distribution=target.distribution,
        source=spec,
        path=str(target.path or ""),
        installed_ms=now_ms,
        copied=copied or (before is not None and before.copied),
    )
    return Installation(manifest, record, copied, registry.add(record))


def _make_importable(target: InstallTarget) -> bool:
    """Run pip if needed. True if it ran."""
    present = installed(target.distribution)
    if present is not None:
        _refuse_other_folder(present, target)
        if target.path is None or present.version == target.version:
            return False
    if target.path is None:
        raise NotInstallable(later("{distribution} is not importable", distribution=target.distribution))
    if target.path.is_dir():
        refuse_odd_files(target.spec, target.path)
    _run_pip(target.path)
    importlib.invalidate_caches()
    return True


def _refuse_other_folder(present: Distribution, target: InstallTarget) -> None:
    """Raises `PluginError` for an editable installation from another folder: that is somebody's work."""
    try:
        written = json.loads(present.read_text("direct_url.json") or "{}")
    except ValueError:
        return
    if target.path is None or not written.get("dir_info", {}).get("editable"):
        return
    folder = Path(unquote(urlsplit(written.get("url", "")).path)).resolve()
    if folder != target.path:
        raise PluginError(
            later(
                "{distribution} is installed editable from another folder, {folder}",
                distribution=target.distribution,
                folder=folder,
            ),
            later(
                "install that folder, or first: pip uninstall {distribution}",
                distribution=target.distribution,
            ),
        )


def uninstall(record: PluginRecord, registry: Registry) -> bool:
    """Forget a plugin, and take it out of this Python if `install` put it there. True if it did.

    Raises `NotInstallable`, with the record kept.
    """
    present = installed(record.distribution) if record.copied else None
    if present is not None:
        if importlib.util.find_spec("pip") is None:
            raise NotInstallable(
                later("this Python has no pip, so the plugin cannot be taken out of it"),
                later(
                    "remove {distribution} with what installed clawlane (uv, pipx), then run this again",
                    distribution=record.distribution,
                ),
            )
        _pip(
            [sys.executable, *_PIP_UNINSTALL, record.distribution],
            later("remove {name}", name=record.distribution),
        )
        importlib.invalidate_caches()
    registry.remove(record.channel)
    return present is not None


def _run_pip(path: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise NotInstallable(
            later("this Python has no pip, so it cannot make the plugin importable"),
            later(
                "install {path} with what installed clawlane (uv, pipx inject), then run this again",
                path=path,
            ),
        )
    _pip([sys.executable, *_PIP, *_OFFLINE, str(path)], later("install {name}", name=path))


def _pip(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_PIP_S
        )
    except subprocess.TimeoutExpired:
        raise NotInstallable(
            later("pip did not {what} within {seconds:.0f} s", what=what, seconds=_PIP_S)
        ) from None
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        reason = (errors or lines or [later("it did not say why")])[-1].removeprefix("ERROR: ")[:300]
        raise NotInstallable(later("pip could not {what}: {reason}", what=what, reason=reason))
