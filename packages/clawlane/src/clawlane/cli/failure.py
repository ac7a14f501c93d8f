"""The one place where errors become lines for the person who typed the command.

CliError    a command cannot do what was asked; `failure` says why, what fixes it, and the exit code
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from clawlane.texts import t, told

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as lines, and the command that fixes it. `details` go into `--json`."""

    lines: tuple[str, ...]
    help: str = ""
    code: int = 1
    details: dict[str, Any] = field(default_factory=dict)


class CliError(Exception):
    """A command cannot do what was asked."""

    def __init__(self, message: str, help: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.failure = Failure((message,), help, code)


def explain(error: Exception) -> Failure:
    """The failure to print for an error. An unexpected one is named with its type."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, CliError):
        return error.failure
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        help = t("see: {command} --help", command=context.command_path) if context is not None else ""
        return Failure((error.format_message().rstrip("."),), help)
    if found := _of_our_packages(error):
        return found
    if isinstance(error, OSError):
        return _of_system(error)
    lines = str(error).splitlines() or [t("no more is known")]
    where = t("CLAWLANE_TRACEBACK=1 shows where it happened")
    return Failure((f"{type(error).__name__}: {lines[0]}",), where)


def tell(failure: Failure, *, as_json: bool) -> None:
    """Print a failure: one JSON object on stdout for programs, `error: …` on stderr for people."""
    said, help = [*map(t, failure.lines)], t(failure.help)
    if as_json:
        body = {"message": "\n".join(said), "help": help}
        print(json.dumps({"ok": False, **failure.details, "error": body}, ensure_ascii=False))
        return
    from clawlane.cli.output import echo_wrapped

    *first, last = said
    command = t("; run: ") if help.startswith("openclaw ") else "; "
    for line in (*first, last + (command + help if help else "")):
        echo_wrapped(t("error: {line}", line=line), hanging="  ", err=True)


def _of_our_packages(error: Exception) -> Failure | None:
    from clawlane.agents.errors import AgentsUnusable
    from clawlane.capabilities import CastError, DirectoryError, NoSimulator
    from clawlane.channel import ChannelUnusable, VaultError
    from clawlane.config.errors import ConfigError
    from clawlane.credentials.files import CredentialsError
    from clawlane.ops.client import ControlError
    from clawlane.ops.operation import OpError
    from clawlane.plugins.errors import PluginError
    from clawlane.rehearsal.errors import RehearsalError, ScenarioError
    from clawlane.store.errors import StoreError

    if isinstance(error, ConfigError):
        keys = ("path", "line", "column", "message", "hint")
        issues = [{key: getattr(one, key) for key in keys} for one in error.problems]
        return Failure(tuple(map(str, error.problems)), details={"issues": issues})
    if isinstance(error, AgentsUnusable):
        return Failure(error.problems)
    if isinstance(error, ScenarioError):
        return Failure(error.problems)
    of_channel = ChannelUnusable | DirectoryError | VaultError | CastError | NoSimulator | RehearsalError
    if isinstance(error, of_channel | ControlError | OpError | PluginError | CredentialsError | StoreError):
        message, help = told(error), t(getattr(error, "help", ""))
        return Failure((message,), "" if help in message else help)
    return None


def _of_system(error: OSError) -> Failure:
    """A file or folder that cannot be used: in the state directory, that is where to look."""
    from clawlane.config.paths import Paths

    if not isinstance(error.filename, str | os.PathLike):
        what = error.strerror or (str(error).splitlines() or [t("no more is known")])[0]
        return Failure((what,), t("make room on the disk") if error.errno in _FULL else "")
    path, state = Path(os.fsdecode(error.filename)), Paths.from_env(os.environ).state
    what = f"{path}: {error.strerror}"
    if error.errno in _FULL:
        return Failure((what,), t("make room on that disk"))
    if state in (path, *path.parents) or path in state.parents:
        folder = t("the state directory {state} has to be a folder that you can write", state=state)
        return Failure((what,), folder)
    return Failure((what,))
