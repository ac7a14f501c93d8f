"""`security audit`: how open and how careful the lanes are, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from clawlane import __version__
from clawlane.cli.finding_lines import print_finding
from clawlane.cli.json_shapes import risk_json
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import columns, echo_line, echo_wrapped, print_json
from clawlane.clock import now_ms
from clawlane.ops.audit import Audit, Audited
from clawlane.ops.client import Client
from clawlane.ops.finding_text import finding_json
from clawlane.ops.findings import Finding, Severity
from clawlane.ops.speakers import speakers_text
from clawlane.ops.verification_state import verification_text
from clawlane.texts import later, t, tn
from clawlane.words.account_rows import risk_words
from clawlane.words.rules import rules_line
from clawlane.words.strangers import sanitize

_LONGEST = 400
_SHARED = later("This machine and all accounts")
_RISK, _PROOF, _SPEAKS, _ACCEPTED = later("risk"), later("proof"), later("speaks"), later("accepted")
_COUNTED: dict[str, Callable[[int], str]] = {
    Severity.CRITICAL: lambda n: tn("{n} critical", "{n} critical", n),
    Severity.ERROR: lambda n: tn("{n} error", "{n} errors", n),
    Severity.WARNING: lambda n: tn("{n} warning", "{n} warnings", n),
    Severity.NOTE: lambda n: tn("{n} note", "{n} notes", n),
    "accepted": lambda n: tn("{n} accepted", "{n} accepted", n),
}
"""How many findings are how bad."""


@click.group()
def security() -> None:
    """See how open and how careful the lanes are."""


@security.command()
@channel_option("Only this channel (default: all).")
@account_option()
@json_option
def audit(channel: str | None, account: str | None, as_json: bool) -> int:
    """Check everything that concerns safety, by the config that is in force.

    A personal account as a lane is never clean: that its risk was accepted is
    always told, and counts as accepted.

    \b
    Exit code:
      0  nothing worse than a warning
      1  something is critical or an error

    \b
    Examples:
      openclaw security audit
      openclaw security audit --account work --json
    """
    found = Client().call(Audit(channel, account, __version__))
    code = 1 if any(one.severity.fails for one in found.findings) else 0
    if as_json:
        print_json(ok=code == 0, exit_code=code, counts=_counts(found.findings), **_json(found))
        return code
    width = max(columns(t(head)) for head in (_RISK, _PROOF, _SPEAKS, _ACCEPTED)) + 1
    echo_line(rules_line(found.rules))
    for accounts, findings in _grouped(found):
        echo_line(f"\n{', '.join(accounts) or t(_SHARED)}")
        for one in findings:
            print_finding(one, "  ", width)
        for account_name in accounts if len(accounts) == 1 else ():
            for head, line in _known(found, account_name):
                echo_wrapped(line, f"  {t(head):<{width}}", " " * (width + 2))
    click.echo()
    echo_line(t("{findings}; exit code {code}", findings=_summary(found.findings), code=code))
    return code


def _grouped(found: Audited) -> Iterator[tuple[tuple[str, ...], list[Finding]]]:
    """The findings by the accounts they are about; the accounts with the worst ones first."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for one in found.findings:
        groups.setdefault(one.accounts, []).append(one)
    for name in found.accounts:
        groups.setdefault((name,), [])
    yield from groups.items()


def _known(found: Audited, name: str) -> Iterator[tuple[str, str]]:
    """The risk, the proof, and who may speak, of one account."""
    one = found.accounts.get(name)
    if one is None:
        return
    yield _RISK, risk_words(one.consent)
    yield _PROOF, verification_text(one.verification, now_ms())
    for number, group in enumerate(one.speakers):
        yield "" if number else _SPEAKS, sanitize(speakers_text(group), _LONGEST)


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counted = Counter("accepted" if one.accepted else str(one.severity) for one in findings)
    return {level: counted[level] for level in (*map(str, Severity), "accepted")}


def _summary(findings: Sequence[Finding]) -> str:
    """`4 findings: 1 critical, 2 warnings, 1 accepted`."""
    counts = {level: count for level, count in _counts(findings).items() if count}
    told = ", ".join(_COUNTED[level](count) for level, count in counts.items())
    if not told:
        return t("No findings")
    return tn("1 finding: {counts}", "{n} findings: {counts}", len(findings), counts=told)


def _json(found: Audited) -> dict[str, Any]:
    accounts = {
        name: {
            "risk": risk_json(one.risk, one.consent, unofficial=one.unofficial),
            "verification": one.verification,
            "speakers": [
                {"text": speakers_text(group), "group": group.group, "who": group.who, "count": group.count}
                for group in one.speakers
            ],
        }
        for name, one in found.accounts.items()
    }
    return {"rules": found.rules, "findings": list(map(finding_json, found.findings)), "accounts": accounts}
