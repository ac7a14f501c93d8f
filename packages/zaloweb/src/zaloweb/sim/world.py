"""The world of the simulator: who is on Zalo, what they say, and everything the client did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from zaloweb import cipher
from zaloweb.clock import Clock, SystemClock
from zaloweb.sim.accounts import Account
from zaloweb.sim.arrived import Arrived, Log, Sent
from zaloweb.sim.cast import Cast
from zaloweb.sim.errors import Impossible, NothingArrived
from zaloweb.sim.listener import CUT, KICKED
from zaloweb.sim.messages import Message, mentions_in
from zaloweb.sim.people import Group, Person
from zaloweb.sim.post import Post
from zaloweb.sim.qr import Phone, QrDesk
from zaloweb.sim.rules import Rules
from zaloweb.sim.sessions import ACCOUNT_COOKIE, SESSION_COOKIE, SessionBook

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"

R = TypeVar("R", bound=Arrived)


class World:
    """Accounts, people and groups, and the log of what arrived.

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
        self.clock = clock or SystemClock()
        self.log = Log(self.clock, self.rules.recorded)
        self.sessions = SessionBook()
        self.codes = QrDesk()
        self.cast = Cast(self)
        self.post = Post(self.cast, self.clock)
        self._random = random or Random()  # noqa: S311 - device ids of a simulator are no secrets
        self._last_sent_told = 0
        self.me = self.account(name)

    def account(self, name: str) -> Account:
        """A further account that clients can log in as."""
        return self.cast.account(name)

    def person(self, name: str, *, friend: bool = True, of: Account | None = None) -> Person:
        """Somebody new: a friend of `of`, or a stranger."""
        return self.cast.person(name, (of or self.me) if friend else None)

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
        content: str | dict[str, Any],
        *,
        to: Person | None = None,
        group: Group | None = None,
        msg_type: str = "webchat",
        mentions: Sequence[Person] = (),
        quote: Message | None = None,
    ) -> Message:
        """Let somebody write (see `Person.says`). `content` may be the object of any `msg_type`."""
        if group is not None and sender.uid not in group.members:
            raise Impossible(f"{sender.name} is not in the group {group.name}")
        receiver = group.gid if group else (to or self.me).uid
        if receiver == sender.uid:
            raise Impossible("nobody writes to themselves: say to whom, or in which group")
        message = self.post.accept(
            sender,
            receiver,
            content,
            in_group=group is not None,
            msg_type=msg_type,
            mentions=mentions_in(content, mentions) if isinstance(content, str) else (),
            quote=quote.as_quote() if quote else None,
        )
        await self.post.deliver(message)
        return message

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
        listener = (account or self.me).listener
        if listener is None:
            raise Impossible("no client is listening to this account")
        await listener.drop(code)

    async def kick(self, account: Account | None = None) -> None:
        """Close the account's WebSocket as Zalo does when it ends a session: 3003."""
        await self.drop(KICKED, account)

    async def close(self) -> None:
        """The end of the world: waits end, connections are cut."""
        self.codes.close()
        self.log.close()
        for account in self.cast.accounts.values():
            if account.listener is not None:
                await account.listener.drop(CUT)


def _exported(name: str, value: str, domain: str) -> dict[str, Any]:
    """A cookie as tough-cookie writes it."""
    flags = {"path": "/", "secure": True, "httpOnly": True, "hostOnly": False}
    return {"key": name, "value": value, "domain": domain, **flags}
