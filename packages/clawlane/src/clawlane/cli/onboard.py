"""`onboard` and `channels add`: a lane from nothing, or one more account."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, one_account
from clawlane.cli.setup_agent import AGENTS, AgentFlags
from clawlane.cli.setup_alerts import ALERTS, AlertFlags
from clawlane.cli.setup_interview import Given
from clawlane.config.choices import Disclosure, DmPolicy, GroupPolicy, OutboundMode, PairingReply, Reload
from clawlane.ops.setup import Situation
from clawlane.ops.setup_plan import wrong_account_name
from clawlane.texts import later, t

if TYPE_CHECKING:
    from clawlane.cli.prompts import Prompts

C = TypeVar("C", bound=Callable[..., Any])
_INTERRUPTED = 130
_FLAGS = (
    click.option("--accept-risk", is_flag=True, help="Accept the risk of the channel without being asked."),
    click.option("--expendable", type=click.Choice(("yes", "no")), help="Could you do without this account?"),
    click.option("--dm-policy", type=click.Choice([*map(str, DmPolicy)]), help="Who may write directly."),
    click.option(
        "--allow-from",
        multiple=True,
        metavar="ID|NAME",
        help="A friend who is answered without a request; may be repeated.",
    ),
    click.option(
        "--pairing-reply", type=click.Choice([*map(str, PairingReply)]), help="Who is sent a pairing code."
    ),
    click.option(
        "--group-policy", type=click.Choice([*map(str, GroupPolicy)]), help="Which groups are answered."
    ),
    click.option(
        "--owner-takeover",
        metavar="TIME",
        help="How long the agent holds back where you write by hand (default: 30m; 0: not at all).",
    ),
    click.option(
        "--group", multiple=True, metavar="ID|NAME", help="A group that is answered; may be repeated."
    ),
    click.option(
        "--group-allow-from",
        multiple=True,
        metavar="ID|NAME|'*'",
        help="Who may speak in these groups; '*' is anyone.",
    ),
    click.option(
        "--outbound",
        type=click.Choice([*map(str, OutboundMode)]),
        help="What leaves of what the agent writes (a new account: approve).",
    ),
    click.option("--agent", type=click.Choice(AGENTS), help="Who answers."),
    click.option("--agent-url", default="", metavar="URL", help="The address of an endpoint or a webhook."),
    click.option("--agent-model", default="", metavar="NAME", help="Its model; for a model: provider/model."),
    click.option("--agent-key-env", default="", metavar="VARIABLE", help="The variable with its key."),
    click.option("--agent-key-file", default="", metavar="FILE", help="The private file with its key."),
    click.option("--agent-command", default="", metavar="LINE", help="The program of acp or command."),
    click.option(
        "--disclosure",
        type=click.Choice([*map(str, Disclosure)]),
        help="How people are told that a program answers.",
    ),
    click.option(
        "--reload", type=click.Choice([*map(str, Reload)]), help="Whether edits that widen access wait."
    ),
    click.option(
        "--alerts", type=click.Choice(ALERTS), help="How you are told of what waits (default: off)."
    ),
    click.option("--alerts-url", default="", metavar="URL", help="The address of a webhook."),
    click.option("--alerts-secret-env", default="", metavar="VARIABLE", help="The variable with its secret."),
    click.option(
        "--alerts-secret-file", default="", metavar="FILE", help="The private file with its secret."
    ),
    click.option("--alerts-command", default="", metavar="LINE", help="The program that tells you."),
    click.option("--alerts-account", default="", metavar="NAME", help="The other account that tells you."),
    click.option("--alerts-to", default="", metavar="user:ID", help="Whom it writes to."),
    click.option(
        "--owner-commands",
        type=click.Choice(("yes", "no")),
        help="Whether you give commands in the chat with yourself (default: no).",
    ),
    click.option("--quiet-hours", metavar="22:00-07:00|off", help="When nothing is sent on its own."),
    click.option("--timezone", metavar="NAME", help="The zone of days and times (default: the machine's)."),
    click.option("--yes", is_flag=True, help="Accept the defaults where no flag says otherwise, and write."),
    click.option("--login/--no-login", default=True, help="Whether to show a QR code (default: yes)."),
    click.option("--verify/--no-verify", default=True, help="Whether to offer the check of the lane."),
    click.option(
        "--json", "as_json", is_flag=True, help="Print JSON: a line for each step of a login, then one."
    ),
)


def _with_flags(command: C) -> C:
    """A flag for every question."""
    wrapped: Any = command
    for flag in reversed(_FLAGS):
        wrapped = flag(wrapped)
    return wrapped  # type: ignore[no-any-return]


@click.command()
@one_account
@_with_flags
def onboard(channel: str | None, account: str | None, as_json: bool, **flags: Any) -> int:
    """Set up a lane step by step: risk, login, who may write, an agent, the first config.

    The channel is experimental, unofficial: read what it says about the risk. Nothing in an existing config
    is changed; what is missing is added, and comments stay. Ctrl-C stops at any question, and the same
    command continues there.

    Without a terminal every question needs its flag; --yes accepts the defaults.

    \b
    Exit code:
      0  the lane is set up; if it was verified at the end, that passed
      1  refused, or nothing was written; or a step of verify failed
      2  verify was stopped

    \b
    Examples:
      openclaw onboard
      openclaw onboard --accept-risk --expendable yes --yes --no-login
    """
    return _set_up(channel, account, flags, as_json=as_json, adding=False)


@click.command()
@channel_option()
@account_option("The name of the new account.")
@_with_flags
def add(channel: str | None, account: str | None, as_json: bool, **flags: Any) -> int:
    """Add a channel to the config, or one more account to a channel.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    Asks what `openclaw onboard` asks. Existing accounts stay unchanged: a channel block without `accounts`
    becomes the account `default`.

    \b
    Exit code: as openclaw onboard

    \b
    Examples:
      openclaw channels add --channel zalouser
      openclaw channels add --channel zalouser --account work
    """
    return _set_up(channel, account, flags, as_json=as_json, adding=True)


def _set_up(
    channel: str | None, account: str | None, flags: dict[str, Any], *, as_json: bool, adding: bool
) -> int:
    from clawlane.cli.setup_walk import Walk

    prompts = None
    if sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
        from clawlane.cli.prompts import prompts as of_terminal

        prompts = of_terminal()
    agent = AgentFlags(
        flags.pop("agent") or "",
        *(flags.pop(f"agent_{name}") for name in ("url", "model", "key_env", "key_file", "command")),
    )
    alerts = AlertFlags(
        flags.pop("alerts") or "",
        *(flags.pop(f"alerts_{one.name}") for one in fields(AlertFlags) if one.name != "kind"),
    )
    given = Given(agent=agent, alerts=alerts, **flags)
    try:
        walk = Walk(channel, account, given, prompts, as_json=as_json)
        if adding and walk.look.configured:
            account = _new_name(walk.look, account, prompts)
            walk = Walk(channel, account, given, prompts, as_json=as_json)
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    try:
        return walk.run()
    except (KeyboardInterrupt, click.Abort):
        command = "openclaw channels add" if adding else "openclaw onboard"
        click.echo("\n" + t("Stopped. Completed steps are kept; the config is unchanged."), err=True)
        click.echo(t("Continue with: {command}", command=f"{command} {walk.words}"), err=True)
        return _INTERRUPTED


def _new_name(look: Situation, account: str | None, prompts: Prompts | None) -> str:
    """The name of an account that the channel does not have yet.

    Raises `CliError` for one that it has, and where nobody can be asked.
    """
    known = {look.account, *look.others}
    if account or prompts is None:
        there = (
            later("{channel} has the account '{account}' already")
            if account
            else later("{channel} has the account '{account}' already; name another one with --account")
        )
        raise CliError(
            t(there, channel=look.channel, account=look.account),
            t("openclaw onboard {words} adds what it lacks", words=look.words),
        )
    click.echo(
        t("{channel} has these accounts: {accounts}", channel=look.label, accounts=", ".join(sorted(known)))
    )

    def wrong(typed: str) -> str:
        return (
            t("'{typed}' is there already", typed=typed)
            if typed.lower() in known
            else wrong_account_name(typed.lower())
        )

    return prompts.text(t("Name of the new account:"), check=wrong).lower()
