"""Asks the running gateway for an operation.

Neither asyncio nor the store is imported here, so that commands start quickly.

ControlError     the gateway refused or failed; `help` is what mends it
└── GatewayDown  no gateway runs for this state directory
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from clawlane.config.errors import ConfigError, Problem
from clawlane.config.paths import Paths
from clawlane.credentials.files import make_private_dir, write_private
from clawlane.ops.operation import Caller, Request, Stream, decode, decode_event, encode, operation_of
from clawlane.store.errors import StoreUnusable

R = TypeVar("R")
_ERROR = b'{"message"'
_PIECE = 1 << 16
_LONGEST_LINE = 4 << 20
_LONGEST = 100
"""Bytes. The system's limit for a socket's path is 108 on Linux and 104 elsewhere, with the closing zero."""


def find_socket(places: Paths) -> Path | None:
    """Where the running gateway would listen; None where no gateway can have chosen a place yet."""
    try:
        return Path(_pointer(places).read_text().strip())
    except FileNotFoundError:
        return None if _too_long(places.control_socket) else places.control_socket


def choose_socket(places: Paths, environ: Mapping[str, str]) -> Path:
    """Where to listen, written down for `find_socket` if it is not in the state directory.

    Old sockets are removed.
    """
    path = places.control_socket
    if _too_long(path):
        path = _runtime_dir(environ) / f"{hashlib.sha256(os.fsencode(places.state)).hexdigest()[:16]}.sock"
        write_private(_pointer(places), os.fsencode(path))
    else:
        _pointer(places).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return path


def _too_long(path: Path) -> bool:
    return len(os.fsencode(path)) > _LONGEST


def _pointer(places: Paths) -> Path:
    return places.control_socket.with_suffix(".path")


def _runtime_dir(environ: Mapping[str, str]) -> Path:
    """A short folder that belongs to this user alone. Raises `StoreUnusable` if somebody else made it."""
    above = environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(above) / f"clawlane-{os.getuid()}"
    make_private_dir(folder)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreUnusable(
            f"{folder} is not private to this user; remove it, or use a shorter state directory"
        )
    return folder


Answer = dict[str, Any]

_DEADLINE = 60.0


class ControlError(Exception):
    """What the gateway said, in one line; `help` is the command that mends it, if there is one."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class GatewayDown(ControlError):
    """Nothing listens on the control socket."""


class ControlClient:
    """Requests to the gateway of one state directory. All of them raise `ControlError`."""

    def __init__(self, places: Paths) -> None:
        self._path = find_socket(places)

    def running(self) -> bool:
        """Whether a gateway runs."""
        try:
            self._ask("GET", "/ping")
        except GatewayDown:
            return False
        return True

    def status(self, probe: bool = False) -> Answer:
        """The status of the gateway and all accounts, see `clawlane.gateway.status`.

        `probe` asks the platforms too.
        """
        return self._ask("GET", "/status", {"probe": "1"} if probe else {})

    def account_start(self, channel: str, account: str | None = None) -> Answer:
        """Start an account, or start it again, with the session that is stored now. Gives its status."""
        return self._ask("POST", "/accounts/start", _named(channel, account))

    def account_stop(self, channel: str, account: str | None = None) -> Answer:
        """Stop an account; returns once it has stopped. Gives its status."""
        return self._ask("POST", "/accounts/stop", _named(channel, account))

    def rule_send(self, ruling: str, chunk_id: int) -> Answer:
        """Decide about a message of the outbox, see `clawlane.gateway.control`."""
        return self._ask("POST", "/outbox", {"ruling": ruling, "id": str(chunk_id)})

    def rule_letter(self, ruling: str, channel: str, account: str | None, message_id: str) -> Answer:
        """Decide about a message that was set aside, see `clawlane.gateway.control`."""
        values = {**_named(channel, account), "ruling": ruling, "message": message_id}
        return self._ask("POST", "/dead-letters", values)

    def pause(self, asked: dict[str, str]) -> Answer:
        """Pause accounts or a thread, see `clawlane.ops.pause`."""
        return self._ask("POST", "/pause", asked)

    def resume(self, asked: dict[str, str]) -> Answer:
        """End a pause, see `clawlane.ops.pause`."""
        return self._ask("POST", "/resume", asked)

    def directory(self, what: str, channel: str, account: str | None = None, group: str = "") -> Any:
        """Whom an account knows: `self`, `peers`, `groups`, or the `members` of a group, as JSON values."""
        values = {**_named(channel, account), **({"group": group} if group else {})}
        return self._ask("GET", f"/directory/{what}", values)[what]

    def _ask(self, method: str, path: str, values: dict[str, str] | None = None) -> Answer:
        if self._path is None:
            raise _down()
        query = f"?{urlencode(values)}" if values else ""
        connection = _UnixConnection(self._path)
        try:
            connection.request(method, path + query)
            response = connection.getresponse()
            answer: Answer = json.loads(response.read())
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise _down() from error
        except (OSError, HTTPException, ValueError) as error:
            raise ControlError(f"the gateway did not answer: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(answer["message"], answer["help"])
        return answer


def ask(paths: Paths, request: Request[R], caller: Caller) -> R:
    """What the operation gives, run by the gateway of this state directory.

    Raises `GatewayDown` where none runs, `ControlError` for what it refused, and `ConfigError`.
    """
    operation = operation_of(request)
    with _posted(paths, operation.name, encode(request), caller) as response:
        body = response.read()
        if response.status != 200:
            raise _refused(body)
        return cast(R, decode(body, operation.result))


def follow(paths: Paths, request: Stream[R], caller: Caller) -> Iterator[R]:
    """The events of an operation as they come; closing the iterator cancels it. Raises as `ask` does."""
    operation = operation_of(request)
    with _posted(paths, operation.name, encode(request), caller) as response:
        if response.status != 200:
            raise _refused(response.read())
        for line in _lines(response):
            if line.startswith(_ERROR):
                raise _refused(line)
            yield cast(R, decode_event(line, operation.events))


def _lines(response: HTTPResponse) -> Iterator[bytes]:
    """The lines as they come. `HTTPResponse.readline` would take a broken connection for the end."""
    rest = b""
    try:
        while piece := response.read1(_PIECE):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > _LONGEST_LINE:
                raise ControlError("the gateway told something that is too long")
    except IncompleteRead:
        raise ControlError("the gateway ended before everything was told", "openclaw gateway run") from None


@contextmanager
def _posted(paths: Paths, name: str, body: bytes, caller: Caller) -> Iterator[HTTPResponse]:
    path = find_socket(paths)
    if path is None:
        raise _down()
    connection = _UnixConnection(path)
    try:
        connection.request("POST", f"/op/{name}", body, {"Caller": caller})
        yield connection.getresponse()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise _down() from error
    except (OSError, HTTPException) as error:
        raise ControlError(f"the gateway did not answer: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _refused(body: bytes) -> ControlError | ConfigError:
    try:
        told = json.loads(body)
        if problems := told.get("problems"):
            return ConfigError(Problem(**one) for one in problems)
        return ControlError(told["message"], told["help"])
    except (ValueError, KeyError, TypeError):
        return ControlError("the gateway's answer cannot be read", "openclaw gateway restart")


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("gateway", timeout=_DEADLINE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _down() -> GatewayDown:
    return GatewayDown("the gateway is not running", "openclaw gateway run")


def _named(channel: str, account: str | None) -> dict[str, str]:
    return {"channel": channel} if account is None else {"channel": channel, "account": account}
