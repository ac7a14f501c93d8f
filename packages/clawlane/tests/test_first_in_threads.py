"""What is stored is read in several threads at once, even for the first time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
def test_the_first_to_read_what_is_stored_may_be_several_threads() -> None:
    program = Path(__file__).with_name("first_in_threads.py")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
