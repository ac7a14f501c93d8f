"""What the access rules say about one message, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    GROUP_DISABLED = "group_disabled"
    REVOKED_BEFORE_RUN = "revoked_before_run"


@dataclass(frozen=True, slots=True)
class Rule:
    """What decided: a config path, and where its value came from (account, channel, built-in …)."""

    path: str
    origin: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One verdict. `trail` names the gates that the message passed, in order; `rule` is where it ended."""

    outcome: Outcome
    reason: Reason
    rule: Rule
    trail: tuple[str, ...] = ()

    @property
    def admitted(self) -> bool:
        return self.outcome is Outcome.ADMIT
