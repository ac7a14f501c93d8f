"""The people whom an owner has decided about, or has yet to, as the store tells of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """Somebody who waits for the owner. `reason` is the pairing reason of the last message.

    `is_friend` is None where that is not known. `namesake_id` and `namesake` are the friend whose name
    somebody bears who is not known to be a friend; empty for everybody else. `code_state` is the state of
    the text with the code in the outbox, empty where there is none; `sent` if one of several has left.
    """

    account: str
    sender_id: str
    sender_name: str
    code: str
    reason: str
    created_ms: int
    expires_ms: int
    is_friend: bool | None = None
    namesake_id: str = ""
    namesake: str = ""
    code_state: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A sender whom the owner turned away on one account. `until_ms` is None for a block."""

    account: str
    sender_id: str
    sender_name: str
    rejected_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Approved:
    """A sender whom the owner let in, on one account."""

    account: str
    sender_id: str
    sender_name: str
    approved_ms: int
