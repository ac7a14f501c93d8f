"""The shapes that `--json` of every command shares; docs/operating.md describes them.

An account is its name `channel/id`; `accounts` and `channels` are objects by name. Who is logged in is a
`user`, and what is said of a platform's risk a `risk`.
"""

from __future__ import annotations

from typing import Any

from clawlane.credentials.profile import Consent
from clawlane.words.unofficial import UNOFFICIAL


def user_json(user_id: str, name: str) -> dict[str, str] | None:
    """Who is logged in on an account: `{"id", "name"}`; None for nobody."""
    return {"id": user_id, "name": name} if user_id else None


def risk_json(text: str, consent: Consent | None, *, unofficial: bool) -> dict[str, Any] | None:
    """The risk of a channel, and whether it was accepted for an account; None for a channel without one.

    `label` is empty for a channel that its platform offers. `accepted_ms` is None and `expendable` and
    `others` are empty where nothing was accepted, or no account is meant.
    """
    if not text and consent is None:
        return None
    label = UNOFFICIAL if unofficial else ""
    return {
        "label": label,
        "text": text,
        "accepted_ms": consent.accepted_ms if consent else None,
        "expendable": consent.expendable if consent else "",
        "others": consent.others if consent else "",
    }
