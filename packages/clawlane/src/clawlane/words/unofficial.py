"""The label of channels that no platform offers."""

from __future__ import annotations

from clawlane.texts import later

UNOFFICIAL = later("experimental, unofficial")
"""The one label of a channel that its platform does not offer."""
