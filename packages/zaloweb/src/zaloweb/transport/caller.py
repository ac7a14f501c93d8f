"""Makes the calls of one account, and reports when an answer changed its cookies."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from zaloweb.calls.call import Call
from zaloweb.errors import HttpStatusError, NetworkError, NoService, NotPrepared, ProtocolError
from zaloweb.session import Session
from zaloweb.transport.http import Transport
from zaloweb.transport.pace import Pace

T = TypeVar("T")
log = logging.getLogger(__name__)
OnSession = Callable[[Session], Awaitable[None]]


class Caller:
    """A session with its transport and its pace.

    `on_session` is awaited whenever an answer changed the cookies.
    """

    def __init__(
        self, session: Session, transport: Transport, on_session: OnSession | None, pace: Pace
    ) -> None:
        self.session = session
        self.transport = transport
        self._on_session = on_session
        self._pace = pace
        self._known_changes = session.jar.changes

    @property
    def imei(self) -> str:
        """The device that the account uses."""
        return self.session.credentials.imei

    @property
    def language(self) -> str:
        """The language of the login."""
        return self.session.credentials.language

    @property
    def now_ms(self) -> int:
        """The time of this machine, in milliseconds."""
        return self.transport.clock.now_ms()

    async def call(self, call: Call[T]) -> T:
        """Zalo's answer. Raises what `Transport.call` raises."""
        await self._pace.wait(self.session.uid, call, self.transport.clock)
        try:
            return await self.transport.call(self.session, call)
        finally:
            changes = self.session.jar.changes
            if self._on_session is not None and changes != self._known_changes:
                self._known_changes = changes
                log.debug("cookies of %s changed", self.session.uid)
                try:
                    await self._on_session(self.session)
                except Exception:  # a message that was sent must not look as if it had failed
                    log.exception("the refreshed session of %s could not be kept", self.session.uid)


@contextmanager
def as_not_prepared() -> Iterator[None]:
    """Wraps calls that come before a message: if one of them fails, the message is known to be unsent.

    Raises `NotPrepared` instead of network errors, unreadable answers and retryable HTTP errors. `NoService`
    stays as it is, as retrying does not help.
    """
    try:
        yield
    except (NotPrepared, NoService):
        raise
    except (NetworkError, ProtocolError) as error:
        raise NotPrepared(error.call, error.reason) from error
    except HttpStatusError as error:
        if not error.retryable:
            raise
        raise NotPrepared(error.call, f"Zalo answered with HTTP status {error.status}") from error
