"""Whether a group message is meant for the account, and how that was recognised."""

from __future__ import annotations

import re
from enum import StrEnum

from clawlane.access.policy import Grants, Policy
from clawlane.messages import Inbound, Mention

_SUFFIX = re.compile(r"_[0-9]+\Z")


class Recognised(StrEnum):
    """How a message that is meant for the account was recognised."""

    EXPLICIT = "explicit"
    PATTERN = "pattern"
    QUOTE = "quote"
    COMMAND = "command"


def recognised(inbound: Inbound, policy: Policy, grants: Grants) -> Recognised | None:
    """The first sign that the account is meant: its id in the mentions, a pattern in the text, a quote."""
    if any(names(one, grants.own_id) for one in inbound.mentions):
        return Recognised.EXPLICIT
    if any(pattern.fits(inbound.text) for pattern in policy.mention_patterns):
        return Recognised.PATTERN
    return Recognised.QUOTE if _quotes(inbound, grants) else None


def detectable(policy: Policy, grants: Grants) -> bool:
    """Whether a mention could be recognised at all."""
    return bool(grants.own_id or policy.mention_patterns)


def names(mention: Mention, own_id: str) -> bool:
    """Whether a mention is of this id. A mention of everyone is of nobody in particular."""
    return not mention.everyone and _same(mention.user_id, own_id)


def _same(user_id: str, own_id: str) -> bool:
    """Whether two ids are one: the `_<n>` that Zalo hangs on some ids does not count."""
    return bool(own_id) and _SUFFIX.sub("", user_id) == own_id


def _quotes(inbound: Inbound, grants: Grants) -> bool:
    quote = inbound.quote
    if quote is None:
        return False
    ids = filter(None, (quote.message_id, quote.client_id))
    return _same(quote.owner_id, grants.own_id) or any(id_ in grants.receipts for id_ in ids)
