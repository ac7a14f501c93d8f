"""One account on Zalo: what happens to it as a stream of events, and what it can do."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from random import Random, SystemRandom
from types import TracebackType
from typing import Self, TypeVar

from zaloweb.calls import account, friends, groups, messages
from zaloweb.calls.account import KeepAlive, User
from zaloweb.calls.call import Call
from zaloweb.calls.groups import Group
from zaloweb.calls.messages import Sent, SentAnswer, Style, Text, Urgency
from zaloweb.calls.quotes import Quoted
from zaloweb.clock import Clock, SystemClock
from zaloweb.events import Event, Mention, Thread, ThreadKind
from zaloweb.frames import old_messages, old_reactions
from zaloweb.http import Transport
from zaloweb.listener import Listener
from zaloweb.network import Network
from zaloweb.session import Session
from zaloweb.stream import Stream

T = TypeVar("T")
log = logging.getLogger(__name__)
OnSession = Callable[[Session], Awaitable[None]]


class Zalo:
    """A logged-in account, alive while entered.

        async with Zalo(session) as zalo:
            async for event in zalo.events():
                ...

    Calls need no connection: they work before the first event is asked for, and beside the events.
    `on_session` is awaited whenever an answer changed the cookies, before the call returns: keep
    `session.to_json()` then, for old cookies are refused after some days. What it raises is only logged.
    The network is the one of `ZALOWEB_NETWORK`, or the real one. A call that only asks is made up to
    `attempts` times while the network fails. All errors are kinds of `ZaloError`.
    """

    def __init__(
        self,
        session: Session,
        *,
        network: Network | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
        proxy: str | None = None,
        attempts: int = 3,
        on_session: OnSession | None = None,
    ) -> None:
        self.session = session
        self._random = random or SystemRandom()
        self._transport = Transport(
            network or Network.from_env(),
            user_agent=session.credentials.user_agent,
            jar=session.jar,
            clock=clock or SystemClock(),
            random=self._random,
            proxy=proxy,
            attempts=attempts,
        )
        self._on_session = on_session
        self._known_changes = session.jar.changes
        self._listener = Listener(session, self._transport, self._random)
        self._stream: Stream | None = None

    def __repr__(self) -> str:
        return f"Zalo({self.own_id})"

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stop_stream()
        finally:
            await self._transport.__aexit__(kind, error, trace)

    @property
    def own_id(self) -> str:
        """The account's user id; asks nobody."""
        return self.session.uid

    async def events(self) -> AsyncGenerator[Event, None]:
        """Connect, and yield what happens, in order, until the account has to be given back.

        Between connections there are `Disconnected` and `Connected`; what happened meanwhile has to be
        asked for. Whoever takes his time holds the server back. An account tolerates one listener, so
        asking anew ends what was asked for before. Raises `Replaced`, `Kicked` or `SessionExpired`, after
        a last `Disconnected`.
        """
        await self._stop_stream()
        self._stream = Stream(self._listener.run)
        async with aclosing(self._stream) as stream:
            async for event in stream:
                yield event

    async def call(self, call: Call[T]) -> T:
        """What Zalo answers to any call of `zaloweb.calls`."""
        try:
            return await self._transport.call(self.session, call)
        finally:
            await self._tell_changes()

    async def send_text(
        self,
        thread: Thread,
        text: str,
        *,
        client_id: int,
        mentions: Sequence[Mention] = (),
        styles: Sequence[Style] | None = None,
        quote: Quoted | None = None,
        urgency: Urgency = Urgency.NORMAL,
        ttl_ms: int = 0,
    ) -> Sent:
        """Send a text, at most 2000 UTF-16 units (`zaloweb.text.split`), and return its id.

        `client_id` is the sender's own id for it: the time in milliseconds, never the same twice. Mentions
        count in groups only. Never repeated by itself: after `NoAnswer` nobody knows whether it arrived;
        its echo among the events, with `cli_msg_id` equal to `client_id`, tells.
        """
        content = Text(text, mentions, styles, quote, urgency, ttl_ms)
        answer = await self.call(messages.send_text(thread, content, client_id=client_id, imei=self._imei))
        return SentAnswer.sent(answer)

    async def account_info(self) -> User:
        """The account's own profile."""
        return (await self.call(account.own_profile())).user

    async def keep_alive(self) -> KeepAlive:
        """Say that the session is still used; its cookies stay young."""
        return await self.call(account.keep_alive(self._imei))

    async def friends(self) -> list[User]:
        """All friends of the account."""
        return await self.call(friends.all_friends(self._imei))

    async def group_ids(self) -> tuple[str, ...]:
        """The ids of all groups the account is in."""
        return (await self.call(groups.all_groups())).ids

    async def groups(self, ids: Iterable[str] | None = None) -> list[Group]:
        """The descriptions of these groups, or of all, in the order asked for.

        Left out: those it is not in.
        """
        found: list[Group] = []
        for batch in groups.in_batches(await self.group_ids() if ids is None else ids):
            told = (await self.call(groups.group_info(batch))).grid_info_map
            found += [told[group_id] for group_id in batch if group_id in told]
        return found

    async def request_old_messages(self, kind: ThreadKind, before: str | None = None) -> None:
        """Ask over the socket for messages missed since the login; they come as `OldMessages`.

        `before` is a message id; without one the latest are asked for. Raises `BeforeSending` when there
        is no connection.
        """
        group = kind is ThreadKind.GROUP
        await self._listener.request(lambda n: old_messages(group=group, request_number=n, last_id=before))

    async def request_old_reactions(self, kind: ThreadKind, before: str | None = None) -> None:
        """Ask for reactions as for messages; they come as `OldReactions`."""
        group = kind is ThreadKind.GROUP
        await self._listener.request(lambda n: old_reactions(group=group, request_number=n, last_id=before))

    @property
    def _imei(self) -> str:
        return self.session.credentials.imei

    async def _stop_stream(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()

    async def _tell_changes(self) -> None:
        changes = self.session.jar.changes
        if self._on_session is not None and changes != self._known_changes:
            self._known_changes = changes
            try:
                await self._on_session(self.session)
            except Exception:  # what was sent is sent: it must not look as if it had failed
                log.exception("the refreshed session of %s could not be kept", self.own_id)
