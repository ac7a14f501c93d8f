"""Reacting to messages, and all icons.

A reaction has an icon and a matching number, both as Zalo's own clients send them. Source: the reactions of
the reference client, all with source 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from zaloweb.calls.call import Call, require_thread
from zaloweb.errors import InvalidRequest
from zaloweb.events import Thread, ThreadKind
from zaloweb.wire.envelope import compact, readable


@dataclass(frozen=True, slots=True)
class Icon:
    """A reaction: its code, its number, and its source (6 for all that Zalo's clients offer)."""

    code: str
    number: int
    source: int


_NUMBERS: Final = {
    "HAHA": (":>", 0),
    "LIKE": ("/-strong", 3),
    "HEART": ("/-heart", 5),
    "WOW": (":o", 32),
    "CRY": (":-((", 2),
    "ANGRY": (":-h", 20),
    "KISS": (":-*", 8),
    "TEARS_OF_JOY": (":')", 7),
    "SHIT": ("/-shit", 66),
    "ROSE": ("/-rose", 120),
    "BROKEN_HEART": ("/-break", 65),
    "DISLIKE": ("/-weak", 4),
    "LOVE": (";xx", 29),
    "CONFUSED": (";-/", 51),
    "WINK": (";-)", 45),
    "FADE": ("/-fade", 121),
    "SUN": ("/-li", 67),
    "BIRTHDAY": ("/-bd", 126),
    "BOMB": ("/-bome", 127),
    "OK": ("/-ok", 68),
    "PEACE": ("/-v", 69),
    "THANKS": ("/-thanks", 70),
    "PUNCH": ("/-punch", 71),
    "SHARE": ("/-share", 72),
    "PRAY": ("_()_", 73),
    "NO": ("/-no", 131),
    "BAD": ("/-bad", 132),
    "LOVE_YOU": ("/-loveu", 133),
    "SAD": ("--b", 1),
    "VERY_SAD": (":((", 16),
    "COOL": ("x-)", 21),
    "NERD": ("8-)", 22),
    "BIG_SMILE": (";-d", 23),
    "SUNGLASSES": ("b-)", 26),
    "NEUTRAL": (":--|", 30),
    "SAD_FACE": ("p-(", 35),
    "BYE": (":-bye", 36),
    "SLEEPY": ("|-)", 38),
    "WIPE": (":wipe", 39),
    "DIG": (":-dig", 42),
    "ANGUISH": ("&-(", 44),
    "HANDCLAP": (":handclap", 46),
    "ANGRY_FACE": (">-|", 47),
    "F_CHAIR": (":-f", 48),
    "L_CHAIR": (":-l", 49),
    "R_CHAIR": (":-r", 50),
    "SILENT": (";-x", 52),
    "SURPRISE": (":-o", 53),
    "EMBARRASSED": (";-s", 54),
    "AFRAID": (";-a", 60),
    "SAD2": (":-<", 61),
    "BIG_LAUGH": (":))", 62),
    "RICH": ("$-)", 63),
    "BEER": ("/-beer", 99),
}
_SOURCE: Final = 6

ICONS: Final = {name: Icon(code, number, _SOURCE) for name, (code, number) in _NUMBERS.items()}
"""All reactions by name: `ICONS["HEART"]`."""

NO_ICON: Final = Icon("", -1, _SOURCE)
"""Takes a reaction back."""

_BY_CODE: Final = {icon.code: icon for icon in ICONS.values()}


class MessageIds(Protocol):
    """Anything with both ids of a message: a `Message`, a `Target`, a `Sent`."""

    @property
    def msg_id(self) -> str: ...

    @property
    def cli_msg_id(self) -> str: ...


class ReactionIds(msgspec.Struct, frozen=True, rename="camel"):
    """The ids of the reactions, as a list or as the JSON text of one."""

    msg_ids: list[int | str] | str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The exact ids of the reactions."""
        listed = self.msg_ids
        if isinstance(listed, str):
            listed = readable(listed, list[int | str])
        return tuple(str(number) for number in listed or ())


def icon_of(code: str) -> Icon:
    """The icon with this code. An unknown one is sent with the number -1, like a removal."""
    return _BY_CODE.get(code, Icon(code, NO_ICON.number, _SOURCE))


def react(thread: Thread, target: MessageIds, icon: Icon, *, client_id: int, imei: str) -> Call[ReactionIds]:
    """Reacts to a message; `NO_ICON` takes that back. Raises `InvalidRequest` for invalid ids."""
    require_thread(thread, "a reaction")
    reaction = {
        "rMsg": [{"gMsgID": _number(target.msg_id), "cMsgID": _number(target.cli_msg_id), "msgType": 1}],
        "rIcon": icon.code,
        "rType": icon.number,
        "source": icon.source,
    }
    listed = {"react_list": [{"message": compact(reaction), "clientId": client_id}]}
    if thread.kind is ThreadKind.GROUP:
        path, params = "/api/group/reaction", {**listed, "grid": thread.id, "imei": imei}
    else:
        path, params = "/api/message/reaction", {**listed, "toid": thread.id}
    return Call("react", "POST", "reaction", path, ReactionIds, params, "form")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise InvalidRequest(f"a reaction needs both ids of its message, and {text!r} is none")
    return int(text)
