"""The texts of `openclaw help TOPIC`, in several languages, and the runbook of each kind of alarm.

The English runbooks are pages in docs/, too (`make docs`).
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from clawlane.alarm_kinds import AlarmKind
from clawlane.ops.alarm_text import proof, sentence
from clawlane.texts import locale

PAGES = {kind.page: kind for kind in AlarmKind}
"""The kinds of alarms by the names of their topics."""


def topic_text(name: str, ending: str) -> str:
    """What the file of a topic says: the one of the language in force, else the English one."""
    folder = files("clawlane.cli").joinpath("topics")
    own = folder.joinpath(f"{name}.{locale()}.{ending}")
    found = own if own.is_file() else folder.joinpath(f"{name}.{ending}")
    return found.read_text(encoding="utf-8")


def runbook(name: str) -> str:
    """The page of a topic in `PAGES`, as markdown, in the language in force."""
    kind, text = PAGES[name], topic_text(name, "md")
    told = sentence(kind)
    return text.replace("{sentence}", f"{told[0].upper()}{told[1:]}").replace("{proof}", proof(kind))


if __name__ == "__main__":
    for name in PAGES:
        (Path(sys.argv[1]) / f"{name}.md").write_text(runbook(name), encoding="utf-8")
