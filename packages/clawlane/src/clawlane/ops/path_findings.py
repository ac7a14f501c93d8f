"""Programs called `openclaw` on the operator's PATH: this one, and OpenClaw itself, which is another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from clawlane.ops.findings import Finding, Severity

NAME, OURS = "openclaw", "clawlane"
_HEAD = 4096


def of_path(search: str) -> Iterator[Finding]:
    """Another program of our name in the folders of `search` (`PATH`), and which of the two would run."""
    found = list(dict.fromkeys(_programs(search)))
    others = [one for one in found if not _is_ours(one)]
    if not others:
        return
    first = found[0] not in others
    severity = Severity.NOTE if first else Severity.WARNING
    case = {"case": "ours first"} if first else {}
    yield Finding(severity, "other_openclaw", str(others[0]), {**case, "target": str(found[0])})


def _programs(search: str) -> Iterator[Path]:
    for folder in search.split(os.pathsep):
        path = Path(folder or ".", NAME)
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _is_ours(program: Path) -> bool:
    """Whether a program is a command of clawlane, or leads to one.

    Installers write a short script that names the package. A link may be called otherwise than its target.
    """
    try:
        target = program.resolve(strict=True)
        with target.open("rb") as stream:
            return target.name == OURS or OURS.encode() in stream.read(_HEAD)
    except OSError:
        return False
