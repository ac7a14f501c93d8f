"""What a command must not wait for when it talks to the gateway."""

from __future__ import annotations

import subprocess
import sys

import pytest

from clawlane.ops.operation import MODULES


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("clawlane.ops.client", ["aiohttp", "pydantic", "sqlite3", "cryptography", "asyncio"]),
        ("clawlane.gateway.process", ["rich", "PIL", "pydantic_ai", "zaloweb"]),
        ("clawlane.ops.pairing", ["aiohttp", "pydantic", "rich"]),
        *(
            (f"clawlane.ops.{module}", ["aiohttp", "pydantic", "cryptography", "json5", "rich"])
            for module in MODULES
        ),
        *(
            (f"clawlane.{light}", ["aiohttp", "pydantic", "cryptography", "sqlite3", "asyncio"])
            for light in (
                "messages",
                "channel",
                "capabilities",
                "config.paths",
                "config.errors",
                "config.choices",
                "access.decision",
                "access.explain",
                "access.pairing",
                "access.context",
                "access.rules",
            )
        ),
    ],
)
def test_a_module_does_not_import_what_is_heavy(module: str, heavy: list[str]) -> None:
    script = f"import sys, {module}; print(*(name for name in {heavy} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
