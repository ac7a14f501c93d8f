"""What can go wrong with a console as a whole."""

from __future__ import annotations


class ConsoleUnusable(Exception):
    """The console cannot listen; the text is one line."""
