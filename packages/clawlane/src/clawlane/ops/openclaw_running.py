"""Whether an OpenClaw gateway works with a state folder: two programs must not share one login."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from clawlane.config.regular_file import read_regular
from clawlane.texts import later

DEFAULT_PORT = 18789
_RUNNERS = ("node", "nodejs", "bun", "deno")
_LONGEST = 4096
_CONNECT_S = 0.5


def gateway_on(home: Path, port: int, proc: Path = Path("/proc")) -> str:
    """What shows that a gateway of OpenClaw runs on a folder, in words; empty if nothing does.

    Looked at are processes of this user that have its store open or are a gateway of it, lock files whose
    process lives, and whether something listens on its port on this machine.
    """
    for folder in _processes(proc):
        if _holds(folder, home):
            return later("process {pid} has files of {home} open", pid=folder.name, home=home)
        if _is_gateway(folder) and _home_of(folder) in (home, None):
            return later("process {pid} is an OpenClaw gateway", pid=folder.name)
    for pid in _locked_by(home):
        if (proc / str(pid)).exists() and b"openclaw" in _bytes(proc / str(pid) / "cmdline"):
            return later("its lock names process {pid}, which runs", pid=pid)
    if _listens(port):
        return later("something listens on port {port}, where its gateway would", port=port)
    return ""


def _processes(proc: Path) -> Iterator[Path]:
    for folder in sorted(proc.glob("[0-9]*"), key=lambda one: int(one.name)):
        try:
            if folder.stat().st_uid == os.geteuid() and int(folder.name) != os.getpid():
                yield folder
        except OSError:
            continue  # it has ended meanwhile


def _holds(process: Path, home: Path) -> bool:
    """Whether a process has the store or a lock of the folder open."""
    return any(
        one.is_relative_to(home) and (one.name.startswith("openclaw.sqlite") or ".lock" in one.name)
        for one in _open_files(process)
    )


def _open_files(process: Path) -> Iterator[Path]:
    try:
        numbers = os.listdir(process / "fd")
    except OSError:
        return
    for number in numbers:
        with suppress(OSError):  # closed meanwhile
            yield Path(os.readlink(process / "fd" / number))


def _is_gateway(process: Path) -> bool:
    """Whether its command line is that of OpenClaw's gateway. clawlane's `openclaw` runs in Python."""
    words = _bytes(process / "cmdline").split(b"\0")
    names = [os.fsdecode(one).rpartition("/")[2] for one in words]
    if names[0].startswith("openclaw-gateway"):
        return True
    script = os.fsdecode(words[1]) if len(words) > 1 else ""
    return names[0] in _RUNNERS and "openclaw" in script and b"gateway" in words[2:]


def _home_of(process: Path) -> Path | None:
    """The folder that a gateway works with, by its environment; None where that cannot be read."""
    raw = _bytes(process / "environ", 1 << 20)
    values = dict(one.split(b"=", 1) for one in raw.split(b"\0") if b"=" in one)
    if state := values.get(b"OPENCLAW_STATE_DIR"):
        return Path(os.fsdecode(state)).resolve()
    if base := values.get(b"OPENCLAW_HOME", values.get(b"HOME")):
        return (Path(os.fsdecode(base)) / ".openclaw").resolve()
    return None


def _locked_by(home: Path) -> Iterator[int]:
    """The processes that lock files of OpenClaw name, where they do not name another config."""
    folders = (home / "tmp" / "openclaw", Path(tempfile.gettempdir(), f"openclaw-{os.geteuid()}"))
    for file in (one for folder in folders for one in sorted(folder.glob("gateway.*.lock"))):
        try:
            told = json.loads(read_regular(file, _LONGEST))
        except (OSError, ValueError, RecursionError):
            continue
        if not isinstance(told, dict) or not isinstance(told.get("pid"), int):
            continue
        config = told.get("configPath")
        if not isinstance(config, str) or Path(config).parent.resolve() == home:
            yield told["pid"]


def _listens(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(_CONNECT_S)
                if connection.connect_ex((address, port)) == 0:
                    return True
        except OSError:
            continue
    return False


def _bytes(file: Path, longest: int = _LONGEST) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(longest)
    except OSError:
        return b""
