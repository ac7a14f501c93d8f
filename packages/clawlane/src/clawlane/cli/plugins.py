"""`plugins install` and `plugins list`."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from clawlane.cli.context import CliContext
from clawlane.cli.output import print_table

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
    from clawlane.ops.client import gateway_runs
    from clawlane.plugins.install import install as install_plugin

    setup = CliContext()
    done = install_plugin(spec, setup.registry, time.time_ns() // 1_000_000)
    restart = (done.new or done.copied) and gateway_runs(setup.places)
    if as_json:
        body = {"plugin": done.record.channel, "version": done.record.version, "new": done.new}
        click.echo(_json({"ok": True, **body, "restart_needed": restart}))
        return
    note = f" ({_UNOFFICIAL})" if done.manifest.unofficial else ""
    how = "installed" if done.new else "installed again"
    click.echo(f"{how}: {done.record.channel} · {done.record.label} {done.record.version}{note}")
    if restart:
        click.echo("a gateway is running: restart it to use the plugin")
    click.echo(f"next: openclaw channels login --channel {done.record.channel}")


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_plugins(as_json: bool) -> None:
    """List the installed plugins and the official ones."""
    rows = _rows(CliContext())
    if as_json:
        click.echo(_json({"ok": True, "plugins": rows}))
        return
    heads = ("ID", "NAME", "VERSION", "STATUS", "SOURCE", "NOTE")
    print_table(heads, [[row[key.lower()] or "–" for key in heads] for row in rows])
    for row in rows:
        if row["problem"]:
            click.echo(f"{row['id']}: {row['problem']}")


def _rows(setup: CliContext) -> list[dict[str, str]]:
    from clawlane.plugins.catalog import CATALOG

    registry = setup.registry
    unofficial = {manifest.id: manifest.unofficial for manifest in registry.manifests()}
    rows = []
    for record in registry.records:
        broken = registry.broken().get(record.channel)
        rows.append(
            _row(
                record.channel,
                record.label,
                record.version,
                "broken" if broken else "installed",
                record.source,
            )
            | {"note": _UNOFFICIAL if unofficial.get(record.channel) else "", "problem": str(broken or "")}
        )
    recorded = {record.channel for record in registry.records}
    rows += [
        _row(entry.channel, entry.label, "", "available", entry.spec) | {"note": _UNOFFICIAL}
        for entry in CATALOG
        if entry.channel not in recorded
    ]
    return rows


def _row(id: str, name: str, version: str, status: str, source: str) -> dict[str, str]:
    return {"id": id, "name": name, "version": version, "status": status, "source": source, "problem": ""}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
