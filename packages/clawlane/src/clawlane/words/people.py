"""People who ask to write, or were decided about, in words."""

from __future__ import annotations

from clawlane.store.people import Approved, PairingRequest, Rejected
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize
from clawlane.words.times import local

_TOLD = {
    "dm_pairing_silent": later("nothing (silent)"),
    "dm_pairing_held": later("nothing yet (held)"),
}
"""What the person who waits has been told, by the reason of their last message."""


_BY_STATE = {
    "queued": later("not yet (waits)"),
    "sending": later("code (on its way)"),
    "unknown": later("code (unconfirmed)"),
    "refused": later("nothing (not sent)"),
    "cancelled": later("nothing (not sent)"),
    "expired": later("nothing (not sent)"),
}
"""The same, by where the text with the code stands; the code has arrived in every other state."""


_FRIEND = {True: later("yes"), False: later("no"), None: later("not known")}


_CODE = later("the code")


def who(row: Approved | PairingRequest | Rejected) -> str:
    return f"{sanitize(row.sender_name) or t('somebody without a name')} ({row.sender_id})"


def namesake(row: PairingRequest) -> str:
    return f"{sanitize(row.namesake)} ({row.namesake_id})"


def until(row: Rejected) -> str:
    return t("for good") if row.until_ms is None else t("until {time}", time=local(row.until_ms))


def friend(row: PairingRequest) -> str:
    """Whether they are a friend: a stranger with a friend's name is named as such."""
    if row.namesake_id:
        return t("NO, has the name of {friend}", friend=namesake(row))
    return t(_FRIEND[row.is_friend])


def told_so_far(row: PairingRequest) -> str:
    """What they have been told."""
    return t(_TOLD.get(row.reason) or _BY_STATE.get(row.code_state, _CODE))


def approved_sentence(row: Approved) -> str:
    """What it means that they were approved."""
    return t("Approved: {who} may now write to {account}.", who=who(row), account=row.account)


def namesake_sentence(row: PairingRequest) -> str:
    """The warning about a stranger with the name of a friend."""
    same = later("{who} is not a friend, but has the same name as the friend {friend}")
    return t(same, who=who(row), friend=namesake(row))


def revoked_sentence(row: Approved) -> str:
    """That an approval was taken back."""
    was = later("Revoked: {who} was let in on {account} by pairing, and is not any more.")
    return t(was, who=who(row), account=row.account)


def rejected_sentence(row: Rejected) -> str:
    """That somebody was turned away, and until when."""
    return t("Rejected: {who} on {account} {until}.", who=who(row), account=row.account, until=until(row))


def unblocked_sentence(row: Rejected) -> str:
    """That somebody who was turned away may ask again."""
    return t("{who} may ask {account} for a code again.", who=who(row), account=row.account)
