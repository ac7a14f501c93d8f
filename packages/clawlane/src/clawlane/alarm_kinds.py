"""What a gateway raises alarms about: each kind with what follows, its page, and where it is known from.

No kind was seen on a real account yet. Once one was, its `seen` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clawlane.texts import later


class AlarmKind(StrEnum):
    """What an alarm is about."""

    PLATFORM_WARNING = "platform_warning"
    LOGIN_REFUSED = "login_refused"
    KICKED = "kicked"
    REFUSALS = "refusals"
    FRIENDS_FELL = "friends_fell"
    OUTBOUND_FAILS = "outbound_fails"
    INBOUND_SILENT = "inbound_silent"
    NODE_LOST = "node_lost"

    @property
    def page(self) -> str:
        """The name of its runbook page, as `openclaw help` and docs/ have it."""
        return f"runbooks/{self.value.replace('_', '-')}"

    @property
    def pauses(self) -> bool:
        """Whether it looks like the beginning of a ban, so that the account is muted.

        Such an alarm also ends with its acknowledgement. The others end with what they are about.
        """
        return self in _LIKE_A_BAN


_LIKE_A_BAN = frozenset(
    (
        AlarmKind.PLATFORM_WARNING,
        AlarmKind.LOGIN_REFUSED,
        AlarmKind.KICKED,
        AlarmKind.REFUSALS,
        AlarmKind.FRIENDS_FELL,
    )
)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Where it is known from that such a sign exists, and whether it was seen on a real account."""

    source: str
    seen: bool = False


KNOWLEDGE: Final[Mapping[AlarmKind, Knowledge]] = {
    AlarmKind.PLATFORM_WARNING: Knowledge(
        later(
            "one public report that Zalo's security account wrote of third-party software (zca-js#317);"
            " neither its id nor its message is published"
        )
    ),
    AlarmKind.LOGIN_REFUSED: Knowledge(
        later(
            "public reports of logins refused with code -1005, with a warning on the phone (zca-js#317, #303)"
        )
    ),
    AlarmKind.KICKED: Knowledge(
        later(
            "public reports of close code 3003 without another login (zca-js#331, #344); the number is ours"
        )
    ),
    AlarmKind.REFUSALS: Knowledge(
        later(
            "public reports of code 123 after about a hundred strangers, or the same text twice (zca-js#336,"
            " #229, #94); the number is ours"
        )
    ),
    AlarmKind.FRIENDS_FELL: Knowledge(
        later(
            "public reports of accounts that lost their whole friend list before a ban (zca-js#291);"
            " the share is ours"
        )
    ),
    AlarmKind.OUTBOUND_FAILS: Knowledge(
        later("our own sends; what Zalo does then was only seen in the simulator")
    ),
    AlarmKind.INBOUND_SILENT: Knowledge(
        later(
            "public reports of listeners that fall silent while they are connected (zca-js#101, #333, #371);"
            " only seen in the simulator"
        )
    ),
    AlarmKind.NODE_LOST: Knowledge(
        later("our own nodes: one that is only cut off from the database looks like one that is gone")
    ),
}
"""The evidence for each kind, for `alarms list`, `alarms show` and the docs."""
