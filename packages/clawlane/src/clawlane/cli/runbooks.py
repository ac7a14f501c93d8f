"""The runbook of each kind of alarm: a topic of `openclaw help`, and a page in docs/ (`make docs`)."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from clawlane.alarm_kinds import AlarmKind
from clawlane.ops.alarm_text import proof, sentence

PAGES = {kind.page: kind for kind in AlarmKind}
"""The kinds of alarms by the names of their topics."""


def runbook(name: str) -> str:
    """The page of a topic in `PAGES`, as markdown."""
    kind, folder = PAGES[name], files("clawlane.cli").joinpath("topics")
    text = folder.joinpath(f"{name}.md").read_text(encoding="utf-8")
    told = sentence(kind)
    return text.replace("{sentence}", f"{told[0].upper()}{told[1:]}").replace("{proof}", proof(kind))


if __name__ == "__main__":
    for name in PAGES:
        (Path(sys.argv[1]) / f"{name}.md").write_text(runbook(name), encoding="utf-8")
