"""What only a running gateway knows: findings in its status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clawlane.host.clocks import clock_findings
from clawlane.host.doctor.finding import Finding, Level


def of_status(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Findings about the accounts in a status, as `clawlane.host.status` describes it."""
    for channel, block in status["channels"].items():
        for account, fields in block["accounts"].items():
            for line in clock_findings(fields["skew_ms"]):
                message, _, mend = line.rpartition("; ")
                yield Finding(Level.WARNING, "clock", "clock", message, mend, f"{channel}/{account}")
