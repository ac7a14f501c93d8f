"""An edit of the config in words: what it changes, whom it lets in, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clawlane.ops.config_edit import Changed
from clawlane.ops.config_standing import Verdict
from clawlane.ops.finding_text import one_line, severity_word
from clawlane.texts import t
from clawlane.words.standing import APPLY, standing_lines
from clawlane.words.strangers import sanitize

_LONGEST = 200


class Line(NamedTuple):
    """A sentence; one that `warns` says what may not be meant."""

    text: str
    warns: bool = False


def lines(made: Changed, *, removed: bool = False) -> Iterator[Line]:
    """Whom a change lets in and keeps out, and what may not be meant.

    `removed` says that entries of a list were to go.
    """
    for one in made.widens:
        yield Line(t("opens: {what}", what=one))
    for one in made.narrows:
        yield Line(t("closes: {what}", what=one))
    if made.dropped and not removed:
        lost = sanitize(", ".join(made.dropped), _LONGEST)
        note = t("note: {path} loses {entries}; to add to a list: --add ENTRY", path=made.path, entries=lost)
        yield Line(note, warns=True)
    for warning in made.warnings:
        yield Line(t("warning: {what}", what=warning), warns=True)
    for found in made.findings:
        yield Line(f"{severity_word(found)}: {one_line(found)}", warns=True)


def ahead(made: Changed) -> Iterator[str]:
    """What would become of a change that is not written yet."""
    if not made.diff:
        yield from outcome(made)
    elif made.standing.verdict is Verdict.WAITS:
        yield t("It would wait for: {command}", command=APPLY)


def outcome(made: Changed) -> Iterator[str]:
    """What was written, and what a running gateway makes of it."""
    waits = made.standing.verdict is Verdict.WAITS
    if not made.diff:
        yield t("Nothing to change: {file} already says so.", file=made.file)
        if waits or made.standing.verdict is Verdict.REFUSED:
            yield from standing_lines(made.standing)
    elif made.dry_run:
        nothing = t("Nothing was written (--dry-run).")
        yield f"{nothing} {t('It would wait for: {command}', command=APPLY)}" if waits else nothing
    else:
        before = t("Written: {file} (before: {backup})", file=made.file, backup=made.backup)
        yield before if made.backup else t("Written: {file}", file=made.file)
        yield from standing_lines(made.standing, list(map(t, made.widens)))
