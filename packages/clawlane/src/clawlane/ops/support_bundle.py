"""A bundle for whoever helps: how the setup is, without anything that people write, or who they are."""

from __future__ import annotations

import asyncio
import io
import os
import re
import tarfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from clawlane import __version__
from clawlane.config.errors import ConfigError
from clawlane.credentials.files import replacing
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.scrubbing import Scrubber
from clawlane.ops.support_parts import LOG_LINES, Parts, made
from clawlane.store.errors import StoreUnusable
from clawlane.store.inspection import Identities
from clawlane.texts import ENGLISH, in_locale, later, t

FOLDER = "clawlane-support"
"""The folder in the archive."""

_LARGEST_CONFIG = 4 << 20
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[a-zA-Z][\w-]*")
_IN_ADDRESS = re.compile(rf"://(?:[^\s/@'\"]*@)?({_NAME.pattern})")
_LISTED = re.compile(r"\bhosts['\"]?\s*:\s*\[([^\]]*)\]")

_ABOUT = "about.txt"
_WHAT = {
    _ABOUT: later("what this bundle is, and what is not in it"),
    "versions.json": later("versions of clawlane, of what it needs, of Python and the system"),
    "config.json": later("the config file: keys, numbers and choices; no texts, ids or secrets"),
    "status.json": later("the gateway and its accounts: states and why, what waits, counters"),
    "store.json": later("the store: size, tables, integrity, how many rows; nothing of what they hold"),
    "doctor.json": later("what `openclaw doctor` finds"),
    "log.txt": later("the last {n} lines of the log, without names and ids", n=LOG_LINES),
    "files.txt": later("the files in the state directory: mode, owner, size; names replaced"),
    "service.txt": later("the systemd unit, if there is one"),
}
_NOT_IN = later(
    "Not in it: what people write, files they sent, their names, phone numbers and ids, cookies, keys,"
    " tokens, the texts of your config and of your agents, the name of this machine and of its user."
)
_PSEUDONYMS = later(
    "person-1, group-2, number-3, text-4, word-5 and host-6 stand for something that was left out: the"
    " same one stands for the same everywhere in this bundle, and for something else in the next."
)


@dataclass(frozen=True, slots=True)
class Collect(Request["Bundle"]):
    """Collect what goes into a bundle. Nothing is written. `search` is the `PATH` of whoever asks."""

    search: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a bundle: what it is about, and why it could not be made (empty if it was)."""

    name: str
    about: str
    content: bytes = field(repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What would be written."""

    made_ms: int
    parts: tuple[Part, ...]
    not_in_it: str = _NOT_IN


@operation
async def collect(ctx: OpContext, request: Collect) -> Bundle:
    """Works beside a gateway and without, and with a broken config or store: that is when it is needed."""
    with in_locale(ENGLISH):
        scrubber = await asyncio.to_thread(_scrubber, ctx)
        found = []
        for name, make in Parts(ctx, scrubber, request.search).makers().items():
            text, problem = await made(make, scrubber)
            found.append(Part(name, _WHAT[name], text.encode(errors="replace"), problem))
        about = Part(_ABOUT, _WHAT[_ABOUT], _about(found).encode())
    return Bundle(ctx.now_ms(), (about, *found))


def save(bundle: Bundle, file: str, *, replace: bool = False) -> int:
    """Write a bundle to a file (0600), whole or not at all; gives its size.

    Raises `OpError` for a file that exists, unless it may be replaced, and where it cannot be written.
    """
    target = Path(os.path.abspath(file))
    if target.is_dir():
        raise OpError(later("{file} is a folder; name a file", file=target))
    if not target.parent.is_dir():
        raise OpError(later("there is no folder {folder}", folder=target.parent))
    if os.path.lexists(target) and not replace:
        exists = later("{file} exists already", file=target)
        raise OpError(exists, later("name another file, or replace it with --force"))
    try:
        with replacing(target) as out, tarfile.open(fileobj=out, mode="w:gz") as archive:
            for part in bundle.parts:
                entry = tarfile.TarInfo(f"{FOLDER}/{part.name}")
                entry.size, entry.mode, entry.mtime = len(part.content), 0o600, bundle.made_ms // 1000
                archive.addfile(entry, io.BytesIO(part.content))
    except OSError as error:
        told = later("{file} cannot be written: {reason}", file=target, reason=error.strerror or error)
        raise OpError(told, later("check free space and permissions; no bundle was left there")) from error
    return target.stat().st_size


def _scrubber(ctx: OpContext) -> Scrubber:
    known = Identities()
    with suppress(ConfigError, StoreUnusable):  # without it they are words like any others
        known = ctx.place.identities()
    home = ctx.environ.get("HOME") or str(Path.home())
    paths = {str(ctx.paths.state): "STATE", str(ctx.paths.config_file): "CONFIG"}
    paths |= {host: f"host-{n}" for n, host in enumerate(_hosts(ctx.paths.config_file), 1)}
    return Scrubber(known, paths if home in ("", "/") else {**paths, home: "~"})


def _hosts(config: Path) -> list[str]:
    """The names of hosts in the config, as far as it can be read: each part of one may be a word of ours."""
    with suppress(OSError), open(config, errors="replace") as file:
        written = file.read(_LARGEST_CONFIG)
        listed = " ".join(found[1] for found in _LISTED.finditer(written))
        return sorted(
            {*_IN_ADDRESS.findall(written), *_NAME.findall(listed)}, key=lambda one: (-len(one), one)
        )
    return []


def _about(parts: list[Part]) -> str:
    rows = [f"{part.name:<14} {len(part.content):>8}  {part.about}" for part in parts]
    failed = [f"{part.name}: {part.problem}" for part in parts if part.problem]
    missing = ["", "Could not be read:", *failed] if failed else []
    head = f"A support bundle of clawlane {__version__}."
    return "\n".join([head, "", *rows, *missing, "", t(_NOT_IN), "", t(_PSEUDONYMS), ""])
