"""Changes single values of the config file, checked as a whole before it is written."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clawlane.access.comparison import compare
from clawlane.access.exposure import Exposure
from clawlane.config.errors import ConfigError, KeyPath, format_path
from clawlane.config.masking import masked
from clawlane.ops import exposure as of_configs
from clawlane.ops.config import posture
from clawlane.ops.config_paths import in_data, not_set, steps, value_at
from clawlane.ops.config_standing import Standing, foreseen, standing_of
from clawlane.ops.context import GONE, OpContext
from clawlane.ops.exposure_text import sentences
from clawlane.ops.finding_text import place as place_of
from clawlane.ops.finding_text import text
from clawlane.ops.findings import Finding, Severity
from clawlane.ops.operation import OpError, Request, operation
from clawlane.store.errors import StoreUnusable
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.edit import Draft, Put, Remove
    from clawlane.config.load import Config

_SENDER_LISTS = ("allowFrom", "groupAllowFrom", "ownerAllowFrom", "members")
_EXACT = 2**53
"""Other readers of JSON round whole numbers from here on."""

_LONGEST = 100
"""Characters of a value that a command is shown with."""

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Set(Request["Changed"]):
    """Write a value at a path: JSON5, or else a text as it is.

    With `add` and `remove` a list gets or loses entries, and `value` is empty. With `dry_run` nothing is
    written, and with a `revision` only if the file is still the one of that revision. `config_file` is the
    file to change, where it is not that of this state directory.
    """

    path: str
    value: str = field(default="", repr=False)
    add: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    dry_run: bool = False
    config_file: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Unset(Request["Changed"]):
    """Remove a key, so that what it inherits counts, or the built-in value."""

    path: str
    dry_run: bool = False
    config_file: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What was changed, or with `dry_run` would be. `diff` is empty if the file said so already.

    `widens` and `narrows` say in sentences who gets in and who is kept out now. `findings` are about what the
    file opens to everybody. `dropped` are the entries that a list at the path has lost. `backup` is the
    former file, empty without one, and `revision` stands for what it said. `standing` is what a running
    gateway makes of the file, or with `dry_run` would.
    """

    path: str
    file: str
    backup: str
    diff: list[str]
    widens: list[str]
    narrows: list[str]
    findings: list[Finding]
    dropped: list[str]
    warnings: list[str]
    standing: Standing
    dry_run: bool
    revision: str


@operation
async def set(ctx: OpContext, request: Set) -> Changed:
    """Raises `ConfigError` if the file could not be used any more, and `OpError`."""
    from clawlane.config.edit import Put

    written = ctx.as_written(request.config_file)
    source = await asyncio.to_thread(_source, written)
    path = in_data(steps(request.path), source.data)
    _check_path(written, path)
    if request.add or request.remove:
        return await _changed(written, path, _items(source.at(path), request, path), request)
    value = _exact(_read_value(request.value), path)
    try:
        return await _changed(written, path, [Put(path, value)], request)
    except ConfigError as error:
        if not isinstance(value, list) and _wants_list(error, path):
            raise OpError(
                later("{format_path} is a list", format_path=format_path(path)), _adding(path, request.value)
            ) from None
        # `config set … name 42` means the text, where a number is none.
        if isinstance(value, str | list | dict) or not any(
            "must be a text" in str(one) for one in error.problems
        ):
            raise
    return await _changed(written, path, [Put(path, request.value)], request)


@operation
async def unset(ctx: OpContext, request: Unset) -> Changed:
    """Raises `ConfigError` if the file could not be used any more, and `OpError`."""
    from clawlane.config.edit import Remove

    written = ctx.as_written(request.config_file)
    source = await asyncio.to_thread(_source, written)
    path = in_data(steps(request.path), source.data)
    if not path or value_at(source.data, path, _NOTHING) is _NOTHING:
        raise not_set(source.data, path, request.path or later("the whole file"))
    return await _changed(written, path, [Remove(path)], request)


def _source(ctx: OpContext) -> Any:
    from clawlane.config.source import read_source

    return read_source(ctx.paths.config_file)


async def _changed(
    ctx: OpContext, path: KeyPath, edits: Sequence[Put | Remove], request: Set | Unset
) -> Changed:
    from clawlane.config.edit import EditError, backup_of, draft
    from clawlane.config.load import load_source

    before, dry_run = await asyncio.to_thread(_config, ctx), request.dry_run
    try:
        made = await asyncio.to_thread(lambda: draft(_source(ctx), edits))
        _check_revision(made, request.revision)
        after = await asyncio.to_thread(load_source, made.source, ctx.registry, ctx.environ)
        new = await asyncio.to_thread(_new_findings, ctx, before, after, path)
        found = await _exposure(ctx, before, after)
        if made.changes and not dry_run:
            await asyncio.to_thread(made.write)
    except EditError as error:
        raise OpError(error.args[0]) from None
    known = {(one.path, one.message) for one in before.warnings} if before else frozenset()
    backup = "" if made.raw is None or dry_run or not made.changes else str(backup_of(made.file))
    return Changed(
        path=format_path(path),
        file=str(made.source.file),
        backup=backup,
        diff=made.diff(),
        widens=sentences(found.widens),
        narrows=sentences(found.narrows),
        findings=new,
        dropped=_dropped(made.before.data, made.source.data, path),
        warnings=[str(one) for one in after.warnings if (one.path, one.message) not in known],
        standing=await asyncio.to_thread(_standing, ctx, made.text if dry_run else ""),
        dry_run=dry_run,
        revision=_revision(made),
    )


def _revision(made: Draft) -> str:
    """What stands for the file that a draft is made from."""
    return made.before.revision or GONE


