"""What a login shows: lines and a QR code for a person, or one JSON object a step for a program."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click
from PIL import Image

from clawlane.capabilities import Confirmed, LoginStep, Scanned, ShowQr
from clawlane.channel import Account
from clawlane.cli.output import echo_wrapped, length, prose, sanitize
from clawlane.config.paths import Paths
from clawlane.credentials.files import file_name, write_private
from clawlane.ops.login import ConsentNeeded

_QUIET = 2
_FINDER = 7

_SMALLEST, _LARGEST = 21, 177

_LARGEST_SIDE = 2000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">8sI4sII")

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)

# Black on white whatever the colours of the terminal are: a phone must see dark modules on a light ground.
_COLOURS, _RESET = "\x1b[38;5;16;48;5;231m", "\x1b[0m"

_DARK_INK = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}

Modules = tuple[tuple[bool, ...], ...]
"""Rows of a QR code without quiet zone; True is dark."""


def read_modules(png: bytes) -> Modules | None:
    """The modules of the QR code in a PNG; None if there is none to be made out.

    What is no PNG, or has more than 2000 pixels a side, is not opened.
    """
    if not _may_be_opened(png):
        return None
    try:
        picture = _on_white(Image.open(io.BytesIO(png), formats=("PNG",)))
    except _BROKEN:
        return None
    box = picture.point(lambda level: 255 if level < 128 else 0).getbbox()
    if box is None:
        return None
    size = _modules_across(picture, box)
    return _sample(picture, box, size) if size else None


def half_blocks(modules: Modules, *, colour: bool) -> list[str]:
    """Lines to print, two rows of modules each, with a quiet zone.

    With `colour` the code is black on white. Without, the light modules are inked, as on a dark terminal.
    """
    width = len(modules) + 2 * _QUIET
    rows = [(False,) * width] * _QUIET
    rows += [(False,) * _QUIET + tuple(row) + (False,) * _QUIET for row in modules]
    rows += [(False,) * width] * _QUIET
    if len(rows) % 2:
        rows.append((False,) * width)
    return [_line(upper, lower, colour) for upper, lower in zip(rows[::2], rows[1::2], strict=True)]


def columns(modules: Modules) -> int:
    """How wide the printed code is."""
    return len(modules) + 2 * _QUIET


def _line(upper: Sequence[bool], lower: Sequence[bool], colour: bool) -> str:
    # Without colours the ink of the terminal is its light one, so it is the light modules that are inked.
    blocks = "".join(
        _DARK_INK[(a, b) if colour else (not a, not b)] for a, b in zip(upper, lower, strict=True)
    )
    return f"{_COLOURS}{blocks}{_RESET}" if colour else blocks


def _may_be_opened(png: bytes) -> bool:
    """Whether the first bytes are those of a PNG of a sane size: readers of other formats start programs."""
    if not png.startswith(_SIGNATURE) or len(png) < _HEAD.size:
        return False
    _, length, kind, width, height = _HEAD.unpack_from(png)
    sane = 1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE
    return bool(kind == b"IHDR" and length == 13 and sane)


def _on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    return ground.convert("L")


def _modules_across(picture: Image.Image, box: tuple[int, int, int, int]) -> int | None:
    """How many modules the code has a side, told by the finder pattern in its upper left corner."""
    left, top, right, bottom = box
    run = next((x - left for x in range(left, right) if not _dark(picture, x, top)), 0)
    if not run or abs((right - left) - (bottom - top)) > run / _FINDER:
        return None
    near = (right - left) / (run / _FINDER)
    size = round((near - 17) / 4) * 4 + 17
    return size if _SMALLEST <= size <= _LARGEST and abs(near - size) < 2 else None


def _sample(picture: Image.Image, box: tuple[int, int, int, int], size: int) -> Modules | None:
    left, top, right, bottom = box
    across = [int(left + (right - left) * (index + 0.5) / size) for index in range(size)]
    down = [int(top + (bottom - top) * (index + 0.5) / size) for index in range(size)]
    modules = tuple(tuple(_dark(picture, x, y) for x in across) for y in down)
    return modules if _has_finders(modules) else None


def _has_finders(modules: Modules) -> bool:
    """Whether the three corners hold the ring, the gap and the core that scanners look for."""
    ring = [max(abs(x - 3), abs(y - 3)) != 2 for y in range(_FINDER) for x in range(_FINDER)]
    last = len(modules) - _FINDER
    corners = ((0, 0), (0, last), (last, 0))
    return all(
        [modules[top + y][left + x] for y in range(_FINDER) for x in range(_FINDER)] == ring
        for top, left in corners
    )


def _dark(picture: Image.Image, x: int, y: int) -> bool:
    level = picture.getpixel((x, y))
    return isinstance(level, int | float) and level < 128


Show = Callable[[LoginStep], None]

_INDENT = "  "


class View(Protocol):
    """What the login tells, step by step."""

    def risk(self, notice: ConsentNeeded) -> None:
        """What the account risks, before anything else."""
        ...

    def tightened(self, line: str) -> None:
        """A file or folder was made private."""
        ...

    def begin(self, host: str, rehearsal: str) -> None:
        """Which account is about to be linked, and on which machine."""
        ...

    @contextmanager
    def picture(self, paths: Paths) -> Iterator[Show]:
        """A way to show steps; the picture of the code is gone at the end."""
        ...

    def already(self, identity: tuple[str, str]) -> None:
        """Somebody is logged in already."""
        ...

    def done(self, identity: tuple[str, str]) -> None:
        """The session is stored."""
        ...

    def note(self, line: str) -> None:
        """Something to know or to do next."""
        ...


@contextmanager
def _qr_file(paths: Paths, account: Account) -> Iterator[Callable[[bytes], Path]]:
    """Writes the code as a private file, and removes it at the end, when it is of no more use."""
    path = paths.qr_dir / f"{file_name(account.channel, account.profile)}.png"

    def write(png: bytes) -> Path:
        write_private(path, png)
        return path

    try:
        yield write
    finally:
        path.unlink(missing_ok=True)


class TextView:
    """For a person at a terminal."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def risk(self, notice: ConsentNeeded) -> None:
        click.echo(f"\n{notice.title}\n")
        for paragraph in (" ".join(notice.lines), notice.alternative):
            for line in prose(paragraph, _INDENT):
                click.echo(line)
            click.echo()

    def tightened(self, line: str) -> None:
        self.note(line)

    def begin(self, host: str, rehearsal: str) -> None:
        if rehearsal:
            echo_wrapped(f"REHEARSAL: this talks to a simulator on {rehearsal}, not to the real platform.")
        account = self._account
        echo_wrapped(
            f"Linking {account.channel} on {host}: account '{account.id}', profile '{account.profile}'."
        )

    @contextmanager
    def picture(self, paths: Paths) -> Iterator[Show]:
        with _qr_file(paths, self._account) as write:

            def show(step: LoginStep) -> None:
                match step:
                    case ShowQr(png, expires_ms):
                        self._code(png, expires_ms, write(png))
                    case Scanned(name):
                        echo_wrapped(
                            f"Scanned by {sanitize(name) or 'a phone'}. Confirm the login on the phone."
                        )
                    case Confirmed():
                        click.echo("Confirmed. Fetching the session …")

            yield show

    def already(self, identity: tuple[str, str]) -> None:
        user_id, name = identity
        account = self._account
        echo_wrapped(
            f"{account} is already linked as {sanitize(name)} ({user_id}), profile '{account.profile}'."
        )
        click.echo("For a new QR code add --force.")

    def done(self, identity: tuple[str, str]) -> None:
        user_id, name = identity
        echo_wrapped(f"Linked as {sanitize(name)} ({user_id}). The session is stored, sealed.")

    def note(self, line: str) -> None:
        echo_wrapped(f"{line[0].upper()}{line[1:]}")

    def _code(self, png: bytes, expires_ms: int, file: Path) -> None:
        modules = read_modules(png)
        room = shutil.get_terminal_size((120, 40)).columns
        if modules is not None and columns(modules) <= room:
            click.echo()
            for line in half_blocks(modules, colour=_colours()):
                click.echo(line)
            click.echo()
        elif modules is not None:
            click.echo(
                f"This window is too narrow for the code: it needs {columns(modules)} columns, not {room}."
            )
        left = max(0, expires_ms - time.time_ns() // 1_000_000)
        echo_wrapped("Scan this code with the app on the phone of the account that shall become the lane.")
        click.echo(f"As a picture: {file}")
        echo_wrapped(f"Waiting for the scan; the code is good for {length(left)}.")


class JsonView:
    """For a program: one JSON object a line."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def risk(self, notice: ConsentNeeded) -> None:
        self._print("risk", title=notice.title, lines=notice.lines, alternative=notice.alternative)

    def tightened(self, line: str) -> None:
        click.echo(f"warning: {line}", err=True)

    def begin(self, host: str, rehearsal: str) -> None:
        self._print("begin", host=host, rehearsal=rehearsal)

    @contextmanager
    def picture(self, paths: Paths) -> Iterator[Show]:
        with _qr_file(paths, self._account) as write:

            def show(step: LoginStep) -> None:
                match step:
                    case ShowQr(png, expires_ms):
                        self._print("qr", file=str(write(png)), expires_ms=expires_ms)
                    case Scanned(name):
                        self._print("scanned", name=name)
                    case Confirmed():
                        self._print("confirmed")

            yield show

    def already(self, identity: tuple[str, str]) -> None:
        self._print("linked", ok=True, already=True, user={"id": identity[0], "name": identity[1]})

    def done(self, identity: tuple[str, str]) -> None:
        self._print("linked", ok=True, already=False, user={"id": identity[0], "name": identity[1]})

    def note(self, line: str) -> None:
        self._print("note", text=line)

    def _print(self, step: str, **more: Any) -> None:
        account = self._account
        head = {"step": step, "channel": account.channel, "account": account.id, "profile": account.profile}
        click.echo(json.dumps({**head, **more}, ensure_ascii=False))


def _colours() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
