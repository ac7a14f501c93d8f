"""Mends what `doctor` names: names and doubled entries in the config, the modes of files, cut-off writes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.access.names import PinState
from clawlane.access.policy import AccessPolicy
from clawlane.capabilities import DirectoryError
from clawlane.config.errors import ConfigError
from clawlane.ops.config_names import Names, agreed, names_of
from clawlane.ops.context import OpContext, Target
from clawlane.ops.directory import lookup, resolve
from clawlane.ops.doubled_entries import to_remove
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.private_files import mend_files
from clawlane.store import directory as store_directory
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.edit import AnyEdit, Edit
    from clawlane.config.load import Config


@dataclass(frozen=True, slots=True)
class Fix(Request["Fixed"]):
    """Mend the config file and the files that are kept.

    In the config, ids are written for all names that have one, after those that are not pinned were looked up
    again, and entries that stand twice in a list are removed. With `dry_run` nothing is changed or looked up.
    """

    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was changed, or would be.

    `changes` are the lines of the config as a diff; its former text is in `backup`. `files` tells of each
    file that was made private or removed. `failures` say what could not be looked up or mended.
    """

    file: str
    backup: str
    changes: tuple[str, ...]
    files: tuple[str, ...]
    failures: tuple[str, ...]
    dry_run: bool = False


@operation(changes=True)
async def fix(ctx: OpContext, request: Fix) -> Fixed:
    """A config that does not load stays as it is. Raises `OpError` for one that cannot be edited."""
    files, failures = await asyncio.to_thread(mend_files, ctx.paths, ctx.now_ms(), request.dry_run)
    told = Fixed(str(ctx.paths.config_file), "", (), tuple(files), tuple(failures), request.dry_run)
    try:
        config = await asyncio.to_thread(ctx.written_config)
    except ConfigError:
        return told
    enabled = [
        Target(block.manifest, account, True, account.id == block.default_account)
        for block in config.channels.values()
        for account in block.accounts
        if account.enabled
    ]
    looking = [_looked_up(ctx, config, target, request.dry_run) for target in enabled]
    # Without a gateway one after the other: the first of them opens the store.
    looked_up = await asyncio.gather(*looking) if ctx.store else [await one for one in looking]
    failures += [failure for _, failure in looked_up if failure]
    names = agreed(names for names, _ in looked_up)
    changes = await asyncio.to_thread(_edit, ctx, config, names, request.dry_run)
    backup = "" if request.dry_run or not changes else _backup_of(config)
    return replace(told, backup=backup, changes=tuple(changes), failures=tuple(failures))


def _edit(ctx: OpContext, config: Config, names: list[Edit], dry_run: bool) -> list[str]:
    """Write ids instead of names, then remove what stands twice. Returns the changed lines."""
    from clawlane.config.edit import EditError, Remove, draft
    from clawlane.config.load import load_source

    replaced = {one.path: one.text for one in names if not one.at_key}
    edits: list[AnyEdit] = [*names, *map(Remove, to_remove(config, replaced))]
    if not edits:
        return []
    try:
        made = draft(config.source, edits)
        load_source(made.source, ctx.registry, ctx.environ)
        if not dry_run:
            made.write()
    except EditError as error:
        raise OpError(error.args[0]) from error
    except ConfigError as error:
        raise OpError(
            later(
                "the edited file would not load ({problems}); nothing was written", problems=error.problems[0]
            )
        ) from error
    return made.diff()


def _backup_of(config: Config) -> str:
    from clawlane.config.edit import backup_of

    return str(backup_of(config.source.file.resolve()))


async def _looked_up(ctx: OpContext, config: Config, target: Target, dry_run: bool) -> tuple[Names, str]:
    """The names of an account, with a new look-up of those not pinned; and why that failed."""
    known = await asyncio.to_thread(names_of, config, target.account, ctx.place)
    unpinned = [
        name
        for name in AccessPolicy.of(config, target.account).names_to_pin()
        if (before := known.looked_up.get(name)) is None or before.pin.state is not PinState.PINNED
    ]
    if dry_run or not unpinned:
        return known, ""
    try:
        async with lookup(ctx, target) as asked:
            found = await resolve(asked, unpinned, ctx.now_ms())
            if str(target.account) not in ctx.live and asked.account_store is not None:
                await asked.account_store.attempt(store_directory.keep_pins, found)
    except DirectoryError as error:
        said = error.args[0]
        told = later("{error}; run: {command}", error=said, command=error.help) if error.help else said
        return known, told
    return replace(known, looked_up={**known.looked_up, **{one.pin.name: one for one in found}}), ""
