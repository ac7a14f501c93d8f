"""The manifest, which the gateway reads before it loads the channel; imports nothing of zaloweb."""

from __future__ import annotations

from clawlane.channel import Capability, Manifest

MANIFEST = Manifest(
    id="zalouser",
    label="Zalo Personal",
    aliases=("zlu",),
    settings="clawlane_zalouser.settings:ZaloUserSettings",
    runtime="clawlane_zalouser.channel:ZaloUserChannel",
    summary="A personal Zalo account, logged in by QR code",
    unofficial=True,
    capabilities=frozenset(Capability),
)
