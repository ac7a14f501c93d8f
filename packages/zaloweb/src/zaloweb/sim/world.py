"""The world of a test: accounts, people and groups, and everything the clients did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from zaloweb.sim.backend import Backend
from zaloweb.sim.connections import KICKED
from zaloweb.sim.errors import Impossible
from zaloweb.sim.event_log import Record, Sent
from zaloweb.sim.people import Account, Person
from zaloweb.sim.qr import Phone
from zaloweb.sim.registry import Group, User
from zaloweb.sim.rules import Rules
from zaloweb.sim.sessions import ACCOUNT_COOKIE, SESSION_COOKIE
from zaloweb.transport.clock import Clock
from zaloweb.wire import cipher

SECURITY_UID = "8299999999999999999"
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"

R = TypeVar("R", bound=Record)


class World(Backend):
    """A backend with one account, `me`; methods that take an account mean this one if it is left out."""

    def __init__(
        self,
        name: str = "Nguyễn Minh Anh",
        *,
        rules: Rules | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        super().__init__(rules=rules, clock=clock)
        self._random = random or Random()  # noqa: S311 - device ids of a simulator are no secrets
        self._last_sent_told = 0
        self.me = self.account(name)

    def account(self, name: str) -> Account:
        """A further account that clients can log in as."""
        uid, now = self.registry.free_uid(), self.clock.now_ms()
        account = Account(uid=uid, name=name, last_online_ms=now, backend=self)
        self.registry.add_account(account)
        return account

    def person(self, name: str, *, friend: bool = True, of: User | None = None, uid: str = "") -> Person:
        """A new friend of `of`, or a stranger; with this uid or a free one. Nothing is pushed."""
        uid, now = uid or self.registry.free_uid(), self.clock.now_ms()
        friends = {(of or self.me).uid} if friend else set()
        person = Person(uid=uid, name=name, last_online_ms=now, friend_of=friends, backend=self)
        self.registry.add_person(person)
        return person

    def group(
        self,
        name: str,
        members: Sequence[User] = (),
        *,
        hidden: int = 0,
        of: User | None = None,
        gid: str = "",
    ) -> Group:
        """A group made by `of`, with these users and `hidden` unlisted ones in it.

        It has this gid or a free one. Nothing is pushed.
        """
        group = self.registry.add_group(name, [of or self.me, *members], self.clock.now_ms(), gid=gid)
        group.hidden = hidden
        return group

    def security_account(self) -> Person:
        """Zalo's own account that warns others. The id is made up: that of the real one is not known."""
        if SECURITY_UID not in self.registry.people:
            self.person("Zalo Bảo Mật", friend=False, uid=SECURITY_UID)
        return self.find_person(SECURITY_UID)

    def lose_friends(self, account: User, *, keep: int = 0) -> int:
        """End all but the first `keep` friendships, without a word. Gives how many these were."""
        lost = self.registry.friends(account)[keep:]
        for person in lost:
            person.friend_of.discard(account.uid)
            account.friend_of.discard(person.uid)
        return len(lost)

    def find_person(self, who: str) -> Person:
        """The person with this uid or name. Raises `Unknown`, or `Impossible` if several have the name."""
        person = self.registry.find_person(who)
        assert isinstance(person, Person)
        return person

    def find_account(self, which: str | None) -> Account:
        """The account with this uid or name, the first one for None. Raises like `find_person`."""
        account = self.me if which is None else self.registry.find_account(which)
        assert isinstance(account, Account)
        return account

    @property
    def phone(self) -> Phone:
        """The first account's phone."""
        return self.me.phone

    @property
    def sent(self) -> list[Sent]:
        """All messages the clients sent, oldest first."""
        return [record for record in self.log.since() if isinstance(record, Sent)]

    async def next_sent(self, *, deadline: float = 10.0) -> Sent:
        """The next sent message that this method has not returned yet, now or within `deadline` seconds."""
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
        return await self.log.wait_for(kind, where, after=after, deadline=deadline)

    def credentials(self, account: User | None = None) -> dict[str, Any]:
        """What a client needs for a login with cookies, in the form of a zca-js export.

        Uses the account's live session, or opens one as if its owner had logged in with a browser.
        """
        owner = account or self.me
        session = self.sessions.of_account(owner) or self.sessions.open(owner)
        return {
            "imei": cipher.new_imei(_BROWSER, UUID(int=self._random.getrandbits(128), version=4)),
            "cookie": [
                _exported(ACCOUNT_COOKIE, session.zpsid, "zalo.me"),
                _exported(SESSION_COOKIE, session.zpw_sek, "chat.zalo.me"),
            ],
            "userAgent": _BROWSER,
            "language": "vi",
        }

    def expire_session(self, account: User | None = None) -> None:
        """Refuse the account's cookies from now on; an open connection stays open."""
        self.sessions.end(account or self.me)

    def refresh_cookies(self, account: User | None = None) -> None:
        """Set a new session cookie with the next API answer; the old one stays valid."""
        session = self.sessions.of_account(account or self.me)
        if session is None:
            raise Impossible("nobody is logged in to this account")
        self.sessions.refresh(session)

    async def drop(self, code: int, account: User | None = None) -> None:
        """End the account's WebSocket: 1006 cuts the connection, other codes are sent as close codes."""
        await self.connections.of(account or self.me).drop(code)

    async def kick(self, account: User | None = None) -> None:
        """Close the account's WebSocket as Zalo does when it ends a session: 3003."""
        await self.drop(KICKED, account)

    async def second_login(self, account: User | None = None) -> None:
        """Log in from somewhere else: the account's session ends and its WebSocket is closed with 3003."""
        owner = account or self.me
        self.sessions.open(owner)
        await self.connections.drop(owner, KICKED)

    async def second_listener(self, account: User | None = None) -> None:
        """Open another WebSocket of the session: Zalo tells the client to close (it closes with 3000)."""
        await self.connections.of(account or self.me).replace()

    def half_open(self, account: User | None = None) -> None:
        """Push and answer nothing over the account's WebSocket any more, but leave it open."""
        self.connections.of(account or self.me).silent = True


def starting_world(rules: Rules | None = None) -> World:
    """The world the program starts with: an account, two friends, a group and a stranger."""
    world = World(rules=rules)
    lan = world.person("Trần Thị Lan")
    hung = world.person("Lê Văn Hùng")
    world.person("Phạm Quốc Bảo", friend=False)
    world.group("Nhóm Làm Việc", [lan, hung])
    return world


def _exported(name: str, value: str, domain: str) -> dict[str, Any]:
    """A cookie as tough-cookie writes it."""
    flags = {"path": "/", "secure": True, "httpOnly": True, "hostOnly": False}
    return {"key": name, "value": value, "domain": domain, **flags}
