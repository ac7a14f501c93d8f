"""Where this client differs from the reference by decision: the one table.

A key is a pattern of case names as in a shell (`*` also runs over `/`), the value says what differs and why.
A key may end in `#` and a kind of difference: then only the cases that show such a difference count, and they
say so by `differs(kind)`. A case in the table is still run, and held as far as both agree.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

DIFFERENCES: dict[str, str] = {
    "ws-events/in/*#own": (
        "What the account itself did is an event with is_self; the reference is silent unless asked."
    ),
    "ws-events/in/*#empty": "No marks left is no event; the reference emits an empty list.",
    "ws-events/in/*#unknown": (
        "A command or an action without a name is an UnknownEvent, so that somebody notices when Zalo changes."
    ),
    "ws-events/in/*#pong": "The answer to a ping is an event, so that a watchdog sees the connection live.",
    "ws-events/in/*#undecodable": (
        "What cannot be read is always told; the reference is silent about a key frame without a key."
    ),
    "ws-events/in/*#neighbours": "Items after a bad one are read; the reference drops the rest of the frame.",
    "ws-events/in/*#lenient": "Some of what the reference gives up on can be read.",
}


def reason(name: str) -> str:
    """Why a case, or a kind of difference in it (`name#kind`), differs by decision; "" when it must agree."""
    return next((why for pattern, why in DIFFERENCES.items() if fnmatchcase(name, pattern)), "")
