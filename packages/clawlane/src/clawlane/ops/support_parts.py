"""The files of a support bundle, each made from one thing that can fail on its own."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import ssl
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from clawlane.config.duration import PATTERN
from clawlane.config.errors import ConfigError
from clawlane.config.masking import is_secret
from clawlane.ops.client import ControlError, ask_gateway
from clawlane.ops.context import OpContext
from clawlane.ops.doctor import CheckUp
from clawlane.ops.finding_text import finding_json
from clawlane.ops.logs import LogFilter, LogLine, newest
from clawlane.ops.operation import Request, operation_of, plain
from clawlane.ops.process import GetProcess
from clawlane.ops.scrubbing import Scrubber
from clawlane.ops.service import enabled_links, is_mine, unit_path
from clawlane.ops.status import GetStatus
from clawlane.texts import told

T = TypeVar("T")
LOG_LINES = 2000
_MOST_FILES = 2000
_OURS = ("clawlane", "zaloweb", "clawlane-zalouser")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[([\w,-]+)\])?")
_EXTRA = re.compile(r"""extra == ["']([\w-]+)["']""")
_REFERENCE = re.compile(r"\$\{[A-Za-z_]\w*\}")
_FRAME = re.compile(r'  File "(.*)", line (\d+), in (\S+)')
_MODULE = re.compile(r"[a-z_][\w.]{0,80}")
_KNOWN_LOGGERS = ("clawlane", "zaloweb", "clawlane_zalouser", "aiohttp", "asyncio", "mcp", "httpx")
_DURATION = re.compile(PATTERN)
_LONGEST_NUMBER = 6


class Parts:
    """Makes the files of one bundle, of what the gateway says if it runs, else of what is on the disk."""

    def __init__(self, ctx: OpContext, scrubber: Scrubber, search: str) -> None:
        self._ctx = ctx
        self._scrub = scrubber
        self._search = search
        self._silent: ControlError | None = None

    def makers(self) -> dict[str, Callable[[], Awaitable[str]]]:
        """The files by name, and what makes each."""
        return {
            "versions.json": self.versions,
            "config.json": self.config,
            "status.json": self.status,
            "store.json": self.store,
            "doctor.json": self.doctor,
            "log.txt": self.log,
            "files.txt": self.files,
            "service.txt": self.service,
        }

    async def versions(self) -> str:
        """Of clawlane and what it needs, Python and the system."""
        return _json(
            {
                "packages": {name: metadata.version(name) for name in _needed()},
                "python": platform.python_version(),
                "implementation": platform.python_implementation(),
                "system": f"{platform.system()} {platform.release()} {platform.machine()}",
                "libc": " ".join(platform.libc_ver()),
                "sqlite": sqlite3.sqlite_version,
                "openssl": ssl.OPENSSL_VERSION,
                "in_container": _in_container(),
                "in_own_environment": sys.prefix != sys.base_prefix,
            }
        )

    async def config(self) -> str:
        """The config file as values, its texts replaced unless the schema lists them."""
        from clawlane.config.source import read_source

        source = read_source(self._ctx.paths.config_file)
        if not source.exists:
            return "there is no config file\n"
        keys, choices = _of_schema(self._ctx)
        shown = _Settings(self._scrub, keys, choices).shown(source.data, ())
        try:
            self._ctx.written_config()
            problems: list[str] = []
        except ConfigError as error:
            problems = [self._scrub.text(str(one)) for one in error.problems]
        return _json({"problems": problems, "file": shown})

    async def status(self) -> str:
        """Accounts with their states and why, as `channels status --json`, and the process of the gateway."""
        found: dict[str, Any] = {"gateway": await self._gateway()}
        try:
            found["status"] = plain(await self._asked(GetStatus()))
        except Exception as error:
            found["status"] = _why(error)
        return _json(self._scrub.value(found))

    async def store(self) -> str:
        """Size, tables and integrity of the store, and how much it holds."""
        place = self._ctx.place
        parts = sorted(place.file.parent.glob(f"{place.file.name}*")) if place.file else ()
        sizes = {self._scrub.text(part.name): _size_and_mode(part) for part in parts}
        return _json({"files": sizes, **self._scrub.value(asdict(place.facts()))})

    async def doctor(self) -> str:
        """What `openclaw doctor` finds."""
        found = await self._asked(CheckUp(self._search))
        return _json(self._scrub.value([plain(finding_json(one)) for one in found]))

    async def log(self) -> str:
        """The last lines of the gateway's log."""
        lines = newest(self._ctx.paths.log_dir, LogFilter(), LOG_LINES)
        shown = [line for one in lines for line in self._log_line(one)]
        return "\n".join([*(shown or ["no lines"]), ""])

    async def files(self) -> str:
        """The files in the state directory: mode, owner, size, name."""
        rows = [*_listed(self._ctx.paths.state)]
        shown = [f"{facts} {self._scrub.text(name)}" for facts, name in rows[:_MOST_FILES]]
        more = [f"… and {len(rows) - _MOST_FILES} more"] if len(rows) > _MOST_FILES else []
        return "\n".join([*shown, *more, ""])

    async def service(self) -> str:
        """The unit file of systemd, if there is one."""
        path = unit_path(self._ctx.environ)
        if not path.is_file():
            return "no unit file\n"
        head = f"written by gateway install: {is_mine(path)}; enabled: {bool(enabled_links(path))}\n\n"
        return head + self._scrub.text(path.read_text(encoding="utf-8", errors="replace")) + "\n"

    async def _gateway(self) -> Any:
        try:
            return plain(await self._of_gateway(GetProcess()))
        except ControlError as error:
            return told(error)

    async def _asked(self, request: Request[T]) -> T:
        """The answer of the gateway; of this process, if it does not run or does not answer."""
        try:
            return await self._of_gateway(request)
        except ControlError:
            found: Awaitable[T] = operation_of(request).run(self._ctx, request)
            return await found

    async def _of_gateway(self, request: Request[T]) -> T:
        """Asked once in vain, it is not asked again: each question may take a minute."""
        import asyncio

        if self._silent is not None:
            raise self._silent
        try:
            return await asyncio.to_thread(ask_gateway, self._ctx.paths, request, self._ctx.caller)
        except ControlError as error:
            self._silent = error
            raise

    def _log_line(self, line: LogLine) -> Iterator[str]:
        known = _MODULE.fullmatch(line.logger) and line.logger.partition(".")[0] in _KNOWN_LOGGERS
        logger = line.logger if known else self._scrub.text(line.logger)
        yield f"{line.time} {self._scrub.text(line.level)} {logger}: {self._scrub.text(line.message)}"
        for row in line.trace.splitlines():
            if found := _FRAME.match(row):
                yield f"    {_place(found[1])}:{found[2]} {self._scrub.text(found[3])}"
            elif row.strip() and not row.startswith("    "):  # without the lines of the source
                yield f"    {self._scrub.text(row.strip())}"


class _Settings:
    """The config as somebody else may see it."""

    def __init__(self, scrubber: Scrubber, keys: frozenset[str], choices: frozenset[str]) -> None:
        self._scrub = scrubber
        self._keys = keys
        self._choices = choices

    def shown(self, value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, Mapping):
            return {self._key(key): self.shown(one, (*path, key)) for key, one in value.items()}
        if isinstance(value, list):
            return [self.shown(one, (*path, place)) for place, one in enumerate(value)]
        if value is None or isinstance(value, bool):
            return value
        if _REFERENCE.fullmatch(str(value).strip()):
            return "${…}"
        if is_secret(path):
            return "secret"
        if isinstance(value, int | float):
            return value if len(str(value)) <= _LONGEST_NUMBER else self._scrub.id(str(value))
        return self._text(str(value))

    def _key(self, key: str) -> str:
        return key if key in self._keys else self._scrub.id(key)

    def _text(self, text: str) -> str:
        if text in self._choices or text in ("", "*") or _DURATION.fullmatch(text):
            return text
        known = self._scrub.id(text)
        return known if not known.startswith("text-") else f"{known}, {len(text)} characters"


def _of_schema(ctx: OpContext) -> tuple[frozenset[str], frozenset[str]]:
    """The keys that a config can have, and the texts that it can choose from."""
    from clawlane.config.json_schema import config_schema

    keys, choices = set[str](), set[str]()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("properties"), dict):
                keys.update(node["properties"])
            choices.update(one for one in node.get("enum", ()) if isinstance(one, str))
            if isinstance(node.get("const"), str):
                choices.add(node["const"])
            for one in node.values():
                walk(one)
        elif isinstance(node, list):
            for one in node:
                walk(one)

    walk(config_schema(ctx.registry.manifests(), ctx.registry.installable()))
    return frozenset(keys), frozenset(choices)


