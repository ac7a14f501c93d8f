"""The channels that OpenClaw has and clawlane does not, by every name that its config and commands take.

Names: OpenClaw's documentation, page "Chat Channels", and its package names (`@openclaw/ID`), November 2026.
"""

from __future__ import annotations

from collections.abc import Iterable

from clawlane.config.errors import did_you_mean

MESSAGE = "OpenClaw has this channel, clawlane does not"
_CHANNELS: dict[str, tuple[str, ...]] = {
    "bluebubbles": ("bb",),
    "discord": (),
    "feishu": ("lark",),
    "googlechat": ("google-chat", "gchat"),
    "imessage": ("imsg",),
    "irc": ("internet-relay-chat",),
    "line": (),
    "matrix": (),
    "mattermost": (),
    "msteams": ("teams", "microsoft-teams"),
    "nextcloud-talk": ("nc-talk", "nc"),
    "nostr": (),
    "qqbot": ("qq",),
    "signal": ("signal-cli",),
    "slack": (),
    "synology-chat": ("synology",),
    "telegram": ("tg",),
    "tlon": ("urbit",),
    "twitch": ("twitch-chat",),
    "voice-call": ("voicecall",),
    "webchat": (),
    "wechat": ("weixin", "openclaw-weixin"),
    "whatsapp": ("wa",),
    "yuanbao": (),
    "zalo": ("zl", "zalo-bot", "zalobot", "zalo-oa", "zalooa", "zalo-official"),
}
_BY_NAME = {name: channel for channel, aliases in _CHANNELS.items() for name in (channel, *aliases)}
_CLOSE = 0.8
"""More alike than `zalo` and `zalouser`: two channels, of which one risks somebody's own account."""


def elsewhere(name: str) -> bool:
    """Whether a name is that of a channel which OpenClaw has and clawlane does not."""
    return name.strip().lower().replace("_", "-").replace(" ", "-") in _BY_NAME


def meant_channel(name: str, known: Iterable[str]) -> str:
    """`did you mean 'zalouser'?` for a slip of the pen; nothing for what may be another channel."""
    return "" if elsewhere(name) else did_you_mean(name, known, cutoff=_CLOSE)
