"""Whether somebody may speak in a group."""

from __future__ import annotations

from enum import StrEnum


class Who(StrEnum):
    """Whether somebody may speak in a group at all."""

    ANYONE = "anyone"
    LISTED = "listed"
    NOBODY = "nobody"
