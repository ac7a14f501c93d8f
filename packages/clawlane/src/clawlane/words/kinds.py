"""What a channel can send, in words."""

from __future__ import annotations

from clawlane.channel import Capability
from clawlane.texts import later

KINDS = {
    Capability.TEXT: later("text"),
    Capability.STYLES: later("styles"),
    Capability.MENTIONS: later("mentions"),
    Capability.QUOTE: later("quote"),
    Capability.PHOTO: later("photo"),
    Capability.ALBUM: later("album"),
    Capability.FILE: later("file"),
    Capability.VOICE: later("voice"),
    Capability.VIDEO: later("video"),
    Capability.LINK: later("link"),
    Capability.REACTION: later("reaction"),
    Capability.UNDO: later("undo"),
    Capability.TYPING: later("typing"),
    Capability.DELIVERED: later("delivered"),
    Capability.SEEN: later("seen"),
}
"""Said by `t`."""
