"""What a gateway serves besides the lane.

ServiceUnusable     it cannot be served; `sentence` says why
"""

from __future__ import annotations

from msgspec import Struct


class Listening(Struct, frozen=True):
    """One service, at `address`; `problem` is why it cannot be served, in a sentence."""

    address: str
    problem: str = ""


class ServiceUnusable(Exception):
    """It cannot be served. `sentence` says why, in one line made by `later`."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
