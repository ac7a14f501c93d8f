"""`channels list` and `channels logout`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from clawlane.cli.context import CliContext
from clawlane.cli.output import print_json, sanitize
from clawlane.ops.login import LogOut
from clawlane.ops.status import ChannelEntry, LinkedAccount, ListChannels


@click.command("list")
@click.option(
    "--all", "everything", is_flag=True, help="Also channels that are not configured or not installed."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_channels(everything: bool, as_json: bool) -> None:
    """List the configured accounts, and with --all what else there is."""
    rows = CliContext().call(ListChannels(everything))
    if as_json:
        print_json(channels=list(map(_row, rows)))
        return
    for row in rows:
        _print(row)
    if not rows:
        click.echo("no channel is configured; see: openclaw channels list --all")


def _row(entry: ChannelEntry) -> dict[str, Any]:
    """Only what is not installed has a command that installs it."""
    row = asdict(entry)
    if entry.installed:
        del row["install"]
    return row


def _print(entry: ChannelEntry) -> None:
    note = " (unofficial · experimental)" if entry.unofficial else ""
    title = f"{entry.label} [{entry.channel}]{note}"
    if not entry.installed:
        click.echo(f"{title}: not installed; {entry.install}")
    elif not entry.configured:
        click.echo(f"{title}: installed, not configured (off)")
    for account in entry.accounts:
        words = ["enabled" if account.enabled else "disabled", _linked(account)]
        click.echo(f"{title} {account.id}: {', '.join(words)}")


def _linked(account: LinkedAccount) -> str:
    user = account.user
    return f"linked as {sanitize(user.name)} ({user.id})" if user else "not linked"


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
