"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from clawlane.cli import completing

C = TypeVar("C", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def channel_option(help: str = "The channel (default: the only one installed).") -> Callable[[C], C]:
    return click.option("--channel", help=help, shell_complete=completing.channels)


def account_option(help: str = "Only this account (default: all).") -> Callable[[C], C]:
    return click.option("--account", help=help, shell_complete=completing.accounts)


def one_account(command: C) -> C:
    """`--channel` and `--account` of a command that is about one account."""
    account = account_option("The account (default: the channel's default account).")
    return channel_option()(account(command))
