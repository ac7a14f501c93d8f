"""What the config may say about a personal Zalo account."""

from __future__ import annotations

from typing import ClassVar

from clawlane.config.settings import ChannelSettings


class ZaloUserSettings(ChannelSettings):
    """The block `channels.zalouser`, and each of its `accounts`: the keys that every channel has.

    The default account may get its profile from a variable; OpenClaw set-ups rely on the older name.
    """

    profile_env: ClassVar[tuple[str, ...]] = ("ZALOUSER_PROFILE", "ZCA_PROFILE")
    shortest_id: ClassVar[int] = 15
    """Zalo ids have 15 to 19 digits as far as they were seen in pushes and lists;
    no telephone number has that many."""
