"""The library as a program: `python -m zaloweb login`, `whoami`, `listen`.

Results go to standard output, everything else to standard error. Exit codes: 0, 1 for an error, 2 for a wrong
command line, 130 for Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from enum import Enum
from pathlib import Path

import msgspec

from zaloweb.client import Zalo
from zaloweb.errors import SettingsError, ZaloError
from zaloweb.events import CipherKey, Disconnected, Event, Message, Notice, Pong
from zaloweb.session import Session
from zaloweb.terminal_qr import half_blocks
from zaloweb.transport.login import log_in
from zaloweb.transport.network import Network
from zaloweb.transport.qr import Confirmed, Declined, Done, Expired, Failed, Scanned, ShowQr, qr_login

_PROGRAM = "python -m zaloweb"
_WIRE = "wire"
"""A field of events that is not printed: the undecoded item adds nothing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _options(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the terminal may lack characters of other people's texts
            stream.reconfigure(errors="backslashreplace")
    if options.debug:
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s: %(message)s")
    try:
        network = Network.from_env()
        if network.rehearsal:
            _tell(f"rehearsal: everything goes to the simulator at {network.rehearsal}")
        code: int = asyncio.run(options.command(options, network))
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the exit flushes nothing
        return 1
    except ZaloError as error:
        return _fail(f"{error}; {error.help}" if error.help else f"{error}")
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        return _fail(f"{named}{error.strerror or error}")


async def login(options: argparse.Namespace, network: Network) -> int:
    """Show a QR code, and save the session that the phone confirms."""
    shown: Path = options.qr
    try:
        async with aclosing(qr_login(network, language=options.language, proxy=options.proxy)) as steps:
            async for step in steps:
                match step:
                    case ShowQr():
                        _write_private(shown, step.png)
                        _tell(*half_blocks(step.png))
                        _tell(f"scan {shown} with the Zalo app of the account, within 100 seconds")
                    case Scanned():
                        _tell(f"{_plain(step.name)}, please confirm on the phone")
                    case Confirmed():
                        _tell("confirmed")
                    case Done():
                        _write_private(options.session, step.session.to_json())
                        print(f"logged in as {step.session.uid}; the session is in {options.session}")
                        return 0
                    case Expired():
                        return _fail("nobody scanned and confirmed the code in time: run it again")
                    case Declined():
                        return _fail("the owner of the phone said no")
                    case Failed():
                        raise step.error
    finally:
        await asyncio.to_thread(shown.unlink, missing_ok=True)
    return 1


async def whoami(options: argparse.Namespace, network: Network) -> int:
    """Print who is logged in."""
    async with await _account(options, network) as zalo:
        user = await zalo.account_info()
    if options.json:
        print(json.dumps({"id": zalo.own_id, "name": user.name}))
    else:
        print(f"{_plain(user.name)} ({zalo.own_id})")
    return 0


async def listen(options: argparse.Namespace, network: Network) -> int:
    """Print a line for each event, until the session ends or another client takes over."""
    async with await _account(options, network) as zalo, aclosing(zalo.events()) as events:
        async for event in events:
            if isinstance(event, CipherKey | Pong):
                continue
            print(json.dumps(as_data(event)) if options.json else as_line(event), flush=True)
    return 0


def as_data(value: object) -> object:
    """An event, or a part of one, as plain data for JSON: `type` names it, enums are words.

    Bytes become their number: they hold what could not be read.
    """
    if isinstance(value, msgspec.Struct):
        fields = {name: as_data(getattr(value, name)) for name in value.__struct_fields__ if name != _WIRE}
        if isinstance(value, Message):
            fields |= {"kind": value.kind, "text": value.text}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, bytes | msgspec.Raw):
        return {"bytes": len(bytes(value))}
    if isinstance(value, tuple | list):
        return [as_data(one) for one in value]
    if isinstance(value, dict):
        return {str(key): as_data(one) for key, one in value.items()}
    return value


def as_line(event: Event) -> str:
    """An event as a line of text."""
    match event:
        case Message():
            who = event.sender_name or event.sender_id
            text = event.text or f"[{event.kind}]"
            return _plain(f"{event.thread} {'you' if event.is_self else who}: {text}")
        case Notice():
            return _plain(f"{event.thread} ({event.kind}) {event.text}")
        case Disconnected():
            again = "" if event.retry_in_ms is None else f", next try in {event.retry_in_ms / 1000:.1f} s"
            return _plain(f"Disconnected: {event.code} {event.reason}{again}")
    thread = getattr(event, "thread", None)
    return type(event).__name__ if thread is None else f"{thread} {type(event).__name__}"


async def _account(options: argparse.Namespace, network: Network) -> Zalo:
    """The account of the saved session, with a fresh login: keys are short-lived."""
    file: Path = options.session

    async def save(session: Session) -> None:
        _write_private(file, session.to_json())

    try:
        saved = Session.from_json(await asyncio.to_thread(file.read_bytes))
    except FileNotFoundError:
        raise SettingsError(f"there is no session in {file}: run `{_PROGRAM} login` first") from None
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from None
    session = await log_in(saved.credentials, network=network, proxy=options.proxy, api=saved.api)
    await save(session)
    return Zalo(session, network=network, proxy=options.proxy, on_session=save)


def _write_private(path: Path, data: bytes) -> None:
    """Write a file atomically, readable only by its owner."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)  # with mode 0600
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _plain(text: str) -> str:
    """A text from elsewhere in one line, without control characters."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def _tell(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def _fail(reason: str) -> int:
    _tell(f"error: {_plain(reason)}")
    return 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    usual = argparse.ArgumentParser(add_help=False)
    usual.add_argument("--session", type=Path, metavar="FILE", default=Path("zalo-session.json"))
    usual.add_argument("--proxy", metavar="URL", help="an HTTP proxy for everything")
    usual.add_argument("--debug", action="store_true", help="log requests and frames, never their contents")
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="A personal Zalo account from the command line. Unofficial: Zalo may close such "
        "accounts. The session FILE (zalo-session.json) is the account: whoever has it can read and write "
        "as you.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("login", parents=[usual], help="log in with a QR code and keep the session")
    command.add_argument("--qr", type=Path, metavar="FILE", default=Path("zalo-qr.png"))
    command.add_argument("--language", default="vi", help="what Zalo speaks to the account (vi)")
    command.set_defaults(command=login)
    for function, text in (
        (whoami, "print the account that is logged in"),
        (listen, "print what happens, one line an event"),
    ):
        command = commands.add_parser(function.__name__, parents=[usual], help=text)
        command.add_argument("--json", action="store_true")
        command.set_defaults(command=function)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
