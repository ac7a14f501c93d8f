"""What the access rules say about one message, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from clawlane.config.choices import Acks, OutboundMode

BUILT_IN = "built-in"

MENTION_GATE = "mention:"
ASKED_GATE = "require_mention:"
SENDER_GATE = "sender:"
LIVE, FETCHED = "live", "fetched"
"""How gates are written in `Decision.trail`."""


class Outcome(StrEnum):
    """What happens to a message."""

    ADMIT = "admit"
    CHALLENGE = "challenge"
    PEND = "pend"
    DROP = "drop"


class Reason(StrEnum):
    """Why it happens, as logs, counters and commands show it."""

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
    OWNER_TOOK_OVER = "owner_took_over"
    OUTBOUND_OFF = "outbound_off"
    REVOKED_BEFORE_RUN = "revoked_before_run"


@dataclass(frozen=True, slots=True)
class Rule:
    """What decided: a config path, and which layer set its value (account, channel, defaults, built-in …).

    `line` is the line of the config file, for a value that is written there, and `text` the key with its
    value at that time (`groupPolicy: 'open'`). Rules at the same place are equal.
    """

    path: str
    origin: str = BUILT_IN
    line: int | None = None
    text: str = field(default="", compare=False)


def rule_gate(rule: Rule) -> str:
    """A rule as a trail names it: `channels.zalouser.groups['*'].allowFrom (line 12)`."""
    return rule.path if rule.line is None else f"{rule.path} (line {rule.line})"


ALBUM = Rule("album")
"""The built-in rule that an album is answered once, with the parts that were there when it closed."""

OWNER = Rule("self")
"""The built-in rule that what the account itself writes is never answered."""

RETENTION = Rule("retention")
"""The built-in rule that a message is not answered if it may have been answered and forgotten."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a message. `trail` names the gates it passed, in order; `rule` is what decided.

    `command` is the control command that the message is (`/stop`), if its sender was admitted and may use
    it. `keep_as_history` is true for a message that is not answered, but shown to the agent with the next
    admitted one of its thread: it was pended, or it is too old and passed the gates before the mention.
    `revision` is that of the config in force; decisions compare equal without it.
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


def held_back(decision: Decision, reason: Reason, rule: Rule, history_limit: int) -> Decision:
    """What an admission becomes while nothing may be answered: context for the next answer of its thread.

    A command is neither carried out nor kept.
    """
    keep = history_limit > 0 and not decision.command
    return replace(decision, outcome=Outcome.PEND, reason=reason, rule=rule, command="", keep_as_history=keep)


@dataclass(frozen=True, slots=True)
class AckSignals:
    """What the other side is shown. `seen` is also the flag that the delivered signal carries.

    `seen_with_reply` is a seen that follows once a part of the reply has arrived.
    """

    delivered: bool = False
    seen: bool = False
    typing: bool = False
    seen_with_reply: bool = False


def ack_signals(outcome: Outcome, acks: Acks, mode: OutboundMode = OutboundMode.AUTO) -> AckSignals:
    """What follows a decision. A dropped or challenged sender sees nothing; `off` stops everything.

    Where the owner approves replies, nothing tells that somebody reads or writes before one has left.
    """
    silent = acks is Acks.OFF or mode is OutboundMode.OFF
    if silent or outcome not in (Outcome.ADMIT, Outcome.PEND):
        return AckSignals()
    admitted = outcome is Outcome.ADMIT
    later = acks is Acks.ON_REPLY or mode is OutboundMode.APPROVE
    return AckSignals(
        delivered=True,
        seen=admitted and not later,
        typing=admitted and mode is OutboundMode.AUTO,
        seen_with_reply=admitted and later,
    )
