"""Where this client differs from the reference by decision: the one table.

A key is a pattern of case names as in a shell (`*` also runs over `/`), the value says what differs and why.
A key may end in `#` and a kind of difference: then only the cases that show such a difference count, and they
say so by `differs(kind)`. A case in the table is still run, and held as far as both agree.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

_COMES_BACK = (
    "Every close but 3000 and 3003 is followed by a new connection; the reference only comes back for the "
    "codes of the server's table, and only when asked to."
)
_GIVES_BACK = (
    "After 3003 the account is given back, for two clients that both come back would fight; "
    "the reference comes back."
)

_CONNECTED_LATER = (
    "Connected is told once the key has come, when the connection can be used; the reference tells of the "
    "open socket, over which nothing can be read yet."
)

DIFFERENCES: dict[str, str] = {
    "login/*#stops": (
        "A login that Zalo refuses ends there; the reference asks for the server info before it looks."
    ),
    "login/*#code": "The code with which Zalo refuses a login is told; the reference swallows it.",
    "qr/*#code": "The code with which Zalo refuses a QR login is told; the reference swallows it.",
    "ws-events/in/*#own": (
        "What the account itself did is an event with is_self; the reference is silent unless asked."
    ),
    "ws-events/in/*#empty": "No marks left is no event; the reference emits an empty list.",
    "ws-events/in/*#unknown": (
        "A command or an action without a name is an UnknownEvent: somebody notices when Zalo changes."
    ),
    "ws-events/in/*#notice": (
        "What Zalo itself writes into a conversation, and what nobody can have typed, is a Notice; the "
        "reference calls all of it a message."
    ),
    "ws-events/in/*#pong": "The answer to a ping is an event, so that a watchdog sees the connection live.",
    "ws-events/in/*#undecodable": (
        "What cannot be read is always told; the reference is silent about a key frame without a key."
    ),
    "ws-events/in/*#neighbours": "Items after a bad one are read; the reference drops the rest of the frame.",
    "ws-events/in/*#lenient": "Some of what the reference gives up on can be read.",
    "ws-events/connect/*": _CONNECTED_LATER,
    "ws-events/close/key-again-after-reconnect": _CONNECTED_LATER,
    "ws-events/close/server-1000": _COMES_BACK,
    "ws-events/close/server-1006": _COMES_BACK,
    "ws-events/close/server-1011*": _COMES_BACK,
    "ws-events/close/server-4001*": _COMES_BACK,
    "ws-events/close/server-10*-retry": "The wait is spread above the server's figure; it is not the figure.",
    "ws-events/close/retry-until-exhausted": (
        "A lost line is taken up again without end, with growing waits, and after the last endpoint comes "
        "the first; the reference stays at the last, then gives up."
    ),
    "ws-events/close/server-3003-retry": _GIVES_BACK,
    "ws-events/close/rotates-on-3003": _GIVES_BACK,
    "ws-events/close/start-twice": "Asking for events anew ends the first connection; the reference refuses.",
    "ws-events/close/stop*": "Who stops listening is told nothing more; the reference tells of the close.",
    "addReaction/*#type": "A reaction without all of its parts cannot be made: its type asks for them.",
    "errors/fetchAccountInfo/inner-data-*": "An answer without a profile is an error, and no null.",
}


def reason(name: str) -> str:
    """Why a case, or a kind of difference in it (`name#kind`), differs by decision; "" when it must agree."""
    return next((why for pattern, why in DIFFERENCES.items() if fnmatchcase(name, pattern)), "")
