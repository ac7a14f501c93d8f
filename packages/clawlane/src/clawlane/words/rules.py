"""Where the rules of an answer were read, in words."""

from __future__ import annotations

from clawlane.ops.rules_from import RulesFrom
from clawlane.texts import t


def rules_line(rules: RulesFrom, *, error_told: bool = False) -> str:
    """Where the rules of an answer were read, and whether file and gateway differ, as one sentence.

    Why a file cannot be used is left out where that was told already.
    """
    of_gateway = rules.source == "gateway"
    if not rules.running:
        return t("Rules: from the file (no gateway runs)")
    if rules.error and not rules.differs:
        unknown = t("a gateway runs, but did not say which config it uses ({error})", error=rules.error)
        return t("Rules: from the file; {other}", other=unknown)
    if not rules.differs:
        other = t("the file says the same") if of_gateway else t("the running gateway uses the same")
    elif rules.error:
        other = t("the file cannot be used, and the gateway keeps the last good one")
        other += "" if error_told else f": {rules.error}"
    elif rules.waiting:
        other = t("the file lets more in, which waits for: openclaw config apply")
    else:
        other = t("the file differs") if of_gateway else t("the running gateway uses others")
        other += t("; to apply the file: openclaw config apply")
    if of_gateway:
        return t("Rules: from the running gateway; {other}", other=other)
    return t("Rules: from the file; {other}", other=other)
