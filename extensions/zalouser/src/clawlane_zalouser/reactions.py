"""Reactions: an icon by its name, its emoji, or as Zalo writes it."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.messages import Reaction
from zaloweb.calls.reactions import ICONS, NO_ICON, Icon, icon_of
from zaloweb.client import Zalo
from zaloweb.events import Thread

_EMOJI = {
    "😆": "HAHA",
    "👍": "LIKE",
    "❤": "HEART",
    "😮": "WOW",
    "😭": "CRY",
    "😡": "ANGRY",
    "😘": "KISS",
    "😂": "TEARS_OF_JOY",
    "💩": "SHIT",
    "🌹": "ROSE",
    "💔": "BROKEN_HEART",
    "👎": "DISLIKE",
    "😍": "LOVE",
    "😕": "CONFUSED",
    "😉": "WINK",
    "☀": "SUN",
    "🎂": "BIRTHDAY",
    "💣": "BOMB",
    "👌": "OK",
    "✌": "PEACE",
    "👊": "PUNCH",
    "🙏": "PRAY",
    "😢": "SAD",
    "😎": "SUNGLASSES",
    "🤓": "NERD",
    "😁": "BIG_SMILE",
    "😐": "NEUTRAL",
    "👋": "BYE",
    "😴": "SLEEPY",
    "👏": "HANDCLAP",
    "😲": "SURPRISE",
    "😳": "EMBARRASSED",
    "😱": "AFRAID",
    "🤣": "BIG_LAUGH",
    "🤑": "RICH",
    "🍺": "BEER",
}
"""Emoji as people and models write them, and the name of the icon that looks like it."""

_LOOKS = str.maketrans("", "", "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
"""What changes how an emoji looks: the selector of colour, and tones of skin."""


@dataclass(frozen=True, slots=True)
class _Target:
    msg_id: str
    cli_msg_id: str


def icon_for(written: str) -> Icon:
    """The icon that is meant; what Zalo's own clients do not offer is sent as it is written."""
    bare = written.strip().translate(_LOOKS)
    name = _EMOJI.get(bare) or bare.strip(":").upper().replace(" ", "_").replace("-", "_")
    return ICONS[name] if name in ICONS else icon_of(written.strip())


async def send_reaction(zalo: Zalo, thread: Thread, out: Reaction) -> tuple[str, ...]:
    """Put a reaction on a message, or take it back. Gives no ids: a reaction is no message."""
    icon = icon_for(out.icon) if out.icon else NO_ICON
    await zalo.react(thread, _Target(out.message_id, out.message_client_id), icon)
    return ()
