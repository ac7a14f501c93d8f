"""`channels login`: the risk, the QR code, and what came of it."""

from __future__ import annotations

import sys

import click

from clawlane.capabilities import Confirmed, Scanned, ShowQr
from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.login_view import JsonView, Show, TextView, View
from clawlane.ops.context import Target
from clawlane.ops.login import (
    NOT_ASKED,
    Accept,
    Begun,
    ConsentNeeded,
    Linked,
    LogIn,
    LoginEvent,
    SessionExpired,
    Tightened,
)

FLAG = "--accept-risk"


@click.command()
@click.option("--channel", help="Which channel (default: the only one installed).")
@click.option("--account", help="Which account (default: the channel's default account).")
@click.option("--force", is_flag=True, help="Show a new QR code although the account is linked.")
@click.option(
    FLAG, "accept_risk", is_flag=True, help="Accept the platform risk without being asked (for scripts)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for every step.")
def login(channel: str | None, account: str | None, force: bool, accept_risk: bool, as_json: bool) -> None:
    """Link an account by scanning a QR code with the phone.

    The code is shown here and written as a picture into the state directory. Exit 1 if it was declined or
    expired.
    """
    setup = CliContext()
    target = setup.meant(channel, account)
    view: View = JsonView(target.account) if as_json else TextView(target.account)
    with view.picture(setup.paths) as picture:

        def show(event: LoginEvent) -> None:
            if isinstance(event, ConsentNeeded):
                _accept(setup, target, view, event, flag=accept_risk)
            else:
                _show(event, view, picture, target)

        setup.follow(LogIn(target.manifest.id, target.account.id, force), show)


def _show(event: LoginEvent, view: View, picture: Show, target: Target) -> None:
    match event:
        case Tightened(text):
            view.tightened(text)
        case SessionExpired():
            view.note("the stored session has expired, so here is a new code")
        case Begun(host, rehearsal):
            view.begin(host, rehearsal)
        case ShowQr() | Scanned() | Confirmed():
            picture(event)
        case Linked():
            _linked(event, view, target)


def _linked(linked: Linked, view: View, target: Target) -> None:
    identity = linked.user_id, linked.user_name
    if linked.already:
        view.already(identity)
    else:
        view.done(identity)
        if linked.started:
            view.note("the running gateway starts the account now")
        elif linked.start_failed:
            reason = linked.start_failed
            view.note(f"the running gateway did not start the account: {reason}; restart the gateway")
        else:
            view.note("start the gateway: openclaw gateway run")
    if not linked.configured:
        block = f"{{ channels: {{ {target.account.channel}: {{ enabled: true }} }} }}"
        view.note(f"the channel is off until the config has a block for it: {block}")


def _accept(setup: CliContext, target: Target, view: View, needed: ConsentNeeded, *, flag: bool) -> None:
    """Ask the person at the terminal. Raises `CliError` on a no."""
    if needed.former_user:
        view.note(f"the risk was accepted for another user ({needed.former_user}), so it is asked again")
    view.risk(needed)
    if not flag and not sys.stdin.isatty():
        raise CliError(
            "the risk has to be accepted first, and there is no terminal to ask", f"in scripts add {FLAG}"
        )
    expendable = NOT_ASKED if flag else _questions(needed)
    account = target.account
    setup.call(Accept(account.channel, account.id, FLAG if flag else "terminal", expendable))


def _questions(needed: ConsentNeeded) -> str:
    click.echo(f"This is about the account '{needed.account}' (profile '{needed.profile}').")
    answer = click.prompt("Do you accept this risk? Type yes to go on", default="no", show_default=False)
    if answer.strip().lower() != "yes":
        raise CliError("the risk was not accepted, so nothing was done")
    expendable = click.confirm("Is this account expendable: could you do without it?", default=None)
    if not expendable:
        click.echo("Noted. Think about using another account: a ban takes the chats of this one with it.")
    return "yes" if expendable else "no"
