"""What can go wrong with a console as a whole."""

from __future__ import annotations


class ConsoleUnusable(Exception):
    """The console cannot listen. `sentence` says why, in one line made by `later`."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
