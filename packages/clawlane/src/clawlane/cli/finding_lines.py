"""How `doctor` and `security audit` print a finding."""

from __future__ import annotations

from clawlane.cli.output import echo_wrapped, sanitize
from clawlane.ops.finding_text import action, place, text
from clawlane.ops.findings import Finding

_LONGEST = 400
_OR_FIX = " (or: openclaw doctor --fix)"


def print_finding(one: Finding, indent: str, width: int, *, fixing: bool = False) -> None:
    """A finding with what to do about it. While `fixing`, `doctor --fix` is not offered again."""
    hanging = indent + " " * width
    level = "accepted" if one.accepted else one.severity
    told = f"{sanitize(place(one), _LONGEST)}: {sanitize(text(one), _LONGEST)}"
    echo_wrapped(told, f"{indent}{level:<{width}}", hanging)
    if mend := action(one):
        also = _OR_FIX if one.fixable and not fixing and "doctor --fix" not in mend else ""
        echo_wrapped(f"{sanitize(mend, _LONGEST)}{also}", f"{hanging}→ ", f"{hanging}  ")
