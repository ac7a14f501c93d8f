"""Whether a group message is meant for the account, and by which sign."""

from __future__ import annotations

import re
from enum import StrEnum

from clawlane.access.policy import AccessPolicy, Grants
from clawlane.messages import Inbound, Mention

_SUFFIX = re.compile(r"_[0-9]+\Z")


class MentionSign(StrEnum):
    """What shows that a message is meant for the account."""

    EXPLICIT = "explicit"
    PATTERN = "pattern"
    QUOTE = "quote"
    COMMAND = "command"


def find_mention(inbound: Inbound, policy: AccessPolicy, grants: Grants) -> MentionSign | None:
    """The first sign that the account is meant: its id in the mentions, a pattern in the text, a quote."""
    if any(is_mention_of(one, grants.own_id) for one in inbound.mentions):
        return MentionSign.EXPLICIT
    if any(pattern.fits(inbound.text) for pattern in policy.mention_patterns):
        return MentionSign.PATTERN
    quote = inbound.quote
    if quote is None:
        return None
    ids = filter(None, (quote.message_id, quote.client_id))
    if _is_same(quote.owner_id, grants.own_id) or any(id_ in grants.receipts for id_ in ids):
        return MentionSign.QUOTE
    return None


def can_detect_mentions(policy: AccessPolicy, grants: Grants) -> bool:
    """Whether any mention could be recognised: the own id is known, or there are patterns."""
    return bool(grants.own_id or policy.mention_patterns)


def is_mention_of(mention: Mention, own_id: str) -> bool:
    """Whether a mention is of this id. A mention of everyone is of nobody in particular."""
    return not mention.everyone and _is_same(mention.user_id, own_id)


def _is_same(user_id: str, own_id: str) -> bool:
    """Whether two ids are the same, without the `_<n>` that Zalo appends to some."""
    return bool(own_id) and _SUFFIX.sub("", user_id) == own_id
