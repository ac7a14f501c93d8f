"""`make demo` is the first thing a newcomer runs: it has to tell the whole story and end well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_the_demo_shows_every_step_and_misses_none() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo.first_contact"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("✓ Zalo's side saw") == 12
    assert "✗" not in done.stdout
    for words in (
        "REHEARSAL",
        "pairing approve",
        "by an echo",
        "text styles: Dạ, em là Mai",
        "no QR code",
        "1 challenge, 3 answers, no duplicate",
    ):
        assert words in done.stdout
