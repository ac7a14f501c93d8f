"""The questions how the owner is told of what waits, and whether they give commands in the chat."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields

from clawlane.cli.failure import CliError
from clawlane.cli.prompt_options import Option, said
from clawlane.cli.prompts import Prompts, tell
from clawlane.cli.setup_agent import wrong_command, wrong_key_file, wrong_variable, wrong_webhook
from clawlane.ops.setup_answers import AlertChoice
from clawlane.texts import later, t

ALERTS = ("off", "webhook", "command", "thread")


@dataclass(frozen=True, slots=True)
class AlertFlags:
    """The flags about alerts; empty for those that were not given."""

    kind: str = ""
    url: str = ""
    secret_env: str = ""
    secret_file: str = ""
    command: str = ""
    account: str = ""
    to: str = ""


_WAYS = (
    Option("off", later("not at all"), later("You look yourself: openclaw channels status")),
    Option("webhook", later("a webhook"), later("A signed request to a server of yours.")),
    Option("command", later("a program"), later("Run on this machine, for each batch.")),
)
_THREAD = Option("thread", later("another account"), later("A message that another account of yours sends."))
_SECRETS = (
    Option("file", later("a private file"), later("The config names it; nobody else may read it.")),
    Option("env", later("a variable"), later("The config names it; the gateway has to have it.")),
)


def ask_alerts(prompts: Prompts, others: Sequence[str]) -> AlertChoice:
    """How the owner wants to be told. `others` are the further accounts, one of which may send it."""
    tell(t("Pairing requests, drafts and alarms wait for you. What you are told has no names and no texts."))
    ways = said((*_WAYS, _THREAD) if others else _WAYS)
    kind = prompts.choose(t("How do you want to be told of them?"), ways, "off")
    ask = prompts.text
    match kind:
        case "webhook":
            url = ask(t("Address of the webhook:"), "", wrong_webhook)
            where = prompts.choose(t("Where is its secret, of 16 bytes or more?"), said(_SECRETS), "file")
            if where == "env":
                return AlertChoice(
                    kind, url, secret_env=ask(t("Name of the variable:"), "HOOK", wrong_variable)
                )
            return AlertChoice(kind, url, secret_file=ask(t("Path of the file:"), "", wrong_key_file))
        case "command":
            line = ask(t("Command line of the program:"), "", wrong_command)
            return AlertChoice(kind, command=tuple(shlex.split(line)))
        case "thread":
            sender = prompts.choose(
                t("Which account sends it?"), [Option(one, one, "") for one in others], others[0]
            )
            return AlertChoice(
                kind, account=sender, to=ask(t("To whom, as user:ID or group:ID?"), "", _wrong_target)
            )
    return AlertChoice()


def read_alerts(flags: AlertFlags) -> AlertChoice | None:
    """What the flags describe. Raises `CliError` for what does not go together."""
    used = {one.name for one in fields(flags) if one.name != "kind" and getattr(flags, one.name)}
    named = {name: f"--alerts-{name.replace('_', '-')}" for name in used}
    if not flags.kind:
        if used:
            raise CliError(
                t("{flags} without --alerts", flags=", ".join(sorted(named.values()))),
                t("add --alerts {ways}", ways="|".join(ALERTS)),
            )
        return None
    needs, may = _DETAILS[flags.kind]
    if lacking := [f"--alerts-{name}" for name in needs if name not in used]:
        raise CliError(t("--alerts {kind} needs {flags}", kind=flags.kind, flags=t(" and ").join(lacking)))
    if odd := sorted(named[name] for name in used - {*needs, *may}):
        raise CliError(t("{flags} does not go with --alerts {kind}", flags=", ".join(odd), kind=flags.kind))
    if flags.kind == "webhook" and bool(flags.secret_env) is bool(flags.secret_file):
        told = t("the secret of a webhook is in a variable or in a file")
        raise CliError(told, t("give --alerts-secret-env VARIABLE or --alerts-secret-file FILE"))
    for name in sorted(used & _CHECKS.keys()):
        if wrong := _CHECKS[name](getattr(flags, name)):
            raise CliError(f"{named[name]}: {wrong}")
    secret, thread = (flags.secret_env, flags.secret_file), (flags.account, flags.to)
    return AlertChoice(flags.kind, flags.url, *secret, tuple(shlex.split(flags.command)), *thread)


_DETAILS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "off": ((), ()),
    "webhook": (("url",), ("secret_env", "secret_file")),
    "command": (("command",), ()),
    "thread": (("account", "to"), ()),
}
"""What each way needs, and what it may have besides."""


def ask_owner_commands(prompts: Prompts) -> bool:
    tell(t("In the chat with yourself you can write /pause, /approve CODE or /draft 12 ok. Nobody else can."))
    return prompts.confirm(t("Take such commands from you?"), False)


def _wrong_target(typed: str) -> str:
    from clawlane.config.alerts import alert_target

    try:
        alert_target(typed)
    except ValueError as error:
        return str(error)
    return ""


_CHECKS = {
    "url": wrong_webhook,
    "secret_env": wrong_variable,
    "secret_file": wrong_key_file,
    "command": wrong_command,
    "to": _wrong_target,
}
