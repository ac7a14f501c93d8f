"""`channels list` and `channels logout`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import click

from clawlane.channel import Manifest
from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.output import print_json, sanitize
from clawlane.config.errors import ConfigError
from clawlane.credentials.vault import FileVault, profiles_of
from clawlane.ops.client import ControlClient, ControlError
from clawlane.ops.status import ChannelEntry, LinkedAccount, ListChannels
from clawlane.plugins.errors import PluginError


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
    from clawlane.config.profile_guess import guess_profile

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
