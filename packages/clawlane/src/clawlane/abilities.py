"""What a lane can be seen to do, one by one: each in words, and the event that proves it on an account.

Where the knowledge behind each comes from is the channel's to say (`clawlane.capabilities.SaysHowKnown`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from clawlane.texts import later, t


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
    Source.RECORDED: later("recorded from the reference client"),
    Source.REPORTED: later("public report"),
    Source.SIMULATED: later("simulator only"),
}

_WORDS: Final = {
    Ability.LOGIN: (later("the session"), later("the account connected with it")),
    Ability.RECONNECT: (
        later("coming back after a lost connection"),
        later("`openclaw verify` closed it and it came back"),
    ),
    Ability.READ_DIRECT: (later("reading direct messages"), later("one was read and decided")),
    Ability.READ_GROUP: (later("reading group messages"), later("one was read and decided")),
    Ability.READ_MENTION: (
        later("knowing when the account is mentioned"),
        later("a message named it in its mentions"),
    ),
    Ability.READ_ALBUM: (
        later("reading an album as one message"),
        later("the parts of one were put together"),
    ),
    Ability.READ_FILE: (later("fetching the files of messages"), later("one was fetched")),
    Ability.RECALLS: (
        later("deletions by others"),
        later("one named a message that is known, and was by its author"),
    ),
    Ability.OWN_DELETIONS: (
        later("what the owner deletes on the phone"),
        later("a deletion named a message that is known"),
    ),
    Ability.TEXT: (later("sending texts"), later("the platform named an id, or the text came back")),
    Ability.STYLES: (
        later("bold, colours and other styles"),
        later("the platform took a text that has some"),
    ),
    Ability.MENTIONS: (later("mentions in texts"), later("the platform took a text that has some")),
    Ability.QUOTE: (later("quoting a message"), later("the platform took a text that quotes one")),
    Ability.PHOTO: (later("sending a picture"), later("the platform named an id, or the picture came back")),
    Ability.ALBUM: (
        later("sending several pictures as an album"),
        later("the platform named an id for each picture"),
    ),
    Ability.FILE: (later("sending a file"), later("the platform named an id, or the file came back")),
    Ability.VOICE: (
        later("sending a voice message"),
        later("the platform named an id, or the message came back"),
    ),
    Ability.VIDEO: (later("sending a video"), later("the platform named an id, or the video came back")),
    Ability.LINK: (
        later("sending a link with a preview"),
        later("the platform named an id, or the link came back"),
    ),
    Ability.REACTION: (later("reacting to a message"), later("the platform took a reaction")),
    Ability.UNDO: (
        later("taking messages back"),
        later("the platform took it, or told of a message taken back"),
    ),
    Ability.TYPING: (later("showing that an answer is being written"), later("the platform took it")),
    Ability.DELIVERED: (later("showing that a message has come"), later("the platform took it")),
    Ability.SEEN: (later("showing that a message was seen"), later("the platform took it")),
    Ability.ECHO: (
        later("seeing what the account sent"),
        later("a send came back under an id that is known"),
    ),
    Ability.LOOK_UP: (
        later("looking up what was sent"),
        later("fetched history held something that was sent from here"),
    ),
    Ability.RESENDING: (later("sending again what did not arrive"), later("the platform took such a send")),
    Ability.TAKEOVER: (
        later("holding back where the owner writes"),
        later("the owner wrote by hand while own sends came back under known ids"),
    ),
}

_WHEN_OFF: Final = {
    Ability.UNDO: later("nothing is taken back: `message undo` and `sent --recall` refuse"),
    Ability.ALBUM: later("pictures leave one by one"),
    Ability.VOICE: later("voice messages leave as files"),
    Ability.MENTIONS: later("texts leave without mentions, in the same words"),
    Ability.RESENDING: later("what may not have arrived waits for your decision"),
    Ability.TAKEOVER: later("the agent goes on where the owner writes"),
    Ability.RECALLS: later("what others delete stays as it is"),
}

_WHY_OFF: Final = {
    Off.REFUSALS: later("the platform refused it {n} times", n=REFUSALS),
    Off.ECHOES: later("what the account sends comes back under ids that match nothing"),
    Off.OPERATOR: later("switched off by hand"),
}


def what(ability: Ability) -> str:
    """What it is, as a noun: `sending a voice message`."""
    return t(_WORDS[ability][0])


def proof(ability: Ability) -> str:
    """The event after which it counts as seen to work on an account, as a short sentence."""
    return t(_WORDS[ability][1])


def when_off(ability: Ability) -> str:
    """What happens instead while one of `RISKY` is off, as a short sentence."""
    return t(_WHEN_OFF[ability])


def why_off(off: Off) -> str:
    """Why it is off, as a short sentence."""
    return t(_WHY_OFF[off])
