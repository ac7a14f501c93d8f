"""Brings a config of OpenClaw over: keeps what is known here, and names what is left out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clawlane.config.errors import ConfigError, KeyPath, Problem, format_path
from clawlane.ops.config import posture
from clawlane.ops.config_paths import value_at
from clawlane.ops.config_standing import Standing, foreseen, standing_of
from clawlane.ops.context import OpContext
from clawlane.ops.findings import Finding
from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.edit import AnyEdit
    from clawlane.config.load import Config
    from clawlane.config.source import Source

_ROUNDS = 10
_EXACT = 2**53
_LEFT_OUT = (
    later("unknown key"),
    later("unknown channel"),
    later("this channel has no such key"),
    later("OpenClaw has this channel, clawlane does not"),
    later("OpenClaw has this key, clawlane does not"),
    later("OpenClaw has this section, clawlane does not"),
)
"""What the loader says about keys that an import leaves out."""


@dataclass(frozen=True, slots=True)
class Import(Request["Imported"]):
    """Write what `source_file` says as the config, which must not be there yet, except with `force`."""

    source_file: str
    force: bool = False
    dry_run: bool = False
    config_file: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A key that was not applied, or not as it is written, and why."""

    path: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written, or with `dry_run` would be. `backup` is the former config, empty without one.

    `adapted` are values that mean more here than there, and were replaced by what they meant there.
    `standing` is what a running gateway makes of it, or would.
    """

    file: str
    backup: str
    text: str
    left_out: list[LeftOut]
    adapted: list[LeftOut]
    warnings: list[str]
    findings: list[Finding]
    standing: Standing
    dry_run: bool


@operation
async def bring(ctx: OpContext, request: Import) -> Imported:
    """Raises `ConfigError` for values that mean nothing here, and `OpError`."""
    return await asyncio.to_thread(_bring, ctx.as_written(request.config_file), request)


def _bring(ctx: OpContext, request: Import) -> Imported:
    from clawlane.config.edit import Draft, EditError, backup_of, masked_text
    from clawlane.config.source import Source, read_source

    target = ctx.paths.config_file
    if target.exists() and not target.is_file():
        raise OpError(
            later("{file} is not a file", file=target), later("move it away, or set CLAWLANE_CONFIG")
        )
    raw = target.resolve().read_bytes() if target.exists() else None
    if raw is not None and not request.force and not request.dry_run:
        raise OpError(
            later("{file} is there already", file=target),
            later("--force replaces it, and keeps it as ….bak"),
        )
    given = read_source(Path(request.source_file))
    if not given.exists:
        raise OpError(later("{file}: there is no such file", file=request.source_file))
    try:
        fit = fitted(ctx, given, target)
        text, config = fit.text, fit.config
        made = Draft(target.resolve(), raw, text, Source(target, {}, {}, {}, exists=False), config.source)
        if not request.dry_run:
            made.write()
    except EditError as error:
        raise OpError(error.args[0]) from None
    return Imported(
        file=str(target),
        backup=str(backup_of(made.file)) if raw is not None and not request.dry_run else "",
        text=masked_text(config.source, text),
        left_out=fit.left_out,
        adapted=fit.adapted,
        warnings=list(map(str, config.warnings)),
        findings=posture(ctx, config),
        standing=foreseen(ctx.paths, text) if request.dry_run else standing_of(ctx.paths),
        dry_run=request.dry_run,
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A config of OpenClaw as one of this program: what it would say, and what was done to that end."""

    text: str
    config: Config
    left_out: list[LeftOut]
    adapted: list[LeftOut]


