"""`channels list`: which accounts the config has."""

from __future__ import annotations

import json
from typing import Any

import click

from clawlane.channel import Account, Manifest
from clawlane.cli.clean import clean
from clawlane.cli.setup import Setup


@click.command("list")
@click.option(
    "--all", "everything", is_flag=True, help="Also channels that are not configured or not installed."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_channels(everything: bool, as_json: bool) -> None:
    """List the configured accounts, and with --all what else there is."""
    setup = Setup()
    rows = [
        _row(setup, manifest)
        for manifest in setup.registry.manifests()
        if everything or _configured(setup, manifest)
    ]
    if everything:
        rows += _available(setup)
    if as_json:
        click.echo(json.dumps({"ok": True, "channels": rows}, ensure_ascii=False))
        return
    for row in rows:
        _print(row)
    if not rows:
        click.echo("no channel is configured; see: openclaw channels list --all")


def _configured(setup: Setup, manifest: Manifest) -> bool:
    return manifest.id in setup.config.channels


def _row(setup: Setup, manifest: Manifest) -> dict[str, Any]:
    block, configured = setup.block(manifest)
    return {
        "channel": manifest.id,
        "label": manifest.label,
        "installed": True,
        "configured": configured,
        "unofficial": manifest.unofficial,
        "accounts": [_account(setup, account) for account in block.accounts] if configured else [],
    }


def _account(setup: Setup, account: Account) -> dict[str, Any]:
    from clawlane.store.vault import FileVault

    identity = FileVault(setup.places.vault_dir, account.channel, account.profile).identity()
    return {
        "id": account.id,
        "name": account.name,
        "profile": account.profile,
        "enabled": account.enabled,
        "linked": identity is not None,
        "user": {"id": identity[0], "name": identity[1]} if identity else None,
    }


def _available(setup: Setup) -> list[dict[str, Any]]:
    from clawlane.plugins.catalog import CATALOG

    missing = setup.registry.installable()
    return [
        {
            "channel": entry.channel,
            "label": entry.label,
            "installed": False,
            "configured": False,
            "unofficial": True,
            "accounts": [],
            "install": f"openclaw plugins install {entry.spec}",
        }
        for entry in CATALOG
        if entry.channel in missing
    ]


def _print(row: dict[str, Any]) -> None:
    note = " (unofficial · experimental)" if row["unofficial"] else ""
    title = f"{row['label']} [{row['channel']}]{note}"
    if not row["installed"]:
        click.echo(f"{title}: not installed; {row['install']}")
    elif not row["configured"]:
        click.echo(f"{title}: installed, not configured (off)")
    for account in row["accounts"]:
        words = ["enabled" if account["enabled"] else "disabled", _linked(account)]
        click.echo(f"{title} {account['id']}: {', '.join(words)}")


def _linked(account: dict[str, Any]) -> str:
    user = account["user"]
    return f"linked as {clean(user['name'])} ({user['id']})" if user else "not linked"
