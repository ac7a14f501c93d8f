"""The words a setting can take. Free of pydantic, so that the access rules import them cheaply."""

from __future__ import annotations

from enum import StrEnum


class DmPolicy(StrEnum):
    """Who may write to the account in a direct message."""

    PAIRING = "pairing"
    ALLOWLIST = "allowlist"
    OPEN = "open"
    DISABLED = "disabled"


class GroupPolicy(StrEnum):
    """In which groups the account listens."""

    ALLOWLIST = "allowlist"
    OPEN = "open"
    DISABLED = "disabled"


class PairingReply(StrEnum):
    """Who is sent a pairing code: everybody, strangers only, or nobody (the operator sees the request)."""

    CODE = "code"
    FRIENDS_SILENT = "friends-silent"
    SILENT = "silent"


class Acks(StrEnum):
    """When admitted messages are marked as seen: at once, with the answer, or never, like all other acks."""

    AUTO = "auto"
    ON_REPLY = "on-reply"
    OFF = "off"


class Takeover(StrEnum):
    """Who decides that an account of a lost node runs elsewhere: the operator, or the other nodes."""

    ASK = "ask"
    AUTO = "auto"


class OutboundMode(StrEnum):
    """What leaves of what the agent writes: everything, what the owner approves, or nothing at all."""

    AUTO = "auto"
    APPROVE = "approve"
    OFF = "off"


class Disclosure(StrEnum):
    """How people are told that a program answers: before its first answer, before each one, or not at all."""

    FIRST = "first"
    PREFIX = "prefix"
    OFF = "off"


class QuietDo(StrEnum):
    """What becomes of a reply in quiet hours: it waits for their end, or is not sent."""

    HOLD = "hold"
    DROP = "drop"


class Reload(StrEnum):
    """What becomes of an edit of the config that widens access: it counts at once, or waits to be applied."""

    AUTO = "auto"
    ASK = "ask"


class Locale(StrEnum):
    """The languages in which clawlane writes."""

    VI = "vi"
    EN = "en"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class ResendUnknown(StrEnum):
    """Whether a message whose delivery is unknown is sent again: never, or once it is known to be missing."""

    NEVER = "never"
    WHEN_ABSENT = "when-absent"


class Tables(StrEnum):
    """How a markdown table is written for a channel that has none."""

    OFF = "off"
    BULLETS = "bullets"
    CODE = "code"
    BLOCK = "block"
