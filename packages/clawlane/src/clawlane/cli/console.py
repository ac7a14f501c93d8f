"""`console`: the web console, served here, and the ways into it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, print_result
from clawlane.clock import length, now_ms
from clawlane.ops.client import Client
from clawlane.ops.console import Link, OneTimeLink, SignOut
from clawlane.texts import t, tn

_SHORTEST = 12
"""Characters of a password."""

_MOMENT_MS = 2000
"""What passes between the making of a link and its print, so that ten minutes are not told as nine."""


@click.group(invoke_without_command=True)
@click.option("--open", "opens", is_flag=True, help="Make a link, and open it in a browser.")
@click.option("--listen", metavar="HOST:PORT", help="Where to listen (default: `console.listen`).")
@click.pass_context
def console(ctx: click.Context, opens: bool, listen: str | None) -> None:
    """Open the web console, or serve it until Ctrl-C.

    Where a gateway or another command serves it already, this makes a link to that one. A link opens the
    console once, within ten minutes, and signs that browser in for seven days.

    \b
    Examples:
      openclaw console --open
      openclaw console --listen 127.0.0.1:0
    """
    if ctx.invoked_subcommand is not None:
        return
    from clawlane.cli.console_serving import serve, served_elsewhere

    client = Client()
    if listen is None and served_elsewhere(client):
        _show(client.call(Link(opens)), opens)
        return
    serve(listen, lambda: _show(client.run_here(Link(opens)), opens))


@console.command("sign-out")
@json_option
def sign_out(as_json: bool) -> None:
    """Sign out every browser, and end the links that were not used.

    \b
    Example:
      openclaw console sign-out
    """
    done = Client().call(SignOut())
    told = tn("{n} browser was signed out.", "{n} browsers were signed out.", done.browsers)
    print_result([told], as_json, browsers=done.browsers)


@console.command()
def password() -> None:
    """Ask for a password, and print its hash.

    The hash is what `console.public.passwordHash` has to be. The password itself is neither kept nor shown.
    Put the hash into a file that only you can read: one that others can read is refused.

    \b
    Example:
      (umask 077; openclaw console password > ~/.clawlane/console-password)
    """
    from argon2 import PasswordHasher

    if not sys.stdin.isatty():
        raise CliError(t("a password is asked for at a terminal"), t("run it at a terminal"))
    given = click.prompt(t("Password"), hide_input=True, confirmation_prompt=t("Once more"), err=True)
    if len(given) < _SHORTEST:
        raise CliError(t("the password is shorter than {n} characters", n=_SHORTEST), t("take a longer one"))
    click.echo(PasswordHasher().hash(given))


def _show(link: OneTimeLink, opens: bool) -> None:
    left = length(link.until_ms - now_ms() + _MOMENT_MS)
    echo_line(t("This link opens the console once, within {time}:", time=left))
    click.echo(f"  {link.url}")
    if opens:
        _open(link.page)


def _open(page: str) -> None:
    """Open the page that leads to the link; the link itself would stand in the list of processes."""
    import webbrowser

    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin"):
        echo_line(t("There is no browser on this machine's screen: open the link yourself."), err=True)
    elif webbrowser.open(Path(page).as_uri()):
        echo_line(
            t("A browser that may not read the file with the link shows an error: open the link yourself.")
        )
    else:
        echo_line(t("No browser could be opened: open the link yourself."), err=True)
