"""`plugins install` and `plugins list`."""

from __future__ import annotations

import click

from clawlane.cli.options import json_option
from clawlane.cli.output import print_json, print_table
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.ops.plugins import Install, Plugins

_UNOFFICIAL = "unofficial · experimental"


@click.group()
def plugins() -> None:
    """Install channel plugins, and list them. Nothing is fetched from a network."""


@plugins.command()
@click.argument("spec")
@json_option
def install(spec: str, as_json: bool) -> None:
    """Install a plugin and record it in the state directory.

    SPEC is a folder (./extensions/zalouser), a wheel file, or an official name (@openclaw/zalouser).
    """
    done = Client().run_here(Install(spec))
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
@json_option
def list_plugins(as_json: bool) -> None:
    """List the installed plugins and the official ones."""
    rows = []
    for one in Client().run_here(Plugins()):
        row = plain(one)
        row["note"] = _UNOFFICIAL if row.pop("unofficial") else ""
        rows.append(row)
    if as_json:
        print_json(plugins=rows)
        return
    heads = ("ID", "NAME", "VERSION", "STATUS", "SOURCE", "NOTE")
    print_table(heads, [[row[key.lower()] or "–" for key in heads] for row in rows])
    for row in rows:
        if row["problem"]:
            click.echo(f"{row['id']}: {row['problem']}")