def fitted(ctx: OpContext, given: Source, target: Path) -> Fitted:
    """The text without what is unknown here. What is left out may show more of the kind, so it goes on.

    Raises `ConfigError` for values that mean nothing here, and `OpError`.
    """
    from clawlane.config.edit import Put, apply_edits
    from clawlane.config.load import load_source
    from clawlane.config.source import parse_source

    _refuse_includes(given)
    text = given.file.read_bytes().decode()
    long = [path for path in given.values if _is_long(value_at(given.data, path, None))]
    text = apply_edits(given, text, [Put(path, str(value_at(given.data, path, None))) for path in long])
    left_out: list[LeftOut] = []
    for _ in range(_ROUNDS):
        source = parse_source(target, text.encode())
        problems: tuple[Problem, ...] = ()
        try:
            config = load_source(source, ctx.registry, ctx.environ)
            problems, others = config.warnings, []
        except ConfigError as error:
            problems, others = error.problems, [one for one in error.problems if not _goes(one)]
        edits = list(_removals(source, given, problems, left_out))
        if not edits and others:
            raise ConfigError(_in_file(given, one) for one in others)
        if not edits:
            left_out.sort(key=lambda one: one.line or 0)
            return _as_meant(ctx, Fitted(text, config, left_out, []), given)
        text = apply_edits(source, text, edits)
    raise OpError(
        later("{file} is too unlike a config", file=given.file), later("write a new one: openclaw onboard")
    )


_OPEN = later("'open' without '*' lets in only allowFrom there, and everybody here: 'allowlist' is the same")


def _as_meant(ctx: OpContext, fit: Fitted, given: Source) -> Fitted:
    """The same with `dmPolicy: 'open'` replaced where it lets in a few there, and everybody here."""
    from clawlane.config.edit import Put, apply_edits
    from clawlane.config.load import load_source
    from clawlane.config.source import parse_source

    source = fit.config.source
    edits = [
        Put((*place, "dmPolicy"), "allowlist")
        for channel in fit.config.channels
        for place in _narrowly_open(source, channel)
    ]
    if not edits:
        return fit
    text = apply_edits(source, fit.text, edits)
    config = load_source(parse_source(source.file, text.encode()), ctx.registry, ctx.environ)
    adapted = []
    for one in edits:
        position = given.position(one.path)
        adapted.append(LeftOut(format_path(one.path), position.line if position else None, _OPEN))
    return Fitted(text, config, fit.left_out, adapted)


def _narrowly_open(source: Source, channel: str) -> Iterator[KeyPath]:
    """The blocks of a channel with an open policy and a list without `*`."""
    place: KeyPath = ("channels", channel)
    block = source.at(place)
    accounts = block.get("accounts")
    blocks: list[tuple[KeyPath, Mapping[str, Any]]] = [(place, {})]
    if isinstance(accounts, Mapping) and accounts:
        blocks = [((*place, "accounts", name), own) for name, own in accounts.items()]
    for path, own in blocks:
        both = {**block, **own}
        listed = [str(one).strip().rpartition(":")[2] for one in both.get("allowFrom") or ()]
        if both.get("dmPolicy") == "open" and "*" not in listed:
            yield path


def _refuse_includes(given: Source) -> None:
    """Raises `ConfigError` for a file that is only a part: what the others close would be open."""
    from clawlane.config.schema import INCLUDE, INCLUDES, INCLUDES_HINT

    found = [path for path in given.keys if path and path[-1] == INCLUDE]
    if found:
        raise ConfigError(given.problem(path, INCLUDES, INCLUDES_HINT, at_key=True) for path in found)


def _removals(
    source: Source, given: Source, problems: tuple[Problem, ...], left_out: list[LeftOut]
) -> Iterator[AnyEdit]:
    """The edits that remove what goes."""
    from clawlane.config.edit import Remove

    paths = source.by_path
    gone = {paths[one.path]: one for one in problems if _goes(one) and one.path in paths}
    for path, problem in gone.items():
        if not any(path[:length] in gone for length in range(1, len(path))):
            position = given.keys.get(path)
            why = later(problem.message)
            left_out.append(LeftOut(problem.path, position.line if position else None, why))
            yield Remove(path)


def _in_file(given: Source, problem: Problem) -> Problem:
    """A problem where the operator finds it: in the file that is imported."""
    place = next((path for path in given.values if format_path(path) == problem.path), None)
    return problem if place is None else given.problem(place, problem.message, problem.hint)


def _goes(problem: Problem) -> bool:
    return problem.message in _LEFT_OUT


def _is_long(value: object) -> bool:
    """Whether other readers of JSON would round a number."""
    return type(value) is int and value >= _EXACT
