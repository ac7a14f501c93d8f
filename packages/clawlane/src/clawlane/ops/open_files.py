"""How many files and sockets a process may have open: each account, browser and child process takes a few."""

from __future__ import annotations

import resource
from collections.abc import Iterator

from clawlane.ops.findings import Finding, Severity

ENOUGH = 1024
"""What a gateway should be allowed at least."""

_MOST = 65_536
"""Not more than that: child processes inherit the limit, and some try every number up to it."""


def raise_limit() -> None:
    """Let this process have as many open as it may set itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def of_open_files() -> Iterator[Finding]:
    """A limit that is too small even where it is raised as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < ENOUGH:
        yield Finding(Severity.WARNING, "few_files", "gateway", {"limit": str(hard), "enough": str(ENOUGH)})
