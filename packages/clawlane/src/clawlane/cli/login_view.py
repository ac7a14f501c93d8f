"""What a login shows: lines and a QR code for a person, or one JSON object a step for a program."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

from clawlane.abilities import Confirmed, Done, LoginStep, RiskNotice, Scanned, ShowQr
from clawlane.channel import Account
from clawlane.cli.clean import clean
from clawlane.cli.qr import columns, half_blocks, read_modules
from clawlane.cli.times import length
from clawlane.cli.wrap import echo_wrapped, prose
from clawlane.config.places import Places
from clawlane.store.atomic import file_name, write_private

Show = Callable[[LoginStep], None]
_INDENT = "  "


class View(Protocol):
    """What the login tells, step by step."""

    def risk(self, notice: RiskNotice) -> None:
        """What the account risks, before anything else."""
        ...

    def tightened(self, line: str) -> None:
        """A file or folder was made private."""
        ...

    def begin(self, host: str, rehearsal: str) -> None:
        """Which account is about to be linked, and on which machine."""
        ...

    @contextmanager
    def picture(self, places: Places) -> Iterator[Show]:
        """A way to show steps; the picture of the code is gone at the end."""
        ...

    def already(self, identity: tuple[str, str]) -> None:
        """Somebody is logged in already."""
        ...

    def done(self, done: Done) -> None:
        """The session is stored."""
        ...

    def note(self, line: str) -> None:
        """Something to know or to do next."""
        ...


@contextmanager
def _qr_file(places: Places, account: Account) -> Iterator[Callable[[bytes], Path]]:
    """Writes the code as a private file, and removes it at the end, when it is of no more use."""
    path = places.qr_dir / f"{file_name(account.channel, account.profile)}.png"

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

    def risk(self, notice: RiskNotice) -> None:
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
    def picture(self, places: Places) -> Iterator[Show]:
        with _qr_file(places, self._account) as write:

            def show(step: LoginStep) -> None:
                match step:
                    case ShowQr(png, expires_ms):
                        self._code(png, expires_ms, write(png))
                    case Scanned(name):
                        echo_wrapped(
                            f"Scanned by {clean(name) or 'a phone'}. Confirm the login on the phone."
                        )
                    case Confirmed():
                        click.echo("Confirmed. Fetching the session …")

            yield show

    def already(self, identity: tuple[str, str]) -> None:
        user_id, name = identity
        account = self._account
        echo_wrapped(
            f"{account} is already linked as {clean(name)} ({user_id}), profile '{account.profile}'."
        )
        click.echo("For a new QR code add --force.")

    def done(self, done: Done) -> None:
        echo_wrapped(f"Linked as {clean(done.user_name)} ({done.user_id}). The session is stored, sealed.")

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

    def risk(self, notice: RiskNotice) -> None:
        self._print("risk", title=notice.title, lines=notice.lines, alternative=notice.alternative)

    def tightened(self, line: str) -> None:
        click.echo(f"warning: {line}", err=True)

    def begin(self, host: str, rehearsal: str) -> None:
        self._print("begin", host=host, rehearsal=rehearsal)

    @contextmanager
    def picture(self, places: Places) -> Iterator[Show]:
        with _qr_file(places, self._account) as write:

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

    def done(self, done: Done) -> None:
        self._print("linked", ok=True, already=False, user={"id": done.user_id, "name": done.user_name})

    def note(self, line: str) -> None:
        self._print("note", text=line)

    def _print(self, step: str, **more: Any) -> None:
        account = self._account
        head = {"step": step, "channel": account.channel, "account": account.id, "profile": account.profile}
        click.echo(json.dumps({**head, **more}, ensure_ascii=False))


def _colours() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
