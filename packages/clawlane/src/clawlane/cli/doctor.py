"""`doctor`: what is wrong with the config and around it, what to do about it, and fixing names."""

from __future__ import annotations

import click

from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json, sanitize
from clawlane.ops.client import Client, ControlError
from clawlane.ops.doctor import CheckUp, Fixed, FixNames
from clawlane.ops.finding_text import action, finding_json, place, text

_LONGEST = 400
_INDENT = " " * 9


@click.command()
@click.option("--fix", is_flag=True, help="Look up names again, and write ids into the config file.")
@json_option
def doctor(fix: bool, as_json: bool) -> int:
    """Check the whole setup, and say how to fix everything that is wrong.

    \b
    Exit code:
      0  nothing is wrong, or there are only warnings and notes
      1  there are errors
    """
    client = Client()
    fixed = client.call(FixNames()) if fix else None
    try:
        found = client.call(CheckUp())
    except ControlError:  # a gateway that cannot answer keeps nobody from checking what is on the disk
        found = client.run_here(CheckUp())
    ok = not any(one.severity.fails for one in found)
    if as_json:
        print_json(ok=ok, findings=list(map(finding_json, found)), **({"fixed": fixed} if fixed else {}))
        return 0 if ok else 1
    if fixed is not None:
        _print_fixed(fixed)
    if not found:
        click.echo("Nothing is wrong.")
    for one in found:
        named = f" [{', '.join(one.accounts)}]" if len(one.accounts) > 1 else ""
        told = f"{sanitize(place(one), _LONGEST)}: {sanitize(text(one), _LONGEST)}{named}"
        echo_wrapped(told, f"{one.severity:<9}", _INDENT)
        if mend := action(one):
            echo_wrapped(sanitize(mend, _LONGEST), f"{_INDENT}→ ", f"{_INDENT}  ")
    return 0 if ok else 1


def _print_fixed(fixed: Fixed) -> None:
    for line in fixed.failures:
        click.echo(f"not looked up: {line}", err=True)
    if not fixed.changes:
        click.echo("No name could be replaced by an id; the config file is as it was.\n")
        return
    click.echo(f"Wrote ids into {fixed.file}; the former file is {fixed.backup}")
    for line in fixed.changes:
        click.echo(f"  {line}")
    click.echo("A running gateway reads the new file when it is restarted.\n")
