"""`config validate` and `config get`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from clawlane.cli.context import CliContext
from clawlane.cli.failure import explain
from clawlane.config.errors import ConfigError, Problem
from clawlane.ops.config import Get, Validate


@click.group()
def config() -> None:
    """Check the config file, and read values from it."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def validate(as_json: bool) -> int:
    """Check the whole config file and tell everything that is wrong with it. Never changes it."""
    checked = CliContext().run_here(Validate())
    if checked.problems:
        error = ConfigError(checked.problems)
        if not as_json:
            raise error
        body = {"message": "the config file has problems", "help": ""}
        _print_json(checked.path, ok=False, valid=False, **explain(error).details, error=body)
        return 1
    if as_json:
        warnings = [_warning(problem) for problem in checked.warnings]
        _print_json(checked.path, ok=True, valid=True, warnings=warnings)
        return 0
    for problem in checked.warnings:
        click.echo(f"warning: {problem}", err=True)
    absent = "" if checked.exists else " does not exist; the built-in defaults hold"
    click.echo(f"ok: {checked.path}{absent}")
    return 0


@config.command("get")
@click.argument("path")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def get_value(path: str, as_json: bool) -> None:
    """Print what the config file says at PATH, such as channels.zalouser.dmPolicy."""
    value = CliContext().run_here(Get(path)).value
    if as_json or isinstance(value, Mapping | list):
        click.echo(json.dumps(value, ensure_ascii=False, indent=None if as_json else 2))
    elif isinstance(value, bool) or value is None:
        click.echo(json.dumps(value))
    else:
        click.echo(value)


def _print_json(path: str, *, ok: bool, **more: Any) -> None:
    click.echo(json.dumps({"ok": ok, "path": path, **more}, ensure_ascii=False))


def _warning(problem: Problem) -> dict[str, Any]:
    return {"path": problem.path, "line": problem.line, "message": problem.message, "hint": problem.hint}
