"""`channels logout`: forget the saved session."""

from __future__ import annotations

import json

import click

from clawlane.cli.setup import Setup
from clawlane.host.control_client import ControlClient, ControlError
from clawlane.store.vault import FileVault


@click.command()
@click.option("--channel", help="Which channel (default: the only one installed).")
@click.option("--account", help="Which account (default: the channel's default account).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def logout(channel: str | None, account: str | None, as_json: bool) -> None:
    """Stop an account in a running gateway and forget its saved session. Exit 0 also when there was none."""
    setup = Setup()
    meant = setup.meant(channel, account).account
    warning = _stop(setup, meant.channel, meant.id)
    cleared = FileVault(setup.places.vault_dir, meant.channel, meant.profile).close()
    if as_json:
        body = {
            "ok": True,
            "channel": meant.channel,
            "account": meant.id,
            "cleared": cleared,
            "warning": warning,
        }
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    if cleared:
        click.echo(f"Logged out {meant}: its session is removed from this machine.")
    else:
        click.echo(f"Nobody was logged in on {meant}; there was nothing to clear.")
    if warning:
        click.echo(f"warning: {warning}", err=True)


def _stop(setup: Setup, channel: str, account: str) -> str:
    """Stop the account in a running gateway; what went wrong with that, or empty."""
    client = ControlClient(setup.places)
    if not client.running():
        return ""
    try:
        client.account_stop(channel, account)
    except ControlError as error:
        return f"the running gateway did not stop the account: {error}"
    return ""
