"""Control commands in a text, and who may give them in a group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from clawlane.access.mention import names
from clawlane.access.policy import Grants, Policy
from clawlane.messages import Inbound, merged

COMMANDS = frozenset({"/new", "/reset", "/status", "/stop", "/help", "/whoami"})
CLEARS_HISTORY = frozenset({"/new", "/reset"})
STOP = "/stop"

_AT_WORD = re.compile(r"\s*@\S+")
_LONGEST = max(map(len, COMMANDS))


def command_in(inbound: Inbound, own_id: str) -> str:
    """The command that the whole text is, in lower case; empty if it is none.

    The spans that mention the own id do not count, or, where there is none, one leading `@word`.
    """
    text = inbound.text
    if "/" not in text:
        return ""
    spans = [one for one in inbound.mentions if names(one, own_id)]
    if spans:
        for one in sorted(spans, key=lambda span: span.start, reverse=True):
            start = max(one.start, 0)
            text = text[:start] + text[max(one.start + one.length, start) :]
    else:
        text = _AT_WORD.sub("", text, count=1) if _AT_WORD.match(text) else text
    word = text.strip()
    return word.lower() if len(word) <= _LONGEST and word.lower() in COMMANDS else ""


def as_one(parts: Sequence[Inbound], own_id: str) -> Inbound:
    """The parts of an album as the message that is decided: what counts in any caption counts for all.

    A command stands for the whole text, also where another part has a caption.
    """
    whole = merged(parts)
    for part in parts:
        if command_in(part, own_id):
            return replace(whole, text=part.text, mentions=part.mentions)
    return whole


def may_command(sender_id: str, policy: Policy, grants: Grants) -> bool:
    """Whether a sender may use control commands in groups. In direct messages everybody admitted may."""
    lists = (policy.group_allow, policy.allow, policy.owners)
    return any(listed is not None and listed.holds(sender_id, grants.pins) for listed in lists)
