"""`doctor --fix`: names are looked up again, and ids written into the config in their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from clawlane.abilities import DirectoryError
from clawlane.access.pins import PinState
from clawlane.access.policy import Policy
from clawlane.cli.directory_source import Source
from clawlane.cli.failure import CliError
from clawlane.cli.setup import Meant, Setup
from clawlane.config.edit import EditError, backup_of, edit
from clawlane.host.control_client import ControlError
from clawlane.host.doctor.checkup import names_of
from clawlane.host.doctor.names import Names, agreed


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was changed: the lines as a diff, and the accounts whose names could not be looked up."""

    file: str
    backup: str
    changes: tuple[str, ...]
    failures: tuple[str, ...]


def fix_names(setup: Setup) -> Fixed:
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


def _enabled(setup: Setup) -> Iterator[Meant]:
    for block in setup.config.channels.values():
        for account in block.accounts:
            if account.enabled:
                yield Meant(block.manifest, account, True, account.id == block.default_account)


def _looked_up(setup: Setup, meant: Meant, failures: list[str]) -> Names:
    """The names of an account, those that were not pinned looked up again."""
    known = names_of(setup.config, meant.account, setup.places)
    unpinned = [
        name
        for name in Policy.of(setup.config, meant.account).names()
        if (before := known.looked_up.get(name)) is None or before.pin.state is not PinState.PINNED
    ]
    try:
        found = Source(setup, meant).look_up(unpinned) if unpinned else []
    except (DirectoryError, ControlError) as error:
        failures.append(f"{error}; run: {error.help}" if error.help else str(error))
        found = []
    return replace(known, looked_up={**known.looked_up, **{one.pin.name: one for one in found}})
