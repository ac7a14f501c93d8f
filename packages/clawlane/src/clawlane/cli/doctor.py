"""`doctor`: what is wrong with the config and around it, what to do about it, and mending."""

from __future__ import annotations

import os
from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.finding_lines import level_width, print_finding
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, echo_wrapped, print_json
from clawlane.ops.client import Client, ControlError
from clawlane.ops.config_standing import standing_of
from clawlane.ops.doctor import CheckUp
from clawlane.ops.finding_text import finding_json
from clawlane.ops.mending import Fix, Fixed
from clawlane.ops.rules_from import rules_of_file
from clawlane.texts import t
from clawlane.words.rules import rules_line
from clawlane.words.standing import standing_json, standing_lines
from clawlane.words.strangers import sanitize


@click.command()
@click.option("--fix", is_flag=True, help="Fix what can be fixed, and show what was changed.")
@click.option("--dry-run", is_flag=True, help="With --fix: only show what would be changed.")
@json_option
def doctor(fix: bool, dry_run: bool, as_json: bool) -> int:
    """Check the whole setup, and say how to fix everything that is wrong.

    --fix looks names up again and writes ids into the config file, removes
    entries that stand twice in a list, makes files private, and removes what
    writes that were cut off have left. Comments stay, and the former config is
    kept beside it.

    \b
    Exit code:
      0  nothing is wrong, or there are only warnings and notes
      1  something is critical or an error

    \b
    Examples:
      openclaw doctor
      openclaw doctor --fix --dry-run
    """
    if dry_run and not fix:
        raise CliError(t("--dry-run goes with --fix"))
    client = Client()
    fixed = client.call(Fix(dry_run)) if fix else None
    standing = standing_of(client.paths) if fixed and fixed.changes and not dry_run else None
    check = CheckUp(os.environ.get("PATH", ""))
    try:
        found = client.call(check)
    except ControlError:  # a gateway that cannot answer keeps nobody from checking what is on the disk
        found = client.run_here(check)
    rules = rules_of_file(client.paths)
    ok = not any(one.severity.fails for one in found)
    if as_json:
        more: dict[str, Any] = {"fixed": fixed} if fixed else {}
        if standing is not None:
            more["gateway"] = standing_json(standing)
        print_json(ok=ok, findings=list(map(finding_json, found)), rules=rules, **more)
        return 0 if ok else 1
    if fixed is not None:
        _print_fixed(fixed)
        for line in standing_lines(standing) if standing else ():
            echo_wrapped(line, hanging="  ")
        click.echo()
    for one in found:
        print_finding(one, "", level_width(), fixing=fix and not dry_run)
    if not found:
        click.echo(t("Nothing is wrong."))
    elif all(one.accepted for one in found):
        click.echo(t("Nothing else is wrong."))
    told = any(one.data["text"] in rules.error for one in found if one.severity.fails and "text" in one.data)
    echo_wrapped(rules_line(rules, error_told=told), hanging="  ")
    return 0 if ok else 1


def _print_fixed(fixed: Fixed) -> None:
    for line in fixed.failures:
        echo_line(t("not fixed: {what}", what=sanitize(t(line), 300)), err=True)
    for line in fixed.files:
        echo_line(t("would: {what}", what=line) if fixed.dry_run else t("did: {what}", what=line))
    if fixed.dry_run and fixed.changes:
        echo_line(t("Would change {file}:", file=fixed.file))
    elif fixed.changes:
        former = t("Changed {file}; the former file is {backup}", file=fixed.file, backup=fixed.backup)
        echo_line(former)
    else:
        click.echo(t("Nothing in the config file could be fixed; it is unchanged."))
    for line in fixed.changes:
        click.echo(f"  {line}")
