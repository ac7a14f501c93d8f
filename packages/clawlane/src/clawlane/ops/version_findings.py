"""What is older than it should be: Python, the plugin beside the gateway, the gateway beside the command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import clawlane
from clawlane.ops.findings import Finding, Severity

if TYPE_CHECKING:
    from clawlane.plugins.registry import Registry

_LAST_FIXES = {
    (3, 11): datetime(2027, 10, 31, tzinfo=UTC),
    (3, 12): datetime(2028, 10, 31, tzinfo=UTC),
    (3, 13): datetime(2029, 10, 31, tzinfo=UTC),
    (3, 14): datetime(2030, 10, 31, tzinfo=UTC),
}
"""The months in which security fixes end, by PEP 664, 693, 719 and 745: five years after each release."""


def of_python(version: tuple[int, int], now_ms: int) -> Iterator[Finding]:
    """A Python that gets no security fixes any more."""
    ends = _LAST_FIXES.get(version)
    if ends is not None and now_ms > ends.timestamp() * 1000:
        data = {"version": "{}.{}".format(*version), "day": ends.date().isoformat()}
        yield Finding(Severity.WARNING, "python_old", sys.executable, data)


def of_plugins(registry: Registry, gateway: str = clawlane.__version__) -> Iterator[Finding]:
    """Official plugins of another version than the gateway: they are released together."""
    from clawlane.plugins.catalog import CATALOG, installed, same_distribution

    official = [entry.distribution for entry in CATALOG]
    for record in registry.records:
        if not any(same_distribution(record.distribution, one) for one in official):
            continue
        found = installed(record.distribution)
        if found is not None and found.version != gateway:
            data = {"channel": record.channel, "version": found.version, "gateway": gateway}
            yield Finding(Severity.WARNING, "plugin_version", record.distribution, data)


def of_gateway(command: str, gateway: str = clawlane.__version__) -> Iterator[Finding]:
    """A gateway that runs in another version than the command that asks it."""
    if command and command != gateway:
        data = {"command": command, "gateway": gateway}
        yield Finding(Severity.WARNING, "gateway_version", "gateway", data)


def python_version() -> tuple[int, int]:
    return sys.version_info[:2]
