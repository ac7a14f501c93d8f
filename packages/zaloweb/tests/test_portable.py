"""What the package may not need, so that it can be imported on other platforms than this one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import zaloweb

UNIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
PACKAGE = Path(zaloweb.__file__).parent


def test_no_module_needs_what_only_unix_has() -> None:
    assert [
        f"{path.name}: {name}" for path in PACKAGE.rglob("*.py") for name in imported(path) & UNIX_ONLY
    ] == []


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_a_machine_without_the_clocks_of_unix_has_a_clock() -> None:
    program = """
import time
for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC", "clock_gettime"):
    delattr(time, name)
from zaloweb import SystemClock
first = SystemClock().elapsed()
assert first <= SystemClock().elapsed()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
