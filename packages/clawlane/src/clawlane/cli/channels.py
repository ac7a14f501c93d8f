"""The group `channels`."""

from __future__ import annotations

import click

from clawlane.cli.lazy import LazyGroup

_COMMANDS = {
    "login": ("clawlane.cli.login:login", "Link an account by scanning a QR code."),
    "logout": ("clawlane.cli.logout:logout", "Forget the saved session of an account."),
    "status": ("clawlane.cli.status:status", "Show how the accounts are."),
    "dead-letters": (
        "clawlane.cli.dead_letters:dead_letters",
        "See messages that the agent could not answer, and give them to it again.",
    ),
    "list": ("clawlane.cli.channel_list:list_channels", "List the configured accounts."),
}


@click.group(cls=LazyGroup, table=_COMMANDS)
def channels() -> None:
    """Log accounts in and out, and see how they are."""
