"""What can go wrong with metrics as a whole."""

from __future__ import annotations


class MetricsUnusable(Exception):
    """No metrics can be served. `sentence` says why, in one line made by `later`."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
