"""What is older than it should be, as far as this machine can know."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from clawlane import __version__
from clawlane.config.paths import Paths
from clawlane.ops.version_findings import of_gateway, of_plugins, of_python
from clawlane.plugins.install import install
from clawlane.plugins.registry import Registry


@pytest.mark.parametrize(
    ("version", "day", "old"),
    [
        ((3, 11), "2027-10-30", False),
        ((3, 11), "2027-11-02", True),
        ((3, 12), "2027-11-02", False),
        ((3, 99), "2090-01-01", False),
    ],
)
def test_a_python_without_security_fixes_is_a_warning(version: tuple[int, int], day: str, old: bool) -> None:
    now_ms = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)
    found = list(of_python(version, now_ms))
    assert [one.code for one in found] == (["python_old"] if old else [])


def test_a_gateway_of_another_version_than_the_command_is_a_warning() -> None:
    assert list(of_gateway(__version__)) == list(of_gateway("")) == []
    [one] = of_gateway("9.9.9")
    assert one.data == {"command": "9.9.9", "gateway": __version__}


def test_the_official_plugin_is_as_old_as_the_gateway(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "config.json5")
    install("@openclaw/zalouser", Registry(paths), 0)
    assert list(of_plugins(Registry(paths))) == []
    [one] = of_plugins(Registry(paths), "9.9.9")
    assert (one.code, one.path, one.data["gateway"]) == ("plugin_version", "clawlane-zalouser", "9.9.9")
