"""How an account is, as values: its phase and why, its health, and whether its session is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """The phase of an account's life."""

    STOPPED = "stopped"
    STARTING = "starting"
    CONNECTING = "connecting"
    READY = "ready"
    DEGRADED = "degraded"
    NEEDS_LOGIN = "needs_login"
    NEEDS_CONSENT = "needs_consent"
    REPLACED = "replaced"
    PAUSED = "paused"
    FAILED = "gave_up"


class StateCode(StrEnum):
    """Why an account is in its phase, for programs. A channel may report codes of its own.

    The comments name the phases that a code comes with. Codes are stable: none is ever renamed.
    """

    NOT_STARTED = "not_started"  # stopped: nothing has started it since the gateway came up
    GATEWAY_DOWN = "gateway_down"  # stopped: no gateway runs
    STOPPED_BY_OPERATOR = "stopped_by_operator"  # stopped
    STOPPED_BY_CONFIG = "stopped_by_config"  # stopped: disabled in the config, or not in it any more
    GATEWAY_STOPS = "gateway_stops"  # stopped
    RESTARTING = "restarting"  # stopped: starts again at once
    CHANNEL_ENDED = "channel_ended"  # stopped: the channel returned without a reason
    STARTING = "starting"  # starting
    TAKING_BACK = "taking_back"  # starting: waits until the other client of the account is closed
    LOGGING_IN = "logging_in"  # connecting: with the stored session
    LOGIN_FAILED = "login_failed"  # connecting: retries
    LOGIN_REFUSED = "login_refused"  # needs_login: the platform does not let this program in
    SESSION_REFUSED = "session_refused"  # connecting: logs in again; needs_login: that did not help
    READY = "ready"  # ready
    LIMITED = "limited"  # ready, without some services of the platform
    SENDING_FAILS = "sending_fails"  # ready, but no message is known to arrive
    CONNECTION_LOST = "connection_lost"  # degraded: reconnects
    OVERDUE = "overdue"  # degraded: starting or connecting takes too long
    CRASHED = "crashed"  # degraded: starts again
    CRASHED_REPEATEDLY = "crashed_repeatedly"  # failed
    OWNED_ELSEWHERE = (
        "owned_elsewhere"  # stopped: another node has the account; failed: another gateway took it
    )
    NOT_LOGGED_IN = "not_logged_in"  # needs_login
    SESSION_EXPIRED = "session_expired"  # needs_login
    SESSION_UNREADABLE = "session_unreadable"  # needs_login: the stored session is damaged or lacks its key
    CONSENT_MISSING = "consent_missing"  # needs_consent
    CONSENT_UNREADABLE = "consent_unreadable"  # needs_consent: its record is damaged
    CONSENT_OF_OTHER_USER = "consent_of_other_user"  # needs_consent: given for another user of the platform
    TAKEN_OVER = "taken_over"  # replaced: another client took the connection
    KICKED = "kicked"  # replaced: the platform ended the session
    OFFLINE = "offline"  # paused by the operator, with the connection closed


_BY_ITSELF = (StateCode.NOT_STARTED, StateCode.RESTARTING)
_STUCK = (Phase.NEEDS_LOGIN, Phase.NEEDS_CONSENT, Phase.REPLACED, Phase.PAUSED, Phase.FAILED)


def waits_for_operator(phase: Phase, code: str) -> bool:
    """Whether an account stays as it is until somebody does something."""
    return phase in _STUCK or (phase is Phase.STOPPED and code not in _BY_ITSELF)


class Health(StrEnum):
    """Of one direction or service: unknown until something was seen."""

    UNKNOWN = "unknown"
    OK = "ok"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Whether the stored session is accepted right now."""

    ok: bool
    user_id: str = ""
    user_name: str = ""
    error: str = ""
    expired: bool = False
    elapsed_ms: int = 0
