"""The command line: `clawlane` and `openclaw` are the same program."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import click

from clawlane.cli.lazy import LazyGroup
from clawlane.cli.locale import take_locale
from clawlane.cli.screen import help_columns
from clawlane.texts import ENGLISH, locale, t

_NAMES = ("clawlane", "openclaw")
_INTERRUPTED = 130
_COMMANDS = {
    "onboard": ("clawlane.cli.onboard:onboard", "Set up a lane step by step."),
    "gateway": ("clawlane.cli.gateway:gateway", "Run the gateway, look at it, stop it."),
    "agent": ("clawlane.cli.agents:agent", "Ask an agent, and see which one answers where."),
    "channels": ("clawlane.cli.main:channels", "Log accounts in and out, and see their status."),
    "verify": ("clawlane.cli.verify:verify", "Prove that a lane works, step by step."),
    "message": ("clawlane.cli.message:message", "Send, react and undo as the account."),
    "health": ("clawlane.cli.health:health", "Show the state of each account in one line."),
    "console": ("clawlane.cli.console:console", "Open the web console."),
    "mcp": ("clawlane.cli.mcp:mcp", "Serve the lane to agents elsewhere, by MCP."),
    "logs": ("clawlane.cli.logs:logs", "Show what the gateway logged."),
    "debug": ("clawlane.cli.debug:debug", "Show the frames and calls of one account."),
    "pause": ("clawlane.cli.pause:pause", "Pause all outgoing traffic; survives restarts."),
    "resume": ("clawlane.cli.pause:resume", "End a pause."),
    "pacing": ("clawlane.cli.pacing:pacing", "Show what may leave and be spent, and what is held."),
    "alarms": ("clawlane.cli.alarms:alarms", "See what looks like trouble with the platform."),
    "pairing": ("clawlane.cli.pairing:pairing", "See who asks to write to an account, and decide."),
    "drafts": ("clawlane.cli.drafts:drafts", "Approve, edit or drop what waits for your approval."),
    "rehearse": ("clawlane.cli.rehearse:rehearse", "Try a config against a simulator, with nothing at risk."),
    "sim": ("clawlane.cli.sim:sim", "Run a simulator, and play the people in it."),
    "policy": ("clawlane.cli.policy:policy", "Check who may write, without waiting for a message."),
    "why": ("clawlane.cli.why:why", "Say why messages were or were not answered."),
    "session": ("clawlane.cli.session:session", "Look at an account's login, or end it."),
    "sessions": ("clawlane.cli.sessions:sessions", "See what agents remember, and make them forget."),
    "forget": ("clawlane.cli.forget:forget", "Remove what a person or a group said."),
    "export": ("clawlane.cli.forget:export", "Show what is kept of a person."),
    "alerts": ("clawlane.cli.alerts:alerts", "See what the owner is told, and try out how."),
    "webhooks": ("clawlane.cli.webhooks:webhooks", "See how far webhooks are, and try them out."),
    "outbox": ("clawlane.cli.outbox:outbox", "See unsent and unconfirmed messages."),
    "sent": ("clawlane.cli.outbox:sent", "List what left in the owner's name."),
    "import": ("clawlane.cli.importing:import_home", "Take over config, senders and logins of OpenClaw."),
    "backup": ("clawlane.cli.backup:backup", "Write the state into one encrypted file."),
    "restore": ("clawlane.cli.backup:restore", "Put a backup into an empty state directory."),
    "upgrade": ("clawlane.cli.upgrade:upgrade", "See what another version changed, and accept it."),
    "cluster": ("clawlane.cli.cluster:cluster", "See which node runs what, and move accounts."),
    "store": ("clawlane.cli.store:store", "Move or copy the store, undo its upgrade, or start over."),
    "doctor": ("clawlane.cli.doctor:doctor", "Check the whole setup, and fix what can be fixed."),
    "security": ("clawlane.cli.audit:security", "See how open and how careful the lanes are."),
    "audit": ("clawlane.cli.audit_log:audit", "See what left in your name, and what was changed."),
    "directory": ("clawlane.cli.directory:directory", "Look up people and groups, with their ids."),
    "plugins": ("clawlane.cli.plugins:plugins", "Install channel plugins, and list them."),
    "config": ("clawlane.cli.main:config", "Check, read and change the config file."),
    "support-bundle": (
        "clawlane.cli.support_bundle:support_bundle",
        "Collect what helps somebody to help you.",
    ),
    "uninstall": (
        "clawlane.cli.uninstall:uninstall",
        "Remove the service, and what is stored if you say so.",
    ),
    "completion": ("clawlane.cli.completion:completion", "Complete commands in bash, zsh and fish."),
    "help": ("clawlane.cli.help:help_", "Read a page of help, or the help of a command."),
}

_CHANNELS = {
    "add": ("clawlane.cli.onboard:add", "Add a channel, or one more account, step by step."),
    "login": ("clawlane.cli.login:login", "Link an account by scanning a QR code."),
    "logout": ("clawlane.cli.channels:logout", "Stop an account and forget its saved session."),
    "status": ("clawlane.cli.status:status", "Show the status of the accounts."),
    "dead-letters": ("clawlane.cli.dead_letters:dead_letters", "See messages the agent could not answer."),
    "capabilities": ("clawlane.cli.capabilities:capabilities", "Show what a channel can do."),
    "logs": ("clawlane.cli.logs:channel_logs", "Show what was logged about a channel."),
    "list": ("clawlane.cli.channels:list_channels", "List the configured accounts."),
}

_CONFIG = {
    "get": ("clawlane.cli.config:get_value", "Print what the file says, or the value in force."),
    "set": ("clawlane.cli.config_edit:set_value", "Write a value into the config file."),
    "unset": ("clawlane.cli.config_edit:unset", "Remove a key from the config file."),
    "validate": ("clawlane.cli.config:validate", "Check the whole config file."),
    "apply": ("clawlane.cli.config_edit:apply", "Apply an edit that widens access."),
    "import": ("clawlane.cli.config_import:import_file", "Import a config from OpenClaw."),
    "schema": ("clawlane.cli.config_schema:schema", "Print every key the config file can have."),
    "file": ("clawlane.cli.config:show_file", "Print the path of the config file."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clawlane", message="%(prog)s %(version)s")
def cli() -> None:
    """Run a chat account as a lane for an AI agent.

    The state lives in $CLAWLANE_STATE_DIR (else ~/.clawlane), the config in $CLAWLANE_CONFIG
    (else config.json5 in there).
    """


@click.group(cls=LazyGroup, table=_CHANNELS)
def channels() -> None:
    """Log accounts in and out, and see their status."""


@click.group(cls=LazyGroup, table=_CONFIG)
def config() -> None:
    """Check, read and change the config file."""


def _root() -> click.Command:
    """The program, with its help in the language of this command."""
    if locale() == ENGLISH:
        return cli
    from clawlane.cli.help_text import translated

    return translated(cli, t)


def main() -> None:
    """The program. Exits with what the command says: 0, 1 for anything wrong, or the codes of its help."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    _exit(run(sys.argv[1:], os.path.basename(sys.argv[0])))


def _exit(code: int) -> NoReturn:
    """End the process. Taking the interpreter apart would be a tenth of the time of a quick command.

    What ran an event loop here may have more to end, and ends in the usual way.
    """
    if "asyncio" not in sys.modules:
        with suppress(OSError, ValueError):
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(code)
    sys.exit(code)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """End as on Ctrl-C, so that temporary files such as the picture of a QR code are removed."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def run(args: Sequence[str], name: str) -> int:
    """Run one command line and return its exit code. Every error is one line on stderr."""
    try:
        take_locale(os.environ)
        program = name if name in _NAMES else "clawlane"
        result = _root().main(list(args), program, standalone_mode=False, terminal_width=help_columns())
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        return 1
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("CLAWLANE_TRACEBACK"):
            raise
        from clawlane.cli.failure import explain, tell

        failure = explain(error)
        tell(failure, as_json="--json" in args)
        return failure.code
    return result if isinstance(result, int) else 0
