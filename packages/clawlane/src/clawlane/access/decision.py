"""What the access rules say about one message, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from clawlane.config.choices import Acks

BUILT_IN = "built-in"
MENTION_GATE = "mention:"
ASKED_GATE = "require_mention:"

LIVE, FETCHED = "live", "fetched"


class Outcome(StrEnum):
    """What happens to a message."""

    ADMIT = "admit"
    CHALLENGE = "challenge"
    PEND = "pend"
    DROP = "drop"


class Reason(StrEnum):
    """Why. The codes are what logs, counters and commands show."""

    SELF = "self"
    OWN_ACCOUNT = "own_account"
    MALFORMED_ID = "malformed_id"
    EMPTY = "empty"
    TOO_OLD = "too_old"
    DM_ALLOWLISTED = "dm_allowlisted"
    DM_PAIRED = "dm_paired"
    DM_OPEN = "dm_open"
    DM_DISABLED = "dm_disabled"
    DM_NOT_ALLOWLISTED = "dm_not_allowlisted"
    DM_PAIRING_REQUIRED = "dm_pairing_required"
    DM_PAIRING_PENDING = "dm_pairing_pending"
    DM_PAIRING_SILENT = "dm_pairing_silent"
    DM_PAIRING_HELD = "dm_pairing_held"
    DM_PAIRING_FULL = "dm_pairing_full"
    DM_REJECTED = "dm_rejected"
    GROUP_DISABLED = "group_disabled"
    GROUP_ENTRY_DISABLED = "group_entry_disabled"
    GROUP_NO_ALLOWLIST = "group_no_allowlist"
    GROUP_NOT_ALLOWLISTED = "group_not_allowlisted"
    GROUP_DENY_UNRESOLVED = "group_deny_unresolved"
    GROUP_SENDER_LIST_EMPTY = "group_sender_list_empty"
    GROUP_SENDER_NOT_ALLOWED = "group_sender_not_allowed"
    COMMAND_UNAUTHORIZED = "command_unauthorized"
    MENTION_REQUIRED = "mention_required"
    MENTION_UNDETECTABLE = "mention_undetectable"
    GROUP_ADMITTED = "group_admitted"
    ALBUM_CLOSED = "album_closed"
    REVOKED_BEFORE_RUN = "revoked_before_run"


@dataclass(frozen=True, slots=True)
class Rule:
    """What decided: a config path, and where its value came from (account, channel, defaults, built-in …).

    `line` is that of the config file, for a value that is written there, and `text` is the key with its value
    as it was (`groupPolicy: 'open'`). Two rules are one if they stand in the same place.
    """

    path: str
    origin: str = BUILT_IN
    line: int | None = None
    text: str = field(default="", compare=False)


ALBUM = Rule("album")
"""The built-in rule that an album is answered once: with what was there when it closed."""

RETENTION = Rule("retention")
"""The built-in rule that what may have been answered and forgotten is not answered again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One verdict. `trail` names the gates that the message passed, in order; `rule` is where it ended.

    `command` is the control command that the message is (`/stop`), if its sender may use it and was admitted.
    `keep_as_history` is true for a group message that is not answered but belongs into what the agent is
    shown with the next admitted one: it was pended, or is too old and passed the gates before the mention.
    `revision` stands for the config that was in force; it is no part of what was decided.
    """

    outcome: Outcome
    reason: Reason
    rule: Rule
    trail: tuple[str, ...] = ()
    command: str = ""
    keep_as_history: bool = False
    revision: str = field(default="", compare=False)

    @property
    def admitted(self) -> bool:
        return self.outcome is Outcome.ADMIT

    @property
    def mention(self) -> str:
        """How an admitted group message passed the last gate; empty for every other message.

        One of explicit, pattern, quote, command, not_needed.
        """
        last = self.trail[-1] if self.trail else ""
        return last.removeprefix(MENTION_GATE) if last.startswith(MENTION_GATE) else ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown to the other side. `seen` is also the flag that the delivered signal carries."""

    delivered: bool = False
    seen: bool = False
    typing: bool = False


_NONE = Shown()

_AFTER = {
    Outcome.ADMIT: Shown(delivered=True, seen=True, typing=True),
    Outcome.PEND: Shown(delivered=True),
}


def signals(outcome: Outcome, acks: Acks) -> Shown:
    """What follows a decision. A blocked or challenged sender sees nothing; `off` stops all three."""
    return _NONE if acks is Acks.OFF else _AFTER.get(outcome, _NONE)
