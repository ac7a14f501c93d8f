"""An alarm as operations tell it: a light value, for commands that only show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from clawlane.alarm_kinds import KNOWLEDGE, AlarmKind

if TYPE_CHECKING:
    from clawlane.store.alarm_told import Alarm


class AlarmInfo(Struct, frozen=True):
    """An alarm. `command` helps, `page` is the topic of its runbook.

    `source` says where we know from that there is such a sign; only what was `seen` on a real account is
    proven. `paused` says that it muted the account.
    """

    id: int
    account: str
    kind: AlarmKind
    first_ms: int
    last_ms: int
    times: int
    evidence: dict[str, str | int | bool | list[str] | None]
    open: bool
    ended_ms: int | None
    acknowledged_ms: int | None
    paused: bool
    command: str
    page: str
    seen: bool
    source: str

    @classmethod
    def of(cls, alarm: Alarm) -> AlarmInfo:
        known = KNOWLEDGE[alarm.kind]
        return cls(
            id=alarm.id,
            account=alarm.account,
            kind=alarm.kind,
            first_ms=alarm.first_ms,
            last_ms=alarm.last_ms,
            times=alarm.times,
            evidence=dict(alarm.evidence),
            open=alarm.open,
            ended_ms=alarm.ended_ms,
            acknowledged_ms=alarm.acknowledged_ms,
            paused=alarm.paused,
            command=_command(alarm),
            page=alarm.kind.page,
            seen=known.seen,
            source=known.source,
        )


_COMMANDS = {
    AlarmKind.PLATFORM_WARNING: "openclaw why --last 20",
    AlarmKind.LOGIN_REFUSED: "openclaw channels status",
    AlarmKind.KICKED: "openclaw session show",
    AlarmKind.REFUSALS: "openclaw sent --since 1d",
    AlarmKind.FRIENDS_FELL: "openclaw directory peers list",
    AlarmKind.OUTBOUND_FAILS: "openclaw outbox list",
    AlarmKind.INBOUND_SILENT: "openclaw gateway restart",
    AlarmKind.NODE_LOST: "openclaw cluster status",
}
"""The command that helps with each kind, or shows more."""

_OF_ACCOUNT = frozenset(("openclaw channels", "openclaw session", "openclaw sent", "openclaw directory"))


def _command(alarm: Alarm) -> str:
    command = _COMMANDS[alarm.kind]
    if " ".join(command.split()[:2]) not in _OF_ACCOUNT:
        return command
    channel, _, account = alarm.account.partition("/")
    return f"{command} --channel {channel} --account {account}"
