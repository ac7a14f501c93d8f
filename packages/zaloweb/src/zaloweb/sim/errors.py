"""What can go wrong on the simulator's side.

    SimulatorError
    ├── Impossible        the story cannot go on like this: a confirmation without a scan, an ambiguous name
    │   └── Unknown       nobody and nothing has that name or id
    ├── NothingArrived    what was waited for did not come before the deadline
    └── Refusal           an API call answered with an error code instead of data

Texts are one line and say what to do instead.
"""

from __future__ import annotations


class SimulatorError(Exception):
    """The root of the simulator's errors."""


class Impossible(SimulatorError):
    """A handle of the world was used at the wrong moment."""


class Unknown(Impossible):
    """A name or an id that is not in the world."""


class NothingArrived(SimulatorError):
    """A wait for something the client should do ran out."""


class Refusal(SimulatorError):
    """An answer of the API that is an error: `code` and the text the client gets."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
