"""Operations by name, and how their requests and results travel as JSON.

An operation is an async function `(ctx, request) -> result`, or an async generator of events that ends in its
last one. Requests, results and events are dataclasses. Its name is its module and function: `pairing.approve`
is `clawlane.ops.pairing.approve`.

OpError         an operation cannot be done; the text is one line, `help` is what fixes it
└── Unanswered  another node was asked for it, and nobody knows whether it did anything
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, wraps
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, get_args, get_type_hints, overload

import msgspec

from clawlane.texts import Later, later, t
from clawlane.zone import show_in

MODULES = (
    "accounts",
    "agents",
    "alarms",
    "alerts",
    "attachments",
    "audit",
    "audit_log",
    "backup",
    "callback",
    "capabilities",
    "cast",
    "channel_list",
    "client_sends",
    "cluster",
    "config",
    "config_edit",
    "config_import",
    "config_schema",
    "config_standing",
    "config_values",
    "console",
    "conversations",
    "debug",
    "directory",
    "directory_export",
    "doctor",
    "drafts",
    "events",
    "export",
    "forget",
    "importing",
    "login",
    "mending",
    "message",
    "messages",
    "pacing",
    "pairing",
    "pause",
    "plugins",
    "policy",
    "process",
    "recall",
    "restore",
    "revoking",
    "rules_from",
    "running",
    "session",
    "sessions",
    "setup",
    "setup_draft",
    "status",
    "store",
    "store_info",
    "store_moving",
    "support_bundle",
    "uninstall",
    "upgrade",
    "verification",
    "webhooks",
    "why",
)
"""The modules of this package that hold operations."""

R = TypeVar("R")
Q = TypeVar("Q", bound="Request[Any]")
E = TypeVar("E", bound="Stream[Any]")


class OpError(Exception):
    """What was asked cannot be done."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class Unanswered(OpError):
    """Another node was asked, and nobody knows whether it did anything."""


class Caller(StrEnum):
    """Who asks for an operation."""

    CLI = "cli"
    CONSOLE = "console"
    MCP = "mcp"
    AGENT = "agent"
    OWNER = "owner"
    GATEWAY = "gateway"


