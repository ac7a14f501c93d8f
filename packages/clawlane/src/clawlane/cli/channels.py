"""`channels list` and `channels logout`."""

from __future__ import annotations

import json
from typing import Any

import click

from clawlane.channel import Account, Manifest
from clawlane.cli.context import CliContext
from clawlane.cli.output import print_json, sanitize
from clawlane.credentials.vault import FileVault
from clawlane.ops.login import LogOut


@click.command("list")
@click.option(
    "--all", "everything", is_flag=True, help="Also channels that are not configured or not installed."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_channels(everything: bool, as_json: bool) -> None:
    """List the configured accounts, and with --all what else there is."""
    setup = CliContext()
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


def _configured(setup: CliContext, manifest: Manifest) -> bool:
    return manifest.id in setup.config.channels


def _row(setup: CliContext, manifest: Manifest) -> dict[str, Any]:
    block, configured = setup.block(manifest)
    return {
        "channel": manifest.id,
        "label": manifest.label,
        "installed": True,
        "configured": configured,
        "unofficial": manifest.unofficial,
        "accounts": [_account(setup, account) for account in block.accounts] if configured else [],
    }


def _account(setup: CliContext, account: Account) -> dict[str, Any]:

    identity = FileVault(setup.places.vault_dir, account.channel, account.profile).identity()
    return {
        "id": account.id,
        "name": account.name,
        "profile": account.profile,
        "enabled": account.enabled,
        "linked": identity is not None,
        "user": {"id": identity[0], "name": identity[1]} if identity else None,
    }


def _available(setup: CliContext) -> list[dict[str, Any]]:
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
    return f"linked as {sanitize(user['name'])} ({user['id']})" if user else "not linked"


@click.command()
@click.option("--channel", help="Which channel (default: the only one installed).")
@click.option("--account", help="Which account (default: the channel's default account).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def logout(channel: str | None, account: str | None, as_json: bool) -> None:
    """Stop an account in a running gateway and forget its saved session. Exit 0 also when there was none.

    A config file that does not load is in nobody's way.
    """
    done = CliContext().call(LogOut(channel, account))
    if as_json:
        names = {"channel": done.channel, "account": done.account, "profile": done.profile}
        print_json(**names, cleared=done.cleared, warning="; ".join(done.warnings))
        return
    name = f"{done.channel}/{done.account}"
    if done.cleared:
        click.echo(f"Logged out {name}: its session is removed from this machine.")
    else:
        click.echo(f"Nobody was logged in on {name}; there was nothing to clear.")
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
