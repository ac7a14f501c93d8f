"""`channels list` and `channels logout`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import click

from clawlane.channel import Account, Manifest
from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.output import sanitize
from clawlane.config.errors import ConfigError
from clawlane.credentials.vault import FileVault, profiles_of
from clawlane.ops.client import ControlClient, ControlError
from clawlane.plugins.errors import PluginError


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
    from clawlane.credentials.vault import FileVault

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


@dataclass(frozen=True, slots=True)
class _Target:
    """Whose session goes. `doubt` says why that is read from what is left of a broken set-up."""

    channel: str
    account: str
    profile: str
    doubt: str = ""

    def __str__(self) -> str:
        return f"{self.channel}/{self.account}"


@click.command()
@click.option("--channel", help="Which channel (default: the only one installed).")
@click.option("--account", help="Which account (default: the channel's default account).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def logout(channel: str | None, account: str | None, as_json: bool) -> None:
    """Stop an account in a running gateway and forget its saved session. Exit 0 also when there was none.

    A config file that does not load is in nobody's way.
    """
    setup = CliContext()
    meant = _meant(setup, channel, account)
    warnings = [one for one in (meant.doubt, _stop(setup, meant.channel, meant.account)) if one]
    cleared = FileVault(setup.places.vault_dir, meant.channel, meant.profile).close()
    if as_json:
        names = {"channel": meant.channel, "account": meant.account, "profile": meant.profile}
        body = {"ok": True, **names, "cleared": cleared, "warning": "; ".join(warnings)}
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    if cleared:
        click.echo(f"Logged out {meant}: its session is removed from this machine.")
    else:
        click.echo(f"Nobody was logged in on {meant}; there was nothing to clear.")
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def _meant(setup: CliContext, channel: str | None, account: str | None) -> _Target:
    try:
        found = setup.meant(channel, account).account
        return _Target(found.channel, found.id, found.profile)
    except ConfigError as error:
        manifest = setup.manifest(channel)
        return _guessed(
            setup, manifest.id, manifest, account, f"the config does not load ({error.problems[0]})"
        )
    except PluginError as error:
        name = (channel or "").strip().lower()
        if not profiles_of(setup.places.vault_dir, name):
            raise
        return _guessed(setup, name, None, account, str(error))


def _guessed(
    setup: CliContext, channel: str, manifest: Manifest | None, account: str | None, why: str
) -> _Target:
    """From what can still be read. Raises `CliError` where several sessions could be meant."""
    from clawlane.config.accounts import guess_profile

    guess = guess_profile(setup.places, channel, manifest, account, setup.environ)
    there = profiles_of(setup.places.vault_dir, channel)
    if guess.sure or account or len(there) < 2:
        profile = there[0] if not guess.sure and not account and there else guess.profile
        name = guess.account if guess.sure or account else profile
        return _Target(channel, name, profile, f"{why}; this was about the profile '{profile}'")
    raise CliError(
        f"{why}, so it is not clear which session is meant",
        f"name the profile with --account: {', '.join(there)}",
    )


def _stop(setup: CliContext, channel: str, account: str) -> str:
    """Stop the account in a running gateway; what went wrong with that, or empty."""
    client = ControlClient(setup.places)
    if not client.running():
        return ""
    try:
        client.account_stop(channel, account)
    except ControlError as error:
        return f"the running gateway did not stop the account: {error}"
    return ""
