"""One request to one of Zalo's services, as a value with the type of its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, Literal, TypeVar

from zaloweb.errors import InvalidRequest
from zaloweb.events import Thread
from zaloweb.wire.multipart import Part

T = TypeVar("T")


def require_thread(thread: Thread, what: str) -> str:
    """The id of the thread that `what` goes to. Raises `InvalidRequest` for a thread without one."""
    if not thread.id:
        raise InvalidRequest(f"{what} needs a thread to go to")
    return thread.id


def require_ids(ids: Iterable[str], what: str) -> list[str]:
    """Ids as they are sent. Raises `InvalidRequest` where there are none, or one is empty."""
    if isinstance(ids, str) or not (given := list(ids)) or not all(given):
        raise InvalidRequest(f"{what} needs the ids of people, at least one, and none of them empty")
    return given


class Traffic(Enum):
    """How a call looks to a service that watches the account."""

    ACTION = "action"
    """Others see it, or Zalo counts it."""
    QUERY = "query"
    """A lookup, or something that a client sends by itself (typing, read)."""
    TRANSFER = "transfer"
    """A part of a file that nobody sees yet."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and the type that its answer is decoded to.

    `service` is a key of the session's service map, `path` is appended to that service's first address.
    `params` are sent encrypted as one field `params` of the query or the form; None sends no such field.
    `encrypted` says whether the answer's `data` is encrypted (all but keep-alive). A call that shows
    something to others is not `safe_to_retry`.

    `query` names the fields of the query in an unusual order: "version", "params", or a field with its value,
    such as "type=2". `answer` is `object` if the answer only says success, by "" or `{"status": 0}`. `part`
    is a file to send; then `params` are in the query. `deadline` is in seconds, None for the default.

    `shown` says whether pacing counts the call as an action of the account; None means: unless it is safe to
    retry.
    """

    name: str
    method: Literal["GET", "POST"]
    service: str
    path: str
    answer: type[T]
    params: Mapping[str, object] | None = field(default=None, repr=False)
    place: Literal["query", "form"] = "query"
    nretry: bool = False
    encrypted: bool = True
    safe_to_retry: bool = False
    query: tuple[str, ...] = ()
    part: Part | None = None
    deadline: float | None = None
    shown: bool | None = None

    @property
    def traffic(self) -> Traffic:
        """How pacing counts the call."""
        if not self.safe_to_retry if self.shown is None else self.shown:
            return Traffic.ACTION
        return Traffic.QUERY if self.part is None else Traffic.TRANSFER

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the query, in order."""
        if self.query:
            return self.query
        params = ("params",) if self.place == "query" and self.params is not None else ()
        return (*(("nretry=0",) if self.nretry else ()), "version", *params)
