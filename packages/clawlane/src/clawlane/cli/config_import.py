"""`config import`: bring a config of OpenClaw over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, echo_wrapped, print_json
from clawlane.ops.client import Client
from clawlane.ops.config_import import Import, LeftOut
from clawlane.ops.finding_text import finding_json, one_line, severity_word
from clawlane.texts import Later, later, t
from clawlane.words.standing import standing_json, standing_lines
from clawlane.words.strangers import sanitize

_LEFT_OUT, _CHANGED = later("left out: {place}: {reason}"), later("changed: {place}: {reason}")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a config that is there; it is kept as ….bak.")
@click.option("--dry-run", is_flag=True, help="Print the config, and write nothing.")
@json_option
def import_file(file: Path, force: bool, dry_run: bool, as_json: bool) -> None:
    """Take over the config of OpenClaw in FILE.

    What clawlane has too is kept, with its comments and all digits of its ids. The
    rest is left out and named. FILE stays as it is.

    \b
    Examples:
      openclaw config import ~/.openclaw/openclaw.json --dry-run
      openclaw config import ~/.openclaw/openclaw.json
    """
    made = Client().run_here(Import(str(file.absolute()), force, dry_run))
    if as_json:
        shown = {"text": made.text} if dry_run else {}
        findings = list(map(finding_json, made.findings))
        names: dict[str, Any] = {"file": made.file, "backup": made.backup or None, "written": not dry_run}
        names["gateway"] = standing_json(made.standing)
        kept = {"left_out": made.left_out, "adapted": made.adapted}
        print_json(**names, **kept, warnings=made.warnings, findings=findings, **shown)
        return
    if dry_run:
        click.echo(made.text.rstrip("\n"))
    for line in key_lines(made.left_out, made.adapted):
        echo_wrapped(line, hanging="  ", err=True)
    for warning in made.warnings:
        echo_wrapped(t("warning: {warning}", warning=warning), hanging="  ", err=True)
    for found in made.findings:
        echo_wrapped(f"{severity_word(found)}: {one_line(found)}", hanging="  ", err=True)
    if dry_run:
        click.echo(t("Nothing was written (--dry-run)."), err=True)
        return
    echo_wrapped(written_line(made.file, made.backup), hanging="  ")
    for line in standing_lines(made.standing):
        echo_wrapped(line, hanging="  ")
    echo_line(t("Look at it, then check the setup: openclaw doctor"))


def key_lines(left_out: Iterable[LeftOut], adapted: Iterable[LeftOut]) -> Iterator[str]:
    """What became of keys that clawlane does not have, or understands otherwise, a line each."""
    for said, keys in ((_LEFT_OUT, left_out), (_CHANGED, adapted)):
        for one in keys:
            place = place_words(one)
            where = t("{path} (line {line})", path=place, line=one.line) if one.line else place
            yield t(said, place=where, reason=t(one.reason))


def place_words(one: LeftOut) -> str:
    """A key, as it is written there, or whose senders or login it is about."""
    return sanitize(t(one.path) if isinstance(one.path, Later) else one.path, 200)


def written_line(file: str, backup: str) -> str:
    """That a config was written, and where the one before it is kept."""
    if backup:
        return t("Written: {file} (before: {backup})", file=file, backup=backup)
    return t("Written: {file}", file=file)
