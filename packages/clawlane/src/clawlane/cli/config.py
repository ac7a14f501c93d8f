"""`config validate` and `config get`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import click

from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError, explain
from clawlane.config.errors import ConfigError, KeyPath, Problem, did_you_mean

_STEP = re.compile(r"\.?(?:([^.\[\]'\"]+)|\[(\d+)\]|\[(?:'([^']*)'|\"([^\"]*)\")\])")


@click.group()
def config() -> None:
    """Check the config file, and read values from it."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def validate(as_json: bool) -> int:
    """Check the whole config file and tell everything that is wrong with it. Never changes it."""
    setup = CliContext()
    try:
        loaded = setup.config
    except ConfigError as error:
        if not as_json:
            raise
        _print_problems(setup, error)
        return 1
    if as_json:
        warnings = [_warning(problem) for problem in loaded.warnings]
        _print_json(setup, ok=True, valid=True, warnings=warnings)
        return 0
    for problem in loaded.warnings:
        click.echo(f"warning: {problem}", err=True)
    file = setup.places.config_file
    click.echo(
        f"ok: {file}" if loaded.source.exists else f"ok: {file} does not exist; the built-in defaults hold"
    )
    return 0


@config.command("get")
@click.argument("path")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def get_value(path: str, as_json: bool) -> None:
    """Print what the config file says at PATH, such as channels.zalouser.dmPolicy."""
    value = _at(CliContext().config.source.data, _steps(path), path)
    if as_json or isinstance(value, Mapping | list):
        click.echo(json.dumps(value, ensure_ascii=False, indent=None if as_json else 2))
    elif isinstance(value, bool) or value is None:
        click.echo(json.dumps(value))
    else:
        click.echo(value)


def _steps(path: str) -> KeyPath:
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if not found:
            raise CliError(f"'{path}' is no path", "write it as channels.zalouser.groups['Work Chat'].allow")
        key, index, single, double = found.groups()
        steps.append(int(index) if index is not None else key or single or double or "")
        at = found.end()
    return tuple(steps)


def _at(data: Any, steps: KeyPath, path: str) -> Any:
    for step in steps:
        if _holds(data, step):
            data = data[step]
        else:
            known = list(data) if isinstance(data, Mapping) else []
            raise CliError(f"{path} is not set in the config file", did_you_mean(str(step), known))
    return data


def _holds(data: Any, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(data, Mapping) and step in data
    return isinstance(data, list) and step < len(data)


def _print_problems(setup: CliContext, error: ConfigError) -> None:
    body = {"message": "the config file has problems", "help": ""}
    _print_json(setup, ok=False, valid=False, **explain(error).details, error=body)


def _print_json(setup: CliContext, *, ok: bool, **more: Any) -> None:
    click.echo(json.dumps({"ok": ok, "path": str(setup.places.config_file), **more}, ensure_ascii=False))


def _warning(problem: Problem) -> dict[str, Any]:
    return {"path": problem.path, "line": problem.line, "message": problem.message, "hint": problem.hint}