class Request(Generic[R]):
    """What is asked: a dataclass of plain values. `R` is what comes back."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AccountRequest(Request[R]):
    """A request about accounts: of the only channel if none is named, and of the default or all accounts."""

    channel: str | None = None
    account: str | None = None


class Stream(Generic[R]):
    """What is asked of an operation that tells its steps: `R` is the union of its events."""

    __slots__ = ()


@dataclass(frozen=True)
class Operation:
    """One operation."""

    name: str
    run: Callable[[Any, Any], Any]
    request: type
    changes: bool
    streams: bool

    @cached_property
    def result(self) -> Any:
        """The type of what comes back."""
        return _hints(self.run)["return"]

    @cached_property
    def events(self) -> dict[str, type]:
        """The types of what a stream gives, by name; empty for one result."""
        if not self.streams:
            return {}
        (told,) = get_args(self.result)
        return {one.__name__: one for one in get_args(told) or (told,)}


_BY_REQUEST: dict[type, Operation] = {}
_BY_NAME: dict[str, Operation] = {}


@overload
def operation(run: Callable[[Any, Q], Awaitable[R]], /) -> Callable[[Any, Q], Awaitable[R]]: ...
@overload
def operation(run: Callable[[Any, E], AsyncIterator[R]], /) -> Callable[[Any, E], AsyncIterator[R]]: ...
@overload
def operation(*, changes: bool) -> Callable[[R], R]: ...
def operation(run: Any = None, /, *, changes: bool = False) -> Any:
    """Make a function an operation.

    One that `changes` something waits until the gateway has its accounts. Without a gateway it first brings
    the store that an older clawlane wrote up to date, unless it is asked with `dry_run`.
    """
    if run is None:
        return lambda function: _register(function, changes=changes)
    return _register(run, changes=changes)


def _register(run: Any, *, changes: bool) -> Any:
    *_, request = (name for name in run.__annotations__ if name != "return")
    name = f"{run.__module__.rpartition('.')[2]}.{run.__name__}"

    @wraps(run)
    def named(ctx: Any, asked: Any) -> Any:
        show_in(ctx.zone)
        return run(ctx.during(name), asked)

    streams = inspect.isasyncgenfunction(run)
    whole = named if not changes else _stream_up_to_date(named) if streams else _up_to_date(named)
    whole = _stream_where_it_belongs(name, whole) if streams else _where_it_belongs(name, whole)
    type_ = _hints(run, request)[request]
    made = Operation(name, whole, type_, changes, streams)
    _BY_NAME[name] = _BY_REQUEST[type_] = made
    return whole


def _where_it_belongs(name: str, run: Any) -> Any:
    """The operation on the nodes that run its accounts, where several gateways share a store.

    One that another calls runs where that does.
    """

    @wraps(run)
    async def reaching(ctx: Any, asked: Any) -> Any:
        if ctx.operation or not ctx.may_be_elsewhere(name):
            return await run(ctx, asked)
        return await _relay().run_where_it_belongs(ctx, _BY_NAME[name], run, asked)

    return reaching


def _stream_where_it_belongs(name: str, run: Any) -> Any:
    """The same for a stream."""

    @wraps(run)
    async def reaching(ctx: Any, asked: Any) -> AsyncIterator[Any]:
        if ctx.operation or not ctx.may_be_elsewhere(name):
            events = run(ctx, asked)
        else:
            events = _relay().follow_where_it_belongs(ctx, _BY_NAME[name], run, asked)
        async with aclosing(events) as telling:
            async for event in telling:
                yield event

    return reaching


def _relay() -> Any:
    """What carries operations to other nodes. It knows operations, and is found by its name as they are."""
    return import_module("clawlane.ops.relay")


def _up_to_date(run: Any) -> Any:
    """The operation on a store that is brought up to date first: it may read before it writes."""

    @wraps(run)
    async def changing(ctx: Any, asked: Any) -> Any:
        await _update_store(ctx, asked)
        return await run(ctx, asked)

    return changing


def _stream_up_to_date(run: Any) -> Any:
    """The same for a stream."""

    @wraps(run)
    async def changing(ctx: Any, asked: Any) -> AsyncIterator[Any]:
        await _update_store(ctx, asked)
        async with aclosing(run(ctx, asked)) as events:
            async for event in events:
                yield event

    return changing


async def _update_store(ctx: Any, asked: Any) -> None:
    if not getattr(asked, "dry_run", False):
        await ctx.update_store()


def _hints(run: Any, name: str = "return") -> dict[str, Any]:
    """The type of one parameter, or of the result. That of the context is not asked for: it is heavy."""
    only = SimpleNamespace(__annotations__={name: run.__annotations__[name]})
    return get_type_hints(only, inspect.unwrap(run).__globals__)


def find(name: str) -> Operation:
    """The operation of that name. Raises `OpError`."""
    module = name.partition(".")[0]
    if module in MODULES:
        import_module(f"clawlane.ops.{module}")
    if name not in _BY_NAME:
        raise OpError(later("there is no operation '{name}'", name=name))
    return _BY_NAME[name]


def operation_of(request: Request[Any] | Stream[Any]) -> Operation:
    """The operation that answers a request."""
    return _BY_REQUEST[type(request)]


def decode(data: bytes, type_: Any) -> Any:
    """A value from JSON. Raises `OpError` for what is none of that type."""
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        raise OpError(later("cannot be read: {error}", error=error)) from None


def _said(value: object) -> str:
    """A sentence that is kept for later, in the language of whoever asked."""
    if isinstance(value, Later):
        return t(value)
    raise NotImplementedError(type(value).__name__)


def encode(value: Any) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value, enc_hook=_said)


def plain(value: Any) -> Any:
    """A value as dicts, lists, texts and numbers, for `--json`."""
    return msgspec.to_builtins(value, enc_hook=_said)


def encode_event(event: Any) -> bytes:
    """One line of a stream."""
    return msgspec.json.encode({"event": type(event).__name__, "data": event}, enc_hook=_said) + b"\n"


def decode_event(line: bytes, events: dict[str, type]) -> Any:
    """What `encode_event` wrote."""
    head = decode(line, dict[str, msgspec.Raw])
    return decode(bytes(head["data"]), events[decode(bytes(head["event"]), str)])
