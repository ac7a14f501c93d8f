"""The width of the terminal, without `shutil`, which takes longer to import than a page of help to print."""

from __future__ import annotations

import os
import sys

PROSE = 80
"""Columns for sentences where the width of the screen is not known."""

_NARROWEST = 50


def screen_columns() -> int:
    """Columns of the terminal, or of `COLUMNS`; 80 where there is neither."""
    if (written := os.environ.get("COLUMNS", "")).isdecimal() and int(written):
        return int(written)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or PROSE if sys.__stdout__ else PROSE
    except (OSError, ValueError):
        return PROSE


def help_columns() -> int:
    """Columns for help, as click would have them."""
    return max(min(screen_columns(), PROSE) - 2, _NARROWEST)
