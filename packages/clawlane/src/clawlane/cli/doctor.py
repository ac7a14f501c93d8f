"""`doctor`: what is wrong with the config and around it, what to do about each thing, and mending names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.clean import clean
from clawlane.cli.setup import Setup
from clawlane.cli.wrap import echo_wrapped

if TYPE_CHECKING:
    from clawlane.cli.doctor_fix import Fixed
    from clawlane.host.finding import Finding

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
    from clawlane.config.problems import ConfigError
    from clawlane.host.doctor.checkup import check_up, of_broken_config

    setup, fixed = Setup(), None
    try:
        if fix:
            from clawlane.cli.doctor_fix import fix_names

            fixed = fix_names(setup)
            setup = Setup()
        found = check_up(setup.config, setup.places, setup.environ, setup.runtime)
    except ConfigError as error:
        found = of_broken_config(error, setup.places, setup.environ)
    ok = not any(one.severity.fails for one in found)
    if as_json:
        _print_json(ok, found, fixed)
    else:
        _print(found, fixed)
    return 0 if ok else 1


def _print_json(ok: bool, found: Sequence[Finding], fixed: Fixed | None) -> None:
    body: dict[str, Any] = {"ok": ok, "findings": [asdict(one) for one in found]}
    if fixed is not None:
        body["fixed"] = asdict(fixed)
    click.echo(json.dumps(body, ensure_ascii=False))


def _print(found: Sequence[Finding], fixed: Fixed | None) -> None:
    if fixed is not None:
        _print_fixed(fixed)
    if not found:
        click.echo("Nothing is wrong.")
    for one in found:
        named = f" [{', '.join(one.accounts)}]" if len(one.accounts) > 1 else ""
        text = f"{clean(one.place, _LONGEST)}: {clean(one.text, _LONGEST)}{named}"
        echo_wrapped(text, f"{one.severity:<9}", _INDENT)
        if one.mend:
            echo_wrapped(clean(one.mend, _LONGEST), f"{_INDENT}→ ", f"{_INDENT}  ")


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
