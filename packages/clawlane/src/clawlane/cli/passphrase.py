"""The passphrase of a backup: from a file, from the environment, or typed; never on the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from clawlane.cli.failure import CliError
from clawlane.config.regular_file import read_regular
from clawlane.texts import later, t

C = TypeVar("C", bound=Callable[..., Any])

VARIABLE = "CLAWLANE_BACKUP_PASSPHRASE"
_LONGEST = 1024


def passphrase_option(command: C) -> C:
    """`--passphrase-file`."""
    return click.option(
        "--passphrase-file",
        type=click.Path(dir_okay=False),
        help=f"Read the passphrase from the first line of a file (default: ${VARIABLE}, else ask).",
    )(command)


def read_passphrase(file: str | None, *, new: bool) -> str:
    """The passphrase; a `new` one is typed twice. Raises `CliError`."""
    if file is not None:
        return _from_file(Path(file))
    if found := os.environ.get(VARIABLE, ""):
        return found
    if not sys.stdin.isatty():
        help = later("write --passphrase-file FILE, or set {name}", name=VARIABLE)
        raise CliError(later("there is nobody to ask for the passphrase"), help)
    again = t("Once more") if new else False
    return str(click.prompt(t("Passphrase"), hide_input=True, confirmation_prompt=again))


def _from_file(path: Path) -> str:
    try:
        lines = read_regular(path, _LONGEST).decode().splitlines()
    except UnicodeDecodeError:
        raise CliError(later("{file} is not text in UTF-8", file=path)) from None
    except ValueError:
        raise CliError(later("{file} is not a regular file", file=path)) from None
    except OSError as error:
        raise CliError(later("{file} cannot be read: {reason}", file=path, reason=error.strerror)) from None
    if not lines or not lines[0]:
        raise CliError(later("the first line of {file} is empty, and has to be the passphrase", file=path))
    return lines[0]
