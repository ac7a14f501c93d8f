"""The world of the simulator: who is on Zalo, what they say, and everything the client did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from zaloweb.sim.accounts import Account
from zaloweb.sim.arrived import Arrived, Log, Sent
from zaloweb.sim.cast import Cast
from zaloweb.sim.clock import WallClock
from zaloweb.sim.contents import Content, Studio
from zaloweb.sim.errands import Errands
from zaloweb.sim.errors import Impossible, NothingArrived
from zaloweb.sim.faults import FaultBook
from zaloweb.sim.friendships import Friendships
from zaloweb.sim.gatherings import Gatherings
from zaloweb.sim.listener import CUT, KICKED, Listener
from zaloweb.sim.marks import Marks
from zaloweb.sim.media import MediaHost
from zaloweb.sim.messages import Message, mentions_in
from zaloweb.sim.people import Group, Person
from zaloweb.sim.post import Post
from zaloweb.sim.pushes import push_all
from zaloweb.sim.qr import Phone, QrDesk
from zaloweb.sim.reactions import kind_of
from zaloweb.sim.rules import Rules
from zaloweb.sim.sessions import ACCOUNT_COOKIE, SESSION_COOKIE, SessionBook
from zaloweb.sim.uploads import Uploads
from zaloweb.transport.clock import Clock, SystemClock
from zaloweb.wire import cipher

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"

R = TypeVar("R", bound=Arrived)


class World:
    """Accounts, people and groups, and the log of what arrived.

    With `pushes_backlog` an account is pushed at its next connect what was written while it did not listen.
    A new world has one account, `me`; handles that take an account mean this one unless told otherwise. All
    methods belong to one event loop.
    """

    def __init__(
        self,
        name: str = "Nguyễn Minh Anh",
        *,
        rules: Rules | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        self.rules = rules or Rules()
        self.clock = WallClock(clock or SystemClock())
        self.pushes_backlog = False
        self.log = Log(self.clock, self.rules.recorded)
        self.sessions = SessionBook()
        self.codes = QrDesk()
        self.cast = Cast(self)
        self.post = Post(self.cast, self.clock, self.rules.remembered)
        self.gatherings = Gatherings(self.cast, self.clock)
        self.friendships = Friendships(self.cast)
        self.marks = Marks(self.cast, self.clock)
        self.media = MediaHost(self.rules.media_bytes)
        self.uploads = Uploads(self.media, self.rules.chunk_bytes)
        self.studio = Studio(self.media)
        self.errands = Errands()
        self.faults = FaultBook(Random(self.rules.fault_seed))  # noqa: S311 - chance that can be repeated
        self._random = random or Random()  # noqa: S311 - device ids of a simulator are no secrets
        self._last_sent_told = 0
        self.me = self.account(name)

    def account(self, name: str) -> Account:
        """A further account that clients can log in as."""
        return self.cast.account(name)

    def person(self, name: str, *, friend: bool = True, of: Account | None = None, uid: str = "") -> Person:
        """Somebody new: a friend of `of`, or a stranger; with this uid if there is one."""
        return self.cast.person(name, (of or self.me) if friend else None, uid)

    def group(self, name: str, members: Sequence[Person] = ()) -> Group:
        """A group made by the first account, with these people in it."""
        return self.cast.group(name, [self.me, *members], self.clock.now_ms())

    @property
    def phone(self) -> Phone:
        """The first account's phone."""
        return self.me.phone

    async def tell(
        self,
        sender: Person,
        what: str | Content,
        *,
        to: Person | None = None,
        group: Group | None = None,
        mentions: Sequence[Person] = (),
        quote: Message | None = None,
        ttl_ms: int = 0,
    ) -> Message:
        """Let somebody write (see `Person.says`)."""
        if group is not None and sender.uid not in group.members:
            raise Impossible(f"{sender.name} is not in the group {group.name}")
        receiver = group.gid if group else (to or self.me).uid
        if receiver == sender.uid:
            raise Impossible("nobody writes to themselves: say to whom, or in which group")
        content = Content("webchat", what) if isinstance(what, str) else what
        message = self.post.accept(
            sender,
            receiver,
            content.body,
            in_group=group is not None,
            msg_type=content.msg_type,
            ttl_ms=ttl_ms,
            mentions=mentions_in(content.text, mentions),
            quote=quote.as_quote() if quote else None,
            extra=content.extra,
        )
        await self.post.deliver(message)
        return message

    async def react(self, person: Person, message: Message, icon: str, kind: int | None = None) -> None:
        """Let somebody react to a message (see `Person.reacts`)."""
        number = kind_of(icon) if kind is None else kind
        await push_all(self.post.react(person, message, icon, number)[1])

    async def undo(self, person: Person, message: Message) -> None:
        """Let somebody take back a message of their own."""
        if message.sender is not person:
            raise Impossible(f"{person.name} did not write this message: {message.sender.name} did")
        await self.post.deliver(self.post.undo(message))

    async def delete(self, account: Account, messages: Sequence[Message], *, whole: bool = False) -> None:
        """Let an account's owner delete messages on their own side (see `Account.deletes`)."""
        if len({(message.in_group, message.other_side(account)) for message in messages}) != 1:
            raise Impossible("messages of one thread are deleted together")
        if any(account not in self.cast.readers(message) for message in messages):
            raise Impossible(f"{account.name} cannot read these messages")
        await self.post.deliver(self.post.delete_for(account, messages, whole=whole), account)

    @property
    def sent(self) -> list[Sent]:
        """All messages the clients sent, oldest first."""
        return [record for record in self.log.since() if isinstance(record, Sent)]

    async def next_sent(self, *, deadline: float = 10.0) -> Sent:
        """The next sent message that this method has not given out yet, now or within `deadline` seconds."""
        sent = await self.arrived(Sent, after=self._last_sent_told, deadline=deadline)
        self._last_sent_told = sent.seq
        return sent

    async def arrived(
        self,
        kind: type[R],
        where: Callable[[R], bool] | None = None,
        *,
        after: int = 0,
        deadline: float = 10.0,
    ) -> R:
        """The first record of this kind with a `seq` above `after`, now or within `deadline` seconds.

        Take `log.last` before an action to wait for what follows it. Raises `NothingArrived`.
        """
        start = self.log.last
        try:
            async with asyncio.timeout(deadline):
                record = await self.log.first(kind, where, after)
        except TimeoutError:
            record = None
        if record is None:
            came = ", ".join(type(other).__name__ for other in self.log.since(start)) or "nothing"
            raise NothingArrived(f"no {kind.__name__} that fits in {deadline} s; meanwhile came: {came}")
        return record

    def credentials(self, account: Account | None = None, *, user_agent: str = BROWSER) -> dict[str, Any]:
        """What a client needs for a login with cookies, in the shape of zca-js exports.

        The account's live session is used, or one is made as if its owner had logged in with a browser.
        """
        owner = account or self.me
        session = owner.session or self.sessions.open(owner)
        return {
            "imei": cipher.new_imei(user_agent, UUID(int=self._random.getrandbits(128), version=4)),
            "cookie": [
                _exported(ACCOUNT_COOKIE, session.zpsid, "zalo.me"),
                _exported(SESSION_COOKIE, session.zpw_sek, "chat.zalo.me"),
            ],
            "userAgent": user_agent,
            "language": "vi",
        }

    def expire_session(self, account: Account | None = None) -> None:
        """The cookies of the account are worth nothing from now on; an open socket stays open."""
        self.sessions.end(account or self.me)

    def refresh_cookies(self, account: Account | None = None) -> None:
        """The next API answer to the account sets a new session cookie; the old one stays good."""
        session = (account or self.me).session
        if session is None:
            raise Impossible("nobody is logged in to this account")
        self.sessions.refresh(session)

    async def drop(self, code: int, account: Account | None = None) -> None:
        """End the account's WebSocket: 1006 cuts the connection, other codes are sent to the client."""
        await self._listener(account).drop(code)

    async def kick(self, account: Account | None = None) -> None:
        """Close the account's WebSocket as Zalo does when it ends a session: 3003."""
        await self.drop(KICKED, account)

    async def second_login(self, account: Account | None = None) -> None:
        """The account logs in from somewhere else: its session is over and its listener is kicked (3003)."""
        owner = account or self.me
        self.sessions.open(owner)
        if owner.listener is not None:
            await owner.listener.drop(KICKED)

    async def second_listener(self, account: Account | None = None) -> None:
        """The account's session opens another listener: the client is told to go (it closes with 3000)."""
        await self._listener(account).replace()

    def half_open(self, account: Account | None = None) -> None:
        """The account's WebSocket stays open, but nothing is pushed or answered over it any more."""
        self._listener(account).go_silent()

    async def close(self) -> None:
        """The end of the world: waits end, connections are cut."""
        await self.errands.close()
        self.codes.close()
        self.log.close()
        for account in self.cast.accounts.values():
            if account.listener is not None:
                await account.listener.drop(CUT)
        self.media.close()

    def _listener(self, account: Account | None) -> Listener:
        listener = (account or self.me).listener
        if listener is None:
            raise Impossible("no client is listening to this account")
        return listener


def _exported(name: str, value: str, domain: str) -> dict[str, Any]:
    """A cookie as tough-cookie writes it."""
    flags = {"path": "/", "secure": True, "httpOnly": True, "hostOnly": False}
    return {"key": name, "value": value, "domain": domain, **flags}
