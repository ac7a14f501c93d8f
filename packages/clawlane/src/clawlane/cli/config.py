"""`config validate` and `config get`."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from clawlane.cli.failure import explain
from clawlane.cli.options import json_option
from clawlane.cli.output import print_json
from clawlane.config.errors import ConfigError
from clawlane.ops.client import Client
from clawlane.ops.config import Get, Validate


@click.group()
def config() -> None:
    """Check the config file, and read values from it."""


@config.command()
@json_option
def validate(as_json: bool) -> int:
    """Check the whole config file. Never changes it."""
    checked = Client().run_here(Validate())
    if checked.problems:
        error = ConfigError(checked.problems)
        if not as_json:
            raise error
        body = {"message": "the config file has problems", "help": ""}
        print_json(ok=False, path=checked.path, valid=False, **explain(error).details, error=body)
        return 1
    if as_json:
        keys = ("path", "line", "message", "hint")
        warnings = [{key: getattr(problem, key) for key in keys} for problem in checked.warnings]
        print_json(path=checked.path, valid=True, warnings=warnings)
        return 0
    for problem in checked.warnings:
        click.echo(f"warning: {problem}", err=True)
    absent = "" if checked.exists else " does not exist; the built-in defaults hold"
    click.echo(f"ok: {checked.path}{absent}")
    return 0


@config.command("get")
@click.argument("path")
@json_option
def get_value(path: str, as_json: bool) -> None:
    """Print the value at PATH in the config file.

    PATH is written as channels.zalouser.dmPolicy.
    """
    value = Client().run_here(Get(path)).value
    if as_json or isinstance(value, Mapping | list):
        click.echo(json.dumps(value, ensure_ascii=False, indent=None if as_json else 2))
    elif isinstance(value, bool) or value is None:
        click.echo(json.dumps(value))
    else:
        click.echo(value)
