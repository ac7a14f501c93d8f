"""Runs operations: by the running gateway over its control socket, or else in this process.

Neither asyncio nor the store is imported here, so that commands start quickly.

ControlError      the gateway refused or failed; `help` is what fixes it
├── GatewayDown   no gateway runs for this state directory
├── OtherVersion the gateway runs another version, and they do not understand each other
└── NoAnswer      it was asked, and nobody knows whether it did anything
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from clawlane import __version__
from clawlane.clock import now_ms
from clawlane.config.errors import ConfigError, Problem
from clawlane.config.paths import Paths
from clawlane.ops.operation import (
    Caller,
    Operation,
    OpError,
    Request,
    Stream,
    decode,
    decode_event,
    encode,
    operation_of,
)
from clawlane.ops.unix_http import Broken, Response
from clawlane.ops.unix_http import request as ask_socket
from clawlane.texts import later, locale
from clawlane.zone import Zone, show_in

if TYPE_CHECKING:
    from clawlane.config.load import Config
    from clawlane.ops.context import OpContext
    from clawlane.ops.setup_answers import Answers

R = TypeVar("R")
_ERROR = b'{"message"'
_LONGEST_LINE = 4 << 20
VERSION_FIELD = "Version"
"""The field of an answer that names the version of the gateway; older ones do not have it."""

ZONE_FIELD = "Timezone"
"""The field of an answer that names the zone of the config in force; empty for the machine's."""

LOCALE_FIELD = "Locale"
"""The field of a question that names the language of its answer; without it, that of the gateway."""

_SOCKET_NAME = "0123456789abcdef.sock"
"""How long the name of a socket is that is not in the state directory."""

_LONGEST = 100
"""Bytes. The system's limit for a socket's path is 108 on Linux and 104 elsewhere, with the closing zero."""

_DEADLINE = 60.0
_NOT_UNDERSTOOD = (404, 422)
_MAY_BE_SENT = later("it may still be queued or sent: look there and on the phone before you repeat it")
_STATE_HELP = later("set CLAWLANE_STATE_DIR to a folder of your own")


