"""`doctor`: what is wrong with the config and around it, what to do about each thing, and mending names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from clawlane.access.names import PinState
from clawlane.access.policy import AccessPolicy
from clawlane.capabilities import DirectoryError
from clawlane.cli.context import CliContext, Target
from clawlane.cli.directory import Source
from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_wrapped, sanitize
from clawlane.config.edit import EditError, backup_of, edit
from clawlane.ops.client import ControlError
from clawlane.ops.config_names import Names, agreed
from clawlane.ops.doctor import names_of

if TYPE_CHECKING:
    from clawlane.ops.findings import Finding


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was changed: the lines as a diff, and the accounts whose names could not be looked up."""

    file: str
    backup: str
    changes: tuple[str, ...]
    failures: tuple[str, ...]


def fix_names(setup: CliContext) -> Fixed:
    """Look up what is not pinned, and write the ids of all names that have one. Raises `CliError`."""
    failures: list[str] = []
    looked_up = [_looked_up(setup, meant, failures) for meant in _enabled(setup)]
    source = setup.config.source
    edits = agreed(looked_up)
    try:
        changes = edit(source, edits) if edits else []
    except EditError as error:
        raise CliError(str(error)) from error
    backup = str(backup_of(source.file.resolve())) if changes else ""
    return Fixed(str(source.file), backup, tuple(changes), tuple(failures))


def _enabled(setup: CliContext) -> Iterator[Target]:
    for block in setup.config.channels.values():
        for account in block.accounts:
            if account.enabled:
                yield Target(block.manifest, account, True, account.id == block.default_account)


def _looked_up(setup: CliContext, meant: Target, failures: list[str]) -> Names:
    """The names of an account, those that were not pinned looked up again."""
    known = names_of(setup.config, meant.account, setup.places)
    unpinned = [
        name
        for name in AccessPolicy.of(setup.config, meant.account).names_to_pin()
        if (before := known.looked_up.get(name)) is None or before.pin.state is not PinState.PINNED
    ]
    try:
        found = Source(setup, meant).look_up(unpinned) if unpinned else []
    except (DirectoryError, ControlError) as error:
        failures.append(f"{error}; run: {error.help}" if error.help else str(error))
        found = []
    return replace(known, looked_up={**known.looked_up, **{one.pin.name: one for one in found}})


_LONGEST = 400
_INDENT = " " * 9


@click.command()
@click.option("--fix", is_flag=True, help="Look names up again, and write ids into the config file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(fix: bool, as_json: bool) -> int:
    """Check the whole set-up, and say what to do about everything that is wrong with it.

    \b
    Exit code:
      0  nothing is wrong, or there are only warnings and notes
      1  there are errors
    """
    from clawlane.config.errors import ConfigError
    from clawlane.ops.doctor import check_up, of_broken_config

    setup, fixed = CliContext(), None
    try:
        if fix:
            fixed = fix_names(setup)
            setup = CliContext()
        found = [*check_up(setup.config, setup.places, setup.environ, setup.runtime), *_running(setup)]
    except ConfigError as error:
        found = of_broken_config(error, setup.places, setup.environ)
    ok = not any(one.severity.fails for one in found)
    if as_json:
        _print_json(ok, found, fixed)
    else:
        _print(found, fixed)
    return 0 if ok else 1


def _running(setup: CliContext) -> list[Finding]:
    """What the running gateway knows; nothing where none runs or it does not answer."""
    from clawlane.ops.client import ControlClient, ControlError
    from clawlane.ops.clocks import of_status

    try:
        return list(of_status(ControlClient(setup.places).status()))
    except ControlError:
        return []


def _print_json(ok: bool, found: Sequence[Finding], fixed: Fixed | None) -> None:
    body: dict[str, Any] = {"ok": ok, "findings": [asdict(one) for one in found]}
    if fixed is not None:
        body["fixed"] = asdict(fixed)
    click.echo(json.dumps(body, ensure_ascii=False))


def _print(found: Sequence[Finding], fixed: Fixed | None) -> None:
    if fixed is not None:
        _print_fixed(fixed)
    if not found:
        click.echo("Nothing is wrong.")
    for one in found:
        named = f" [{', '.join(one.accounts)}]" if len(one.accounts) > 1 else ""
        text = f"{sanitize(one.place, _LONGEST)}: {sanitize(one.text, _LONGEST)}{named}"
        echo_wrapped(text, f"{one.severity:<9}", _INDENT)
        if one.mend:
            echo_wrapped(sanitize(one.mend, _LONGEST), f"{_INDENT}→ ", f"{_INDENT}  ")


def _print_fixed(fixed: Fixed) -> None:
    for line in fixed.failures:
        click.echo(f"not looked up: {line}", err=True)
    if not fixed.changes:
        click.echo("No name could be replaced by an id; the config file is as it was.\n")
        return
    click.echo(f"Wrote ids into {fixed.file}; the former file is {fixed.backup}")
    for line in fixed.changes:
        click.echo(f"  {line}")
    click.echo("A running gateway reads the new file when it is started again.\n")
