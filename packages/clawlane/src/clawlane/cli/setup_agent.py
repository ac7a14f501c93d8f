"""The question who answers: asked at a terminal, or read from flags."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

from clawlane.cli.failure import CliError
from clawlane.cli.prompt_options import Option, said
from clawlane.cli.prompts import Prompts
from clawlane.ops.setup_answers import AgentChoice
from clawlane.texts import later, t

AGENTS = ("echo", "endpoint", "model", "acp", "command", "webhook")


@dataclass(frozen=True, slots=True)
class AgentFlags:
    """The flags about the agent; empty for those that were not given."""

    kind: str = ""
    url: str = ""
    model: str = ""
    key_env: str = ""
    key_file: str = ""
    command: str = ""


_AGENT = (
    Option("echo", later("an echo"), later("Repeats each message: enough for a first try.")),
    Option("endpoint", later("an endpoint"), later("A server with OpenAI's chat API, such as Ollama.")),
    Option("model", later("a model"), later("provider/model in the gateway; needs clawlane[agent].")),
    Option("acp", later("a coding agent"), later("A program that speaks the Agent Client Protocol.")),
    Option("command", later("a program"), later("Run once for each message: JSON in, the reply out.")),
    Option("webhook", later("a server of yours"), later("Gets signed requests; answers at once or later.")),
)


def ask_agent(prompts: Prompts) -> AgentChoice:
    """The agent that the operator chooses. What is typed is checked as it is typed."""
    kind = prompts.choose(t("Who answers?"), said(_AGENT), "echo")
    ask = prompts.text
    match kind:
        case "endpoint":
            url = ask(t("Address of the API:"), "http://127.0.0.1:11434/v1", _wrong_url)
            model = ask(t("Name of the model there (empty if it has only one):"))
            return replace(_key(prompts), kind=kind, url=url, model=model)
        case "model":
            return AgentChoice(kind, model=ask(t("Model as provider/model:"), "", _wrong_model))
        case "acp" | "command":
            line = ask(t("Command line of the program:"), "", wrong_command)
            return AgentChoice(kind, command=tuple(shlex.split(line)))
        case "webhook":
            url = ask(t("Address of the webhook:"), "", wrong_webhook)
            question = t("Where is its secret, of 16 bytes or more?")
            return replace(_place(prompts, question, _SECRETS, "file"), kind=kind, url=url)
    return AgentChoice(kind)


_SECRETS = (
    Option("env", later("a variable"), later("The config names it; the gateway has to have it.")),
    Option("file", later("a private file"), later("The config names it; nobody else may read it.")),
)
_KEYS = (Option("none", later("no key"), later("The server asks for none, as on this machine.")), *_SECRETS)


def _key(prompts: Prompts) -> AgentChoice:
    return _place(prompts, t("Where is the key of the API?"), _KEYS, "none")


def _place(prompts: Prompts, question: str, places: tuple[Option, ...], first: str) -> AgentChoice:
    match prompts.choose(question, said(places), first):
        case "env":
            return AgentChoice(key_env=prompts.text(t("Name of the variable:"), "AGENT_KEY", wrong_variable))
        case "file":
            return AgentChoice(key_file=prompts.text(t("Path of the file:"), "", wrong_key_file))
    return AgentChoice()


def read_agent(flags: AgentFlags) -> AgentChoice | None:
    """The agent that the flags describe. Raises `CliError` for what does not go together."""
    kind = flags.kind
    details = {
        "--agent-url": flags.url,
        "--agent-model": flags.model,
        "--agent-key-env": flags.key_env,
        "--agent-key-file": flags.key_file,
        "--agent-command": flags.command,
    }
    used = {name for name, value in details.items() if value}
    if not kind:
        if used:
            raise CliError(
                t("{flags} without --agent", flags=", ".join(sorted(used))),
                t("add --agent {kinds}", kinds="|".join(AGENTS)),
            )
        return None
    needs, may = _DETAILS[kind]
    if lacking := [name for name in needs if name not in used]:
        raise CliError(t("--agent {kind} needs {flags}", kind=kind, flags=t(" and ").join(lacking)))
    if odd := used - {*needs, *may}:
        raise CliError(t("{flags} does not go with --agent {kind}", flags=", ".join(sorted(odd)), kind=kind))
    if kind == "webhook" and not flags.key_env and not flags.key_file:
        told = t("the secret of a webhook is in a variable or in a file")
        raise CliError(told, t("give --agent-key-env VARIABLE or --agent-key-file FILE"))
    if flags.key_env and flags.key_file:
        raise CliError(t("a key is in a variable or in a file, not in both"), t("leave one of them out"))
    checks = {
        "--agent-url": wrong_webhook if kind == "webhook" else _wrong_url,
        "--agent-model": _wrong_model if kind == "model" else lambda _: "",
        "--agent-key-env": wrong_variable,
        "--agent-key-file": wrong_key_file,
        "--agent-command": wrong_command,
    }
    for name in sorted(used):
        if wrong := checks[name](details[name]):
            raise CliError(f"{name}: {wrong}")
    key = (flags.key_env, flags.key_file)
    return AgentChoice(kind, flags.url, flags.model, *key, tuple(shlex.split(flags.command)))


_DETAILS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "echo": ((), ()),
    "endpoint": (("--agent-url",), ("--agent-model", "--agent-key-env", "--agent-key-file")),
    "model": (("--agent-model",), ()),
    "acp": (("--agent-command",), ()),
    "command": (("--agent-command",), ()),
    "webhook": (("--agent-url",), ("--agent-key-env", "--agent-key-file")),
}
"""What each kind of agent needs, and what it may have besides."""


def _wrong_url(typed: str) -> str:
    from clawlane.config.agents import http_url

    return _wrong_address(http_url, typed)


def wrong_webhook(typed: str) -> str:
    """Why a text cannot be the address of a webhook; empty if it can."""
    from clawlane.config.webhooks import webhook_url

    return _wrong_address(webhook_url, typed)


def _wrong_address(check: Callable[[str], object], typed: str) -> str:
    try:
        check(typed)
    except ValueError as error:
        return t("an address {error}", error=error)
    return ""


def _wrong_model(typed: str) -> str:
    provider, slash, model = typed.partition("/")
    return "" if provider and slash and model else t("write it as provider/model")


def wrong_variable(typed: str) -> str:
    """Why a text cannot name a variable with a secret; empty if it can."""
    named = typed.isascii() and typed.isidentifier()
    return "" if named else t("that is not the name of a variable; do not write the key itself here")


def wrong_key_file(typed: str) -> str:
    """Why a secret cannot be read from a file; empty if it can."""
    from clawlane.config.secrets import Secret, SecretMissing

    try:
        Secret(file=typed).read({})
    except SecretMissing as error:
        return str(error)
    return ""


def wrong_command(typed: str) -> str:
    """Why a text cannot be run as a program; empty if it can."""
    try:
        words = shlex.split(typed)
    except ValueError as error:
        return t("the command line cannot be read: {error}", error=error)
    return "" if words else t("write the program and its arguments")
