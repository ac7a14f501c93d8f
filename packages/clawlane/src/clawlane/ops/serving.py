"""What a gateway serves besides the lane."""

from __future__ import annotations

from msgspec import Struct


class Listening(Struct, frozen=True):
    """One service, at `address`; `problem` is why it cannot be served, in a sentence."""

    address: str
    problem: str = ""
