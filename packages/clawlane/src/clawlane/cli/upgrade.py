"""`upgrade`: what another version changed for the accounts, and the word that it may count."""

from __future__ import annotations

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.clock import now_ms
from clawlane.ops.client import Client
from clawlane.ops.upgrade import AcceptUpgrade, GetUpgrades, UpgradeInfo
from clawlane.texts import t
from clawlane.words.strangers import sanitize
from clawlane.words.times import when

_PAUSED = 4


@click.group()
def upgrade() -> None:
    """See what another version changed, and accept it."""


@upgrade.command()
@channel_option("Only this channel (default: all).")
@account_option()
@json_option
def show(channel: str | None, account: str | None, as_json: bool) -> int:
    """Show what the last upgrade changed for each account.

    Compared are who may write, and every value that the config leaves to the program.

    \b
    Exit code: 0, or 4 if an account waits for `openclaw upgrade accept`.

    \b
    Examples:
      openclaw upgrade show
      openclaw upgrade show --json
    """
    found = Client().call(GetUpgrades(channel, account))
    code = _PAUSED if any(one.waits for one in found) else 0
    if as_json:
        print_json(ok=code == 0, upgrades=found)
        return code
    if not found:
        echo_wrapped(t("No upgrade changed anything."))
    for one in found:
        _tell(one)
    return code


@upgrade.command()
@channel_option("Only this channel (default: all).")
@account_option()
@json_option
def accept(channel: str | None, account: str | None, as_json: bool) -> None:
    """Let accounts go on that wait since an upgrade.

    An account waits if the new version lets in more people, or sends again other messages of unknown fate,
    than the version before. `resume` does not end that.

    \b
    Examples:
      openclaw upgrade show
      openclaw upgrade accept
    """
    done = Client().call(AcceptUpgrade(channel, account))
    if as_json:
        print_json(accepted=done)
        return
    if not done:
        raise CliError(t("no account waits for it"))
    for one in done:
        told = t("{account} goes on with what changed.", account=one.account)
        if one.still:
            told = t(
                "{account} goes on with what changed; your own pause holds on, end it with: openclaw resume",
                account=one.account,
            )
        echo_wrapped(told)


def _tell(one: UpgradeInfo) -> None:
    head = t(
        "{account}: from {before} to {now}, {time}",
        account=one.account,
        before=one.was_version,
        now=one.version,
        time=when(one.at_ms, now_ms()),
    )
    echo_wrapped(head, hanging="    ")
    for change in one.changes:
        echo_wrapped(sanitize(t(change), 400), "  ", "    ")
    if one.waits:
        echo_wrapped(t("It is paused until you say: openclaw upgrade accept"), "  ", "    ")
