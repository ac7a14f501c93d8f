"""Reactions: an icon by its name, its emoji, or as Zalo writes it."""

from __future__ import annotations

from clawlane.capabilities import Icon as Offered
from clawlane.messages import Reaction
from zaloweb.calls.messages import Sent
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


def icon_for(written: str) -> Icon:
    """The icon that is meant; what Zalo's own clients do not offer is sent as it is written."""
    bare = written.strip().translate(_LOOKS)
    name = _EMOJI.get(bare) or bare.strip(":").upper().replace(" ", "_").replace("-", "_")
    return ICONS[name] if name in ICONS else icon_of(written.strip())


def icon_name(written: str) -> str:
    """The name of the icon that is meant, also as a code (`/-heart`); "" for what Zalo does not offer."""
    meant = icon_for(written)
    return next((name for name, icon in ICONS.items() if icon == meant), "")


def all_icons() -> list[Offered]:
    """All reactions that Zalo's own clients offer, with the emoji that looks like each."""
    emoji = {name: looks for looks, name in reversed(_EMOJI.items())}
    return [Offered(name, emoji.get(name, "")) for name in ICONS]


async def send_reaction(zalo: Zalo, thread: Thread, out: Reaction) -> None:
    """Put a reaction on a message, or take it back."""
    icon = icon_for(out.icon) if out.icon else NO_ICON
    await zalo.react(thread, Sent(out.message_id, out.message_client_id), icon)
