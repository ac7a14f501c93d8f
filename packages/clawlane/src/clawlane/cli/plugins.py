"""`plugins install` and `plugins list`."""

from __future__ import annotations

import click

from clawlane.cli.context import CliContext
from clawlane.cli.output import print_json, print_table
from clawlane.ops.plugins import Install, Plugin, Plugins

_UNOFFICIAL = "unofficial · experimental"


@click.group()
def plugins() -> None:
    """Install channel plugins, and list them. Nothing is ever fetched from a network."""


@plugins.command()
@click.argument("spec")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def install(spec: str, as_json: bool) -> None:
    """Install a plugin and record it in the state directory.

    SPEC is a folder (./extensions/zalouser), a wheel file, or an official name (@openclaw/zalouser).
    """
    done = CliContext().run_here(Install(spec))
    if as_json:
        print_json(plugin=done.id, version=done.version, new=done.new, restart_needed=done.restart_needed)
        return
    note = f" ({_UNOFFICIAL})" if done.unofficial else ""
    how = "installed" if done.new else "installed again"
    click.echo(f"{how}: {done.id} · {done.name} {done.version}{note}")
    if done.restart_needed:
        click.echo("a gateway is running: restart it to use the plugin")
    click.echo(f"next: openclaw channels login --channel {done.id}")


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_plugins(as_json: bool) -> None:
    """List the installed plugins and the official ones."""
    rows = [_row(one) for one in CliContext().run_here(Plugins())]
    if as_json:
        print_json(plugins=rows)
        return
    heads = ("ID", "NAME", "VERSION", "STATUS", "SOURCE", "NOTE")
    print_table(heads, [[row[key.lower()] or "–" for key in heads] for row in rows])
    for row in rows:
        if row["problem"]:
            click.echo(f"{row['id']}: {row['problem']}")


def _row(one: Plugin) -> dict[str, str]:
    note = _UNOFFICIAL if one.unofficial else ""
    told = {"id": one.id, "name": one.name, "version": one.version, "status": one.status}
    return {**told, "source": one.source, "problem": one.problem, "note": note}
