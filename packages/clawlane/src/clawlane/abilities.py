"""What a lane can be seen to do, one by one: each in words, and the event that proves it on an account.

Where the knowledge behind each comes from is the channel's to say (`clawlane.capabilities.SaysHowKnown`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Ability(StrEnum):
    """One thing that works on an account or does not. The names are stable."""

    LOGIN = "login"
    RECONNECT = "reconnect"
    READ_DIRECT = "read-direct"
    READ_GROUP = "read-group"
    READ_MENTION = "read-mention"
    READ_ALBUM = "read-album"
    READ_FILE = "read-file"
    RECALLS = "recalls"
    OWN_DELETIONS = "own-deletions"
    TEXT = "text"
    STYLES = "styles"
    MENTIONS = "mentions"
    QUOTE = "quote"
    PHOTO = "photo"
    ALBUM = "album"
    FILE = "file"
    VOICE = "voice"
    VIDEO = "video"
    LINK = "link"
    REACTION = "reaction"
    UNDO = "undo"
    TYPING = "typing"
    DELIVERED = "delivered"
    SEEN = "seen"
    ECHO = "echo"
    LOOK_UP = "look-up"
    RESENDING = "resending"
    TAKEOVER = "takeover"


class Source(StrEnum):
    """Where the knowledge of an ability comes from, the surest first."""

    RECORDED = "recorded"
    REPORTED = "reported"
    SIMULATED = "simulated"


class Off(StrEnum):
    """Why an ability is switched off."""

    REFUSALS = "refusals"
    ECHOES = "echoes"
    OPERATOR = "operator"


RISKY: Final = (
    Ability.UNDO,
    Ability.ALBUM,
    Ability.VOICE,
    Ability.MENTIONS,
    Ability.RESENDING,
    Ability.TAKEOVER,
    Ability.RECALLS,
)
"""What can do harm where it works otherwise than is known. Its first use is told, and it can be off."""

COUNTED: Final = (Ability.UNDO, Ability.ALBUM, Ability.VOICE, Ability.MENTIONS, Ability.RESENDING)
"""What is switched off once the platform refused it `REFUSALS` times, unless it has been seen to work."""

REFUSALS: Final = 2

SOURCES: Final = {
    Source.RECORDED: "recorded from the reference client",
    Source.REPORTED: "public report",
    Source.SIMULATED: "simulator only",
}

_WORDS: Final = {
    Ability.LOGIN: ("the session", "the account connected with it"),
    Ability.RECONNECT: (
        "coming back after a lost connection",
        "`openclaw verify` closed it and it came back",
    ),
    Ability.READ_DIRECT: ("reading direct messages", "one was read and decided"),
    Ability.READ_GROUP: ("reading group messages", "one was read and decided"),
    Ability.READ_MENTION: ("knowing when the account is mentioned", "a message named it in its mentions"),
    Ability.READ_ALBUM: ("reading an album as one message", "the parts of one were put together"),
    Ability.READ_FILE: ("fetching the files of messages", "one was fetched"),
    Ability.RECALLS: ("deletions by others", "one named a message that is known, and was by its author"),
    Ability.OWN_DELETIONS: (
        "what the owner deletes on the phone",
        "a deletion named a message that is known",
    ),
    Ability.TEXT: ("sending texts", "the platform named an id, or the text came back"),
    Ability.STYLES: ("bold, colours and other styles", "the platform took a text that has some"),
    Ability.MENTIONS: ("mentions in texts", "the platform took a text that has some"),
    Ability.QUOTE: ("quoting a message", "the platform took a text that quotes one"),
    Ability.PHOTO: ("sending a picture", "the platform named an id, or the picture came back"),
    Ability.ALBUM: ("sending several pictures as an album", "the platform named an id for each picture"),
    Ability.FILE: ("sending a file", "the platform named an id, or the file came back"),
    Ability.VOICE: ("sending a voice message", "the platform named an id, or the message came back"),
    Ability.VIDEO: ("sending a video", "the platform named an id, or the video came back"),
    Ability.LINK: ("sending a link with a preview", "the platform named an id, or the link came back"),
    Ability.REACTION: ("reacting to a message", "the platform took a reaction"),
    Ability.UNDO: ("taking messages back", "the platform took it, or told of a message taken back"),
    Ability.TYPING: ("showing that an answer is being written", "the platform took it"),
    Ability.DELIVERED: ("showing that a message has come", "the platform took it"),
    Ability.SEEN: ("showing that a message was seen", "the platform took it"),
    Ability.ECHO: ("seeing what the account sent", "a send came back under an id that is known"),
    Ability.LOOK_UP: ("looking up what was sent", "fetched history held something that was sent from here"),
    Ability.RESENDING: ("sending again what did not arrive", "the platform took such a send"),
    Ability.TAKEOVER: (
        "holding back where the owner writes",
        "the owner wrote by hand while own sends came back under known ids",
    ),
}

_WHEN_OFF: Final = {
    Ability.UNDO: "nothing is taken back: `message undo` and `sent --recall` refuse",
    Ability.ALBUM: "pictures leave one by one",
    Ability.VOICE: "voice messages leave as files",
    Ability.MENTIONS: "texts leave without mentions, in the same words",
    Ability.RESENDING: "what may not have arrived waits for your decision",
    Ability.TAKEOVER: "the agent goes on where the owner writes",
    Ability.RECALLS: "what others delete stays as it is",
}

_WHY_OFF: Final = {
    Off.REFUSALS: f"the platform refused it {REFUSALS} times",
    Off.ECHOES: "what the account sends comes back under ids that match nothing",
    Off.OPERATOR: "switched off by hand",
}


def what(ability: Ability) -> str:
    """What it is, as a noun: `sending a voice message`."""
    return _WORDS[ability][0]


def proof(ability: Ability) -> str:
    """The event after which it counts as seen to work on an account, as a short sentence."""
    return _WORDS[ability][1]


def when_off(ability: Ability) -> str:
    """What happens instead while one of `RISKY` is off, as a short sentence."""
    return _WHEN_OFF[ability]


def why_off(off: Off) -> str:
    """Why it is off, as a short sentence."""
    return _WHY_OFF[off]
