"""Where on the phone a linked device is removed, in the words of its channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clawlane.texts import t

if TYPE_CHECKING:
    from clawlane.ops.context import OpContext


def device_help(ctx: OpContext, channel: str) -> str:
    """One sentence without its full stop; empty where the channel has no such thing, or is not loaded."""
    from clawlane.capabilities import LinkedDevice
    from clawlane.channel import ChannelUnusable
    from clawlane.plugins.errors import PluginError

    try:
        found = ctx.runtime(ctx.manifest(channel))
    except (PluginError, ChannelUnusable):
        return ""
    return t(found.device_help()) if isinstance(found, LinkedDevice) else ""
