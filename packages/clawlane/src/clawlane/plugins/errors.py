"""What can go wrong with plugins.

    PluginError
    ├── BadSpec         what was given to `plugins install` names no plugin
    ├── NotInstallable  Python's own installer is missing or refused
    └── LoadFailed          the plugin is there and cannot be loaded

Trying again helps with none of them. The text is one line; `help` is what mends it.
"""

from __future__ import annotations


class PluginError(Exception):
    """Something about a plugin; the text is one line for the operator."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class BadSpec(PluginError):
    """Nothing that can be installed was named."""


class NotInstallable(PluginError):
    """It could not be made importable."""


class LoadFailed(PluginError):
    """It is importable by name, and loading it fails."""
