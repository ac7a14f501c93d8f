"""The questions of the risk gate, which is asked before anything logs in."""

from __future__ import annotations

import sys
import time

import click

from clawlane.channel import Account
from clawlane.cli.failure import CliError
from clawlane.store.consent import Consent

FLAG = "--accept-risk"
NOT_ASKED = "not asked"


def ask(account: Account, *, flag: bool) -> Consent:
    """The operator's answer, to be recorded; it names no user yet. Raises `CliError` on a no."""
    if not flag and not sys.stdin.isatty():
        raise CliError(
            "the risk has to be accepted first, and there is no terminal to ask", f"in scripts add {FLAG}"
        )
    return Consent(
        channel=account.channel,
        profile=account.profile,
        accepted_ms=time.time_ns() // 1_000_000,
        user_id="",
        expendable=NOT_ASKED if flag else _questions(account),
        how=FLAG if flag else "terminal",
    )


def _questions(account: Account) -> str:
    click.echo(f"This is about the account '{account.id}' (profile '{account.profile}').")
    answer = click.prompt("Do you accept this risk? Type yes to go on", default="no", show_default=False)
    if answer.strip().lower() != "yes":
        raise CliError("the risk was not accepted, so nothing was done")
    expendable = click.confirm("Is this account expendable: could you do without it?", default=None)
    if not expendable:
        click.echo("Noted. Think about using another account: a ban takes the chats of this one with it.")
    return "yes" if expendable else "no"