def _check_revision(made: Draft, revision: str) -> None:
    if revision and revision != _revision(made):
        changed = later("{file} was changed by something else in the meantime; nothing was written")
        raise OpError(later(changed, file=made.file), later("look at it and make the edit again"))


def _standing(ctx: OpContext, text: str) -> Standing:
    return foreseen(ctx.paths, text) if text else standing_of(ctx.paths)


async def _exposure(ctx: OpContext, before: Config | None, after: Config) -> Exposure:
    """What the change opens and closes. Without a store that can be read, nobody is known by name."""
    if before is None:
        return Exposure()
    try:
        return await of_configs.exposure(ctx, before, after)
    except StoreUnusable:
        return compare(of_configs.policies(before), of_configs.policies(after), {})


def _config(ctx: OpContext) -> Config | None:
    """The config before the change; None if it could not be used, which the change may mend."""
    with suppress(ConfigError):
        return ctx.written_config()
    return None


def _new_findings(ctx: OpContext, before: Config | None, after: Config, path: KeyPath) -> list[Finding]:
    """What the file opens that it did not before, or at the path that was written.

    Raises `OpError` for a new entry that cannot mean what it says: a group among senders, or a person among
    groups.
    """
    former, found = posture(ctx, before) if before else [], posture(ctx, after)
    meant = [(one.code, one.data) for one in former]
    for one in found:
        if one.severity is Severity.ERROR and (one.code, one.data) not in meant:
            raise OpError(
                later("{place_of}: {text}; nothing was written", place_of=place_of(one), text=text(one)),
                _right_place(one, path),
            )
    known, written = {(one.code, one.path) for one in former}, format_path(path)
    return [one for one in found if one.path == written or (one.code, one.path) not in known]


def _right_place(found: Finding, path: KeyPath) -> str:
    """The command that writes a group, or a person, where it belongs, beside where it was written."""
    channel = found.accounts[0].partition("/")[0]
    block = path[:4] if path[2:3] == ("accounts",) else ("channels", channel)
    if found.code == "sender_in_groups":
        senders = format_path((*block, "groupAllowFrom"))
        return f"openclaw config set {shlex.quote(senders)} --add {found.data['id']}"
    place = format_path((*block, "groups", found.data["id"]))
    return f"openclaw config set {shlex.quote(place)} {{}}"


def _wants_list(error: ConfigError, path: KeyPath) -> bool:
    return any(one.path == format_path(path) and "must be a list" in one.message for one in error.problems)


def _adding(path: KeyPath, entry: str) -> str:
    shown = shlex.quote(entry) if len(entry) <= _LONGEST else "ENTRY"
    return f"openclaw config set {shlex.quote(format_path(path))} --add {shown}"


def _dropped(before: Any, after: Any, path: KeyPath) -> list[str]:
    """The entries of a list that it has no more."""
    former, now = (value_at(data, path, None) for data in (before, after))
    if not isinstance(former, list) or not isinstance(now, list):
        return []
    kept = list(map(str, now))
    shown = zip(former, masked(former, path), strict=True)
    return [str(told) for one, told in shown if str(one) not in kept]


def _check_path(ctx: OpContext, path: KeyPath) -> None:
    """Refuse a key of a channel without its channel: `dmPolicy` for `channels.zalouser.dmPolicy`."""
    if not path:
        raise OpError(later("a path is needed"), later("such as channels.zalouser.dmPolicy"))
    from clawlane.channel import load_dotted
    from clawlane.config.schema import Root

    root = [one.alias or name for name, one in Root.model_fields.items()]
    if path[0] in root:
        return
    for manifest in ctx.registry.manifests():
        model = load_dotted(manifest.settings)
        if path[0] in {one.alias or name for name, one in model.model_fields.items()}:
            place = format_path(("channels", manifest.id, *path))
            raise OpError(
                later("{format_path} is a key of a channel", format_path=format_path(path)),
                later("write {place}", place=place),
            )


def _read_value(written: str) -> Any:
    """JSON5 as its value, everything else as the text that it is."""
    from pathlib import Path

    from clawlane.config.source import parse_source

    try:
        data = parse_source(Path("value"), f"{{value:{written}\n}}".encode()).data
    except (ConfigError, UnicodeEncodeError):
        return written
    return data["value"] if list(data) == ["value"] else written


def _exact(value: Any, path: KeyPath) -> Any:
    """The value with ids as texts, so that every reader keeps all their digits."""
    if isinstance(value, dict):
        return {key: _exact(one, (*path, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_exact(one, path) for one in value]
    if type(value) is int and (value >= _EXACT or any(step in _SENDER_LISTS for step in path)):
        return str(value)
    return value


def _items(present: Any, request: Set, path: KeyPath) -> list[Put | Remove]:
    """The edits of a list. An id counts as the same with and without quotes."""
    from clawlane.config.edit import Put, Remove

    if present is not None and not isinstance(present, list):
        raise OpError(later("{path} is no list", path=request.path))
    items = [str(one).strip() for one in present or ()]
    edits: list[Put | Remove] = []
    for one in request.remove:
        wanted = str(_read_value(one)).strip()
        if wanted not in items:
            raise OpError(
                later("{one} is not in {path}", one=one, path=request.path),
                f"openclaw config get {request.path}",
            )
        for index in [number for number, item in enumerate(items) if item == wanted][::-1]:
            edits.append(Remove((*path, index)))
            del items[index]
    for one in request.add:
        value = _exact(_read_value(one), path)
        if str(value).strip() not in items:
            edits.append(Put((*path, len(items)), value))
            items.append(str(value).strip())
    return edits
