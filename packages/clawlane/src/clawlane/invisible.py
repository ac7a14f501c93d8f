"""Characters that nobody sees, and texts that hold nothing else."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
_CONTROLS: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
_MARKS: Final = ("Mn", "Mc", "Me")

FILLERS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u2800\u3164\uffa0\ufff0-\ufff8\U000e0000-\U000effff]"
)
"""Letters and marks displayed as nothing (Default_Ignorable_Code_Point, and the empty braille cell).

Plane 14 holds only tags and selectors.
"""


def is_invisible(char: str) -> bool:
    """Whether a character controls how text is displayed, or can hide from people what an agent reads.

    The joiners and the selectors of emoji and scripts are not counted.
    """
    if char in _JOINERS:
        return False
    return unicodedata.category(char) in _CONTROLS or FILLERS.fullmatch(char) is not None


def says_nothing(text: str) -> bool:
    """Whether people see nothing of a text: only blanks, invisible characters, and marks without a letter."""
    return all(
        char.isspace() or char in _JOINERS or is_invisible(char) or unicodedata.category(char) in _MARKS
        for char in text
    )
