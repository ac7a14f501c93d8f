"""The simulator's errors.

    SimulatorError
    ├── Impossible        an action does not fit the moment: a confirmation without a scan, an ambiguous name
    │   └── Unknown       no user, group or message has that name or id
    ├── NothingArrived    a wait reached its deadline
    └── Refusal           an API call answered with an error code instead of data

Messages are one line and say what to do instead.
"""

from __future__ import annotations


class SimulatorError(Exception):
    """The root of the simulator's errors."""


class Impossible(SimulatorError):
    """An action that is not possible now."""


class Unknown(Impossible):
    """A name or an id that is not in the world."""


class NothingArrived(SimulatorError):
    """A wait for something the client should do reached its deadline."""


class Refusal(SimulatorError):
    """An API answer with an error: the `code` and `message` the client gets."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
