"""`doctor`: what is wrong with the config and around it, what to do about each thing, and mending names."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from clawlane.cli.context import CliContext
from clawlane.cli.output import echo_wrapped, sanitize
from clawlane.ops.client import ControlError
from clawlane.ops.doctor import CheckUp, Fixed, FixNames
from clawlane.ops.findings import Finding
from clawlane.ops.operation import plain

_LONGEST = 400
_INDENT = " " * 9


@click.command()
@click.option("--fix", is_flag=True, help="Look names up again, and write ids into the config file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(fix: bool, as_json: bool) -> int:
    """Check the whole set-up, and say what to do about everything that is wrong with it.

    \b
    Exit code:
      0  nothing is wrong, or there are only warnings and notes
      1  there are errors
    """
    setup = CliContext()
    fixed = setup.call(FixNames()) if fix else None
    found = _check_up(setup)
    ok = not any(one.severity.fails for one in found)
    if as_json:
        told = {"findings": found, **({"fixed": fixed} if fixed else {})}
        click.echo(json.dumps({"ok": ok, **plain(told)}, ensure_ascii=False))
    else:
        _print(found, fixed)
    return 0 if ok else 1


def _check_up(setup: CliContext) -> list[Finding]:
    """A gateway that cannot answer keeps nobody from checking what is on the disk."""
    try:
        return setup.call(CheckUp())
    except ControlError:
        return setup.run_here(CheckUp())


def _print(found: Sequence[Finding], fixed: Fixed | None) -> None:
    if fixed is not None:
        _print_fixed(fixed)
    if not found:
        click.echo("Nothing is wrong.")
    for one in found:
        named = f" [{', '.join(one.accounts)}]" if len(one.accounts) > 1 else ""
        text = f"{sanitize(one.place, _LONGEST)}: {sanitize(one.text, _LONGEST)}{named}"
        echo_wrapped(text, f"{one.severity:<9}", _INDENT)
        if one.mend:
            echo_wrapped(sanitize(one.mend, _LONGEST), f"{_INDENT}→ ", f"{_INDENT}  ")


def _print_fixed(fixed: Fixed) -> None:
    for line in fixed.failures:
        click.echo(f"not looked up: {line}", err=True)
    if not fixed.changes:
        click.echo("No name could be replaced by an id; the config file is as it was.\n")
        return
    click.echo(f"Wrote ids into {fixed.file}; the former file is {fixed.backup}")
    for line in fixed.changes:
        click.echo(f"  {line}")
    click.echo("A running gateway reads the new file when it is started again.\n")
