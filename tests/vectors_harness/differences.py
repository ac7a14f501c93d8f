"""Where this client differs from the reference by decision: the one table.

The key is a pattern of case names as in a shell (`*` also runs over `/`), the value says what differs and
why. A case in the table is still run, and held as far as both agree.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

DIFFERENCES: dict[str, str] = {}


def reason(name: str) -> str:
    """Why the case of this name differs by decision, or "" when it must agree in everything."""
    return next((why for pattern, why in DIFFERENCES.items() if fnmatchcase(name, pattern)), "")