async def made(make: Callable[[], Awaitable[str]], scrubber: Scrubber) -> tuple[str, str]:
    """A file of the bundle, and what kept it from being made; that stands in its place."""
    try:
        return await make(), ""
    except Exception as error:
        problem = scrubber.text(_why(error))
        return f"cannot be read: {problem}\n", problem


def _why(error: Exception) -> str:
    first, *_ = (told(error) or "no more is known").splitlines()
    return f"{type(error).__name__}: {first}"


def _needed() -> list[str]:
    """Our packages, and all that they need, as they are installed."""
    seen, waiting = set[tuple[str, str]](), [(name, "") for name in _OURS]
    found = set[str]()
    while waiting:
        name, extras = wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        for one in requires:
            named, only = _REQUIREMENT.match(one), _EXTRA.search(one)
            if named and (only is None or only[1] in extras.split(",")):
                waiting.append((named[1].lower().replace("_", "-"), named[2] or ""))
    return sorted(found)


def _in_container() -> bool:
    return any(map(os.path.exists, ("/.dockerenv", "/run/.containerenv")))


def _listed(folder: Path) -> Iterator[tuple[str, str]]:
    """Mode, owner and size of each file below a folder, and its name."""
    yield _facts(folder), "."
    for above, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*folders, *files]):
            path = Path(above, name)
            yield _facts(path), path.relative_to(folder).as_posix()


def _facts(path: Path) -> str:
    try:
        info = path.lstat()
    except OSError as error:
        return f"{error.strerror}:"
    owner = "own" if info.st_uid == os.geteuid() else "root" if info.st_uid == 0 else "other"
    return f"{stat.filemode(info.st_mode)} {owner:<5} {info.st_size:>10}"


def _size_and_mode(path: Path) -> dict[str, Any]:
    info = path.lstat()
    return {"size": info.st_size, "mode": stat.filemode(info.st_mode)}


def _place(file: str) -> str:
    """A source file below the folder of its package, or only its name."""
    _, found, inside = file.rpartition("/site-packages/")
    if not found:
        _, found, inside = file.rpartition("/src/")
    if not found:
        inside = file.rpartition("/")[2]
    return inside if re.fullmatch(r"[\w./-]{1,120}\.py", inside, re.ASCII) else "?"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"
