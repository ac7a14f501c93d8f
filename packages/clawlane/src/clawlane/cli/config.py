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
from clawlane.ops.finding_text import finding_json, one_line
from clawlane.ops.findings import Severity


@click.group()
def config() -> None:
    """Check the config file, and read values from it."""


@config.command()
@json_option
def validate(as_json: bool) -> int:
    """Check the whole config file. Never changes it.

    Also says where it opens an account to everybody, and which entries of sender
    lists are groups that the account knows.

    \b
    Exit code:
      0  the file can be used, whatever it opens
      1  it cannot, or an entry cannot mean what it says
    """
    checked = Client().run_here(Validate())
    if checked.problems:
        error = ConfigError(checked.problems)
        if not as_json:
            raise error
        body = {"message": "the config file has problems", "help": ""}
        print_json(ok=False, path=checked.path, valid=False, **explain(error).details, error=body)
        return 1
    ok = not any(one.severity is Severity.ERROR for one in checked.findings)
    if as_json:
        keys = ("path", "line", "message", "hint")
        warnings = [{key: getattr(problem, key) for key in keys} for problem in checked.warnings]
        findings = list(map(finding_json, checked.findings))
        print_json(ok=ok, path=checked.path, valid=True, warnings=warnings, findings=findings)
        return 0 if ok else 1
    for problem in checked.warnings:
        click.echo(f"warning: {problem}", err=True)
    for one in checked.findings:
        click.echo(f"{one.severity}: {one_line(one)}", err=True)
    absent = "" if checked.exists else " does not exist; the built-in defaults hold"
    if ok:
        click.echo(f"ok: {checked.path}{absent}")
    return 0 if ok else 1


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
