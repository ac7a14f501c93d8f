"""`config get`, `validate` and `file`: check the config file, and read values from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from clawlane.cli.failure import explain
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_line, echo_wrapped, print_json, print_table
from clawlane.config.errors import ConfigError
from clawlane.ops.client import Client
from clawlane.ops.config import Get, Validate
from clawlane.ops.config_values import Effective, Values
from clawlane.ops.finding_text import finding_json, one_line, severity_word
from clawlane.ops.findings import Severity
from clawlane.texts import t
from clawlane.words.config_values import cut, origin, place, rows, shown
from clawlane.words.rules import rules_line


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def validate(file: Path | None, as_json: bool) -> int:
    """Check the whole config file, or FILE instead. Never changes it.

    Also says where it opens an account to everybody, and which entries of sender
    lists are groups that the account knows.

    \b
    Exit code:
      0  the file can be used, whatever it opens
      1  it cannot, or an entry cannot mean what it says

    \b
    Examples:
      openclaw config validate
      openclaw config validate new.json5 && mv new.json5 ~/.clawlane/config.json5
    """
    checked = Client().run_here(Validate(str(file.absolute()) if file else ""))
    if file and not checked.exists:
        raise click.ClickException(t("{file}: there is no such file", file=file))
    if checked.problems:
        error = ConfigError(checked.problems)
        if not as_json:
            raise error
        body = {"message": t("the config file has problems"), "help": ""}
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
        echo_wrapped(t("warning: {what}", what=problem), hanging="  ", err=True)
    for one in checked.findings:
        echo_wrapped(f"{severity_word(one)}: {one_line(one)}", hanging="  ", err=True)
    if ok and checked.exists:
        echo_line(t("ok: {file}", file=checked.path))
    elif ok:
        echo_line(t("ok: {file} does not exist; the built-in defaults hold", file=checked.path))
    return 0 if ok else 1


@click.command("get")
@click.argument("path", default="")
@click.option("--effective", is_flag=True, help="The value in force, and where it was set.")
@one_account
@json_option
def get_value(path: str, effective: bool, channel: str | None, account: str | None, as_json: bool) -> None:
    """Print what the config file says at PATH, or the value in force.

    PATH is written as channels.zalouser.dmPolicy; without one, everything is
    printed. Secrets are shown as …

    With --effective the running gateway answers, if there is one. Keys that the
    file does not have are answered too, with their built-in values. The keys of a
    channel are those of its accounts.

    \b
    Examples:
      openclaw config get channels.zalouser.dmPolicy
      openclaw config get --effective channels.zalouser.dmPolicy
      openclaw config get --effective channels.zalouser.pacing --account work
      openclaw config get "channels.zalouser.groups['Work Chat']"
    """
    if not effective and (channel or account):
        raise click.UsageError(t("--channel and --account go with --effective"))
    client = Client()
    if effective:
        told = client.call(Values(channel, account, path, str(client.paths.config_file)))
        _print_effective(told, path, as_json)
        return
    value = client.run_here(Get(path)).value
    if as_json:
        print_json(path=path, value=value)
    elif isinstance(value, Mapping | list):
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))
    else:
        click.echo(value if isinstance(value, str) else json.dumps(value))


@click.command("file")
@json_option
def show_file(as_json: bool) -> None:
    """Print the path of the config file, which need not exist.

    \b
    Example:
      openclaw config file
    """
    path = Client().paths.config_file
    if as_json:
        print_json(path=str(path), exists=path.exists())
        return
    click.echo(path)
    if not path.exists():
        click.echo(t("it does not exist; the built-in defaults hold"), err=True)


def _print_effective(told: Effective, path: str, as_json: bool) -> None:
    if as_json:
        print_json(path=path, values=told.values, rules=told.rules)
        return
    found = list(rows(told.values))
    if len(found) == 1:
        one = found[0][1]
        click.echo(shown(one.value))
        echo_wrapped(t("From: {place}", place=place(one.set_at, one.line)), hanging="  ")
    else:
        above = f"{path}." if path and all(one.path.startswith(f"{path}.") for _, one in found) else ""
        if above:
            echo_line(t("Below {path}:", path=path))
        lines = [
            (one.path.removeprefix(above), account or "–", cut(shown(one.value)), origin(one))
            for account, one in found
        ]
        # Columns that say the same in all rows are left out.
        kept = [at for at in range(4) if at > 1 or len({line[at] for line in lines}) > 1]
        heads = (t("KEY"), t("ACCOUNT"), t("VALUE"), t("FROM"))
        print_table([heads[at] for at in kept], [[line[at] for at in kept] for line in lines])
    echo_wrapped(rules_line(told.rules), hanging="  ")
