"""Errors of plugins.

    PluginError
    ├── BadSpec         the spec given to `plugins install` names no plugin
    ├── NotInstallable  pip is missing or failed
    └── LoadFailed      the plugin is installed but cannot be loaded
        └── Disabled    it is not loaded, because the operator switched it off

Retrying helps with none of them. The text is one line for the operator; `help` says what helps.
"""

from __future__ import annotations

from clawlane.texts import later


class PluginError(Exception):
    """A problem with a plugin; the text is one line for the operator."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class BadSpec(PluginError):
    """The spec names nothing that can be installed."""


class NotInstallable(PluginError):
    """The plugin could not be made importable."""


class LoadFailed(PluginError):
    """The plugin is recorded, but loading it fails."""


class Disabled(LoadFailed):
    """The plugin is recorded as disabled, so it is not loaded."""

    def __init__(self, channel: str) -> None:
        super().__init__(
            later("the plugin of channel '{channel}' is disabled", channel=channel),
            f"openclaw plugins enable {channel}",
        )
