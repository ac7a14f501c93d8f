"""What an operator answers when a lane is set up. None stands for a question that was not answered."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.config.choices import Disclosure, DmPolicy, GroupPolicy, OutboundMode, PairingReply, Reload
from clawlane.config.senders import ANYONE


@dataclass(frozen=True, slots=True)
class Named:
    """An id with the name that the directory has for it, if it has one."""

    id: str
    name: str = ""


EVERYBODY = Named(ANYONE)


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """A group that is heard. Without `senders`, those of `groupAllowFrom` may speak in it."""

    id: str
    name: str = ""
    senders: tuple[Named, ...] | None = None


@dataclass(frozen=True, slots=True)
class AgentChoice:
    """An agent of a kind (`echo`, `endpoint`, `model`, `acp`, `command`) and what that kind needs.

    Its key is never here: `key_env` names a variable, `key_file` a private file.
    """

    kind: str = "echo"
    url: str = ""
    model: str = ""
    key_env: str = ""
    key_file: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertChoice:
    """How the owner is told of what waits (`off`, `webhook`, `command`, `thread`), and what that needs.

    The secret is never here: `secret_env` names a variable, `secret_file` a private file.
    """

    kind: str = "off"
    url: str = ""
    secret_env: str = ""
    secret_file: str = ""
    command: tuple[str, ...] = ()
    account: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers about one account. `agent`, `reload` and `timezone` are about the whole gateway.

    An empty `timezone` is the machine's, an empty `quiet_hours` (`22:00-07:00`) none.
    """

    dm_policy: DmPolicy | None = None
    allow_from: tuple[Named, ...] | None = None
    pairing_reply: PairingReply | None = None
    group_policy: GroupPolicy | None = None
    groups: tuple[GroupChoice, ...] | None = None
    group_allow_from: tuple[Named, ...] | None = None
    owner_takeover: str | None = None
    agent: AgentChoice | None = None
    reload: Reload | None = None
    outbound: OutboundMode | None = None
    disclosure: Disclosure | None = None
    timezone: str | None = None
    quiet_hours: str | None = None
    warm_up: bool | None = None
    alerts: AlertChoice | None = None
    owner_commands: bool | None = None


def span_of(quiet_hours: str) -> dict[str, str]:
    """Quiet hours as the config writes them, from `22:00-07:00`."""
    begin, _, end = quiet_hours.partition("-")
    return {"from": begin.strip(), "to": end.strip(), "do": "hold"}