class ControlError(Exception):
    """The gateway's error in one line; `help` is the command that fixes it, if there is one."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class GatewayDown(ControlError):
    """Nothing listens on the control socket. `words` say what `help` does: without a config, the setup."""

    def __init__(self, paths: Paths) -> None:
        self.words, command = how_to_start(paths)
        super().__init__(later("the gateway is not running"), command)


class OtherVersion(ControlError):
    """The gateway runs another version (`runs`, empty: it does not say), and its answer cannot be read."""

    def __init__(self, runs: str) -> None:
        own = __version__
        told = later("the gateway runs version {runs}, this command is version {own}", runs=runs, own=own)
        if not runs:
            told = later("the gateway runs an older version, this command is version {own}", own=own)
        elif runs == own:
            told = later("the gateway runs other code of version {own} than this command", own=own)
        super().__init__(told, "openclaw gateway restart")


class NoAnswer(ControlError):
    """The gateway was asked and did not answer."""


class Client:
    """Runs the operations that a command asks for. What is needed for that is read once, at first use.

    With a `plan`, a config that is not in the file yet, all of them run in this process. A command that
    `changes` something, and asks before it does, may ask a store that an older clawlane wrote: without a
    gateway that is brought up to date first.
    """

    def __init__(
        self, plan: Config | None = None, *, changes: bool = False, caller: Caller = Caller.CLI
    ) -> None:
        self._plan = plan
        self._changes = changes
        self._caller = caller

    @cached_property
    def paths(self) -> Paths:
        """Raises `OpError` for a state directory that cannot be one."""
        paths = Paths.from_env(os.environ)
        if os.path.lexists(paths.state) and not paths.state.is_dir():
            state = paths.state
            if state.is_symlink():
                told = later("the state directory {state} is a link that leads nowhere", state=state)
            else:
                told = later("the state directory {state} is not a folder", state=state)
            raise OpError(told, _STATE_HELP)
        if paths.state.is_dir() and not os.access(paths.state, os.R_OK | os.X_OK):
            raise OpError(later("the state directory {state} cannot be read", state=paths.state), _STATE_HELP)
        return paths

    @cached_property
    def _context(self) -> OpContext:
        return self._new_context()

    def _new_context(self) -> OpContext:
        from clawlane.ops.context import OpContext

        return OpContext(self.paths, os.environ, now_ms, self._caller, plan=self._plan)

    def planning(self, channel: str, account: str | None, answers: Answers) -> Client:
        """A client by the config as if these answers about an account were in it. Raises `ConfigError`."""
        from clawlane.ops.setup_plan import planned

        return Client(planned(self._context, channel, account, answers))

    def call(self, request: Request[R]) -> R:
        """The result of an operation, run by the gateway if there is one, else here."""
        if self._plan is not None:
            return self.run_here(request)
        try:
            return ask_gateway(self.paths, request, self._caller)
        except GatewayDown:
            return self.run_here(request)

    def run_here(self, request: Request[R]) -> R:
        """The result of an operation, run in this process even beside a gateway."""
        import asyncio
        from concurrent.futures import ThreadPoolExecutor
        from contextvars import copy_context

        from clawlane import event_loop

        show_in(self._context.zone)

        async def run(context: OpContext) -> R:
            async with context as ctx:
                if self._changes:
                    await ctx.update_store()
                return cast(R, await operation_of(request).run(ctx, request))

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return event_loop.run(run(self._context))
        # Between two events of an operation that runs here, which goes on with what it has opened.
        with ThreadPoolExecutor(1) as elsewhere:
            alone = self._new_context()
            return elsewhere.submit(copy_context().run, lambda: event_loop.run(run(alone))).result()

    def know_zone(self) -> None:
        """Show times in the zone of the gateway, else of the config, in a command that asks for nothing."""
        show_in(self._context.zone)
        with suppress(ControlError):
            gateway_runs(self.paths)

    def follow(self, request: Stream[R], show: Callable[[R], None]) -> None:
        """Give the events of an operation to `show` as they come. What `show` raises ends the operation."""
        from clawlane import event_loop

        show_in(self._context.zone)

        async def run() -> None:
            async with self._context as ctx, aclosing(operation_of(request).run(ctx, request)) as events:
                async for event in events:
                    show(event)

        if self._plan is not None:
            event_loop.run(run())
            return
        try:
            with closing(follow_gateway(self.paths, request, self._caller)) as events:
                for event in events:
                    show(event)
        except GatewayDown:
            event_loop.run(run())


def how_to_start(paths: Paths) -> tuple[str, str]:
    """What brings a gateway up, in words and as a command: without a config file, the setup."""
    if paths.config_file.exists():
        return later("start it"), "openclaw gateway run"
    return later("set up a lane first"), "openclaw onboard"


def find_socket(paths: Paths) -> Path | None:
    """The path of the control socket; None if no gateway can have chosen one yet."""
    try:
        return Path(_pointer(paths).read_text().strip())
    except FileNotFoundError:
        return None if _too_long(paths.control_socket) else paths.control_socket


def choose_socket(paths: Paths, environ: Mapping[str, str]) -> Path:
    """The path to listen on, recorded for `find_socket` if it is not in the state directory.

    Old sockets are removed.
    """
    import hashlib

    from clawlane.credentials.files import write_private

    path = paths.control_socket
    if _too_long(path):
        name = hashlib.sha256(os.fsencode(paths.state)).hexdigest()[: len(_SOCKET_NAME) - 5]
        path = _runtime_dir(environ) / f"{name}.sock"
        write_private(_pointer(paths), os.fsencode(path))
    else:
        _pointer(paths).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return path


def _too_long(path: Path) -> bool:
    return len(os.fsencode(path)) > _LONGEST


def _pointer(paths: Paths) -> Path:
    return paths.control_socket.with_suffix(".path")


def _runtime_dir(environ: Mapping[str, str]) -> Path:
    """A short folder that belongs to this user alone. Raises `StoreUnusable` if somebody else made it."""
    import tempfile

    from clawlane.credentials.files import make_private_dir
    from clawlane.store.errors import StoreUnusable

    places = filter(None, (environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"))  # noqa: S108
    folders = [Path(above) / f"clawlane-{os.getuid()}" for above in places]
    folder = next((one for one in folders if not _too_long(one / _SOCKET_NAME)), folders[0])
    make_private_dir(folder)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreUnusable(
            later(
                "{folder} is not private to this user; remove it, or use a shorter state directory",
                folder=folder,
            )
        )
    return folder


def gateway_runs(paths: Paths) -> bool:
    """Whether a gateway runs for this state directory. Raises `ControlError` if it does not answer."""
    try:
        with _asked(paths, "GET", "/ping") as response:
            return response.status == 200
    except GatewayDown:
        return False


def ask_gateway(paths: Paths, request: Request[R], caller: Caller) -> R:
    """The result of an operation, run by the gateway of this state directory.

    Raises `GatewayDown` where none runs, `ControlError` for what it refused, and `ConfigError`.
    """
    operation = operation_of(request)
    with _asked(paths, "POST", f"/op/{operation.name}", encode(request), caller, operation) as response:
        body = response.read()
        if response.status != 200:
            raise _refused(response, body)
        with _by_version(response):
            return cast(R, decode(body, operation.result))


def follow_gateway(paths: Paths, request: Stream[R], caller: Caller) -> Generator[R, None, None]:
    """The events of an operation as they come; closing the iterator cancels it.

    Raises as `ask_gateway` does.
    """
    operation = operation_of(request)
    with _asked(paths, "POST", f"/op/{operation.name}", encode(request), caller, operation) as response:
        if response.status != 200:
            raise _refused(response, response.read())
        for line in _lines(response):
            if line.startswith(_ERROR):
                raise _refused(response, line)
            with _by_version(response):
                event = cast(R, decode_event(line, operation.events))
            yield event


def _lines(response: Response) -> Iterator[bytes]:
    """The lines as they come."""
    rest = b""
    try:
        for piece in response.pieces():
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > _LONGEST_LINE:
                raise ControlError(later("the gateway sent a line that is too long"))
    except Broken:
        raise ControlError(
            later("the gateway ended before everything was told"), "openclaw gateway run"
        ) from None


@contextmanager
def _asked(
    paths: Paths,
    method: str,
    target: str,
    body: bytes = b"",
    caller: Caller = Caller.CLI,
    operation: Operation | None = None,
) -> Iterator[Response]:
    path = find_socket(paths)
    if path is None:
        raise GatewayDown(paths)
    try:
        connection, response = ask_socket(
            path, method, target, body, {"Caller": caller, LOCALE_FIELD: locale()}, _DEADLINE
        )
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise GatewayDown(paths) from error
    except (OSError, Broken) as error:
        raise _no_answer(error, operation) from error
    if (zone := response.field(ZONE_FIELD.lower())) is not None:
        show_in(lambda: Zone(zone))
    try:
        yield response
    except (OSError, Broken) as error:
        raise _no_answer(error, operation) from error
    finally:
        connection.close()


def _no_answer(error: Exception, operation: Operation | None) -> NoAnswer:
    """What a gateway was asked to change it may change, or have changed, without an answer."""
    told = later("the gateway did not answer: {reason}", reason=_reason(error))
    asked = isinstance(error, Broken | TimeoutError | ConnectionError)
    if operation is None or not asked:
        return NoAnswer(told)
    return NoAnswer(*unanswered(told, operation))


def unanswered(told: str, operation: Operation) -> tuple[str, str]:
    """What to say of an operation that was asked for without an answer, and what to do then."""
    if not operation.changes:
        return told, ""
    if operation.name.startswith("message."):
        return later("{first}; {then}", first=told, then=_MAY_BE_SENT), "openclaw outbox list"
    return later("{told}; the request may still be carried out", told=told), "openclaw channels status"


def _reason(error: Exception) -> str:
    if isinstance(error, Broken):
        return cast(str, error.args[0])
    return str(error) or type(error).__name__


@contextmanager
def _by_version(response: Response) -> Iterator[None]:
    """What cannot be read of an answer was written by another version. Raises `OtherVersion`."""
    try:
        yield
    except (OpError, KeyError):  # a value of another shape, an event that is not known here
        raise OtherVersion(response.field(VERSION_FIELD.lower()) or "") from None


def _refused(response: Response, body: bytes) -> ControlError | ConfigError:
    """What the gateway raised: a `ConfigError` with all its problems, or else a `ControlError`."""
    if response.status in _NOT_UNDERSTOOD and (runs := response.field(VERSION_FIELD.lower())):
        return OtherVersion(runs)
    try:
        told = json.loads(body)
        if problems := told.get("problems"):
            return ConfigError(Problem(**one) for one in problems)
        kind = NoAnswer if told.get("unanswered") else ControlError
        return kind(told["message"], told["help"])
    except (ValueError, KeyError, TypeError):
        return ControlError(later("the gateway's answer cannot be read"), "openclaw gateway restart")
