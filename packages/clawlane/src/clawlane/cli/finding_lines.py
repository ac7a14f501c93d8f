"""How `doctor` and `security audit` print a finding."""

from __future__ import annotations

from clawlane.cli.output import columns, echo_wrapped
from clawlane.ops.finding_text import SEVERITIES, action, place, severity_word, text
from clawlane.ops.findings import Finding
from clawlane.texts import t
from clawlane.words.strangers import sanitize

_LONGEST = 400


def level_width() -> int:
    """Columns of the word that says how bad a finding is, with a gap after the widest."""
    return max(map(columns, (t("accepted"), *map(t, SEVERITIES.values())))) + 1


def print_finding(one: Finding, indent: str, width: int, *, fixing: bool = False) -> None:
    """A finding with what to do about it, its level in a column of at least `width`.

    While `fixing`, `doctor --fix` is not offered again.
    """
    width = max(width, level_width())
    hanging = indent + " " * width
    level = t("accepted") if one.accepted else severity_word(one)
    told = f"{sanitize(place(one), _LONGEST)}: {sanitize(text(one), _LONGEST)}"
    echo_wrapped(told, f"{indent}{level:<{width}}", hanging)
    if mend := sanitize(action(one), _LONGEST):
        if one.fixable and not fixing and "doctor --fix" not in mend:
            mend = t("{action} (or: openclaw doctor --fix)", action=mend)
        echo_wrapped(mend, f"{hanging}→ ", f"{hanging}  ")
