"""The requests of the control interface: their bodies, and what they do to the world."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from zaloweb.sim import contents
from zaloweb.sim.contents import Content
from zaloweb.sim.errors import Impossible
from zaloweb.sim.faults import AnyFault
from zaloweb.sim.messages import Message
from zaloweb.sim.people import Account, Person
from zaloweb.sim.registry import Group
from zaloweb.sim.world import World

Kind = Literal[
    "text",
    "photo",
    "album",
    "gif",
    "video",
    "voice",
    "file",
    "sticker",
    "link",
    "contact",
    "location",
    "todo",
    "poll",
    "vote",
    "call",
    "banner",
    "reminder",
    "bankcard",
]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A body without fields; the base of all bodies."""


class _OfAccount(Body, frozen=True, kw_only=True):
    account: str | None = None

    def owner(self, world: World) -> Account:
        """The account that is meant: the first one if none is named."""
        return world.find_account(self.account)


class _From(Body, frozen=True, kw_only=True, rename={"sender": "from"}):
    sender: str

    def actor(self, world: World) -> Person:
        """Who acts."""
        return world.find_person(self.sender)


class _About(_From, frozen=True, kw_only=True):
    message: str


class _React(_About, frozen=True, kw_only=True):
    icon: str = "/-heart"
    type: int | None = None


class _Read(_OfAccount, frozen=True, kw_only=True):
    message: str


class _Delete(_Read, frozen=True, kw_only=True):
    whole: bool = False


class _Type(_From, frozen=True, kw_only=True):
    to: str | None = None
    group: str | None = None


class _Say(_From, frozen=True, kw_only=True):
    text: str = ""
    to: str | None = None
    group: str | None = None
    mentions: tuple[str, ...] = ()
    quote: str | None = None
    forwarded: bool = False
    ttl: int = 0
    kind: Kind = "text"
    count: int = 3
    person: str = ""
    options: tuple[str, ...] = ("có", "không")
    seconds: int = 0
    base64: str = ""
    latitude: float = 10.7769
    longitude: float = 106.7009


class _Warn(_OfAccount, frozen=True, kw_only=True):
    text: str = "Tài khoản của bạn đang sử dụng phần mềm của bên thứ ba trái phép."


class _LoseFriends(_OfAccount, frozen=True, kw_only=True):
    keep: Annotated[int, msgspec.Meta(ge=0)] = 0


class _Drop(_OfAccount, frozen=True, kw_only=True):
    code: int = 1006


class _Forget(_OfAccount, frozen=True, kw_only=True):
    keep: int = 0


class _NewPerson(_OfAccount, frozen=True, kw_only=True):
    name: str
    friend: bool = True
    uid: str = ""


class _NewAccount(Body, frozen=True, kw_only=True):
    name: str


class _NewGroup(_OfAccount, frozen=True, kw_only=True):
    name: str
    gid: str = ""
    members: tuple[str, ...] = ()
    hidden: Annotated[int, msgspec.Meta(ge=0)] = 0


class _Friend(_OfAccount, frozen=True, kw_only=True):
    person: str
    text: str = "Kết bạn nhé"

    def friend(self, world: World) -> Person:
        """Who becomes, or is, or wants to be a friend."""
        return world.find_person(self.person)


class _Rename(Body, frozen=True, kw_only=True):
    group: str
    by: str
    name: str


class _Member(Body, frozen=True, kw_only=True):
    group: str
    person: str
    by: str | None = None


class _Push(_OfAccount, frozen=True, kw_only=True):
    cmd: int
    sub: int = 0
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class _Backlog(Body, frozen=True, kw_only=True):
    pushed: bool = True


class _Clock(Body, frozen=True, kw_only=True):
    ahead: float = 0.0
    shown: bool = True


async def _say(world: World, body: _Say) -> object:
    """Somebody writes or sends something. The answer holds the ids; of an album those of the last message."""
    sender, group = body.actor(world), _group(world, body.group)
    to = None if body.to is None else world.find_person(body.to)
    if body.kind == "album":
        photos = [world.media_factory.photo(body.text) for _ in range(max(1, body.count))]
        message = (await sender.sends_album(photos, to=to, group=group))[-1]
    else:
        message = await sender.says(
            _content(world, body),
            to=to,
            group=group,
            mentions=[world.registry.find_mentioned(name) for name in body.mentions],
            quote=None if body.quote is None else world.message_store.find(body.quote),
            ttl_ms=body.ttl,
            forwarded=body.forwarded,
        )
    return {"msgId": message.msg_id, "cliMsgId": message.cli_msg_id}


async def _warn(world: World, body: _Warn) -> object:
    """Zalo's security account writes to the account."""
    message = await world.security_account().says(body.text, to=body.owner(world))
    return {"from": message.sender.uid, "msgId": message.msg_id}


def _lose_friends(world: World, body: _LoseFriends) -> object:
    """The list of friends is shorter from now on. Nothing is pushed."""
    return {"lost": world.lose_friends(body.owner(world), keep=body.keep)}


async def _react(world: World, body: _React) -> None:
    await body.actor(world).reacts(_message(world, body), body.icon, body.type)


async def _delete(world: World, body: _Delete) -> None:
    await body.owner(world).deletes(_message(world, body), whole=body.whole)


async def _type(world: World, body: _Type) -> None:
    to = None if body.group else world.find_account(body.to)
    await body.actor(world).types(to=to, group=_group(world, body.group))


async def _new_person(world: World, body: _NewPerson) -> object:
    """A new friend is pushed to the account, as Zalo does."""
    account = body.owner(world)
    person = world.person(body.name, friend=False, uid=body.uid)
    if body.friend:
        await person.befriends(account)
    return {"uid": person.uid, "name": person.name}


def _new_account(world: World, body: _NewAccount) -> object:
    account = world.account(body.name)
    return {"uid": account.uid, "name": account.name}


def _new_group(world: World, body: _NewGroup) -> object:
    members = [world.find_person(name) for name in body.members]
    group = world.group(body.name, members, hidden=body.hidden, gid=body.gid, of=body.owner(world))
    return {"gid": group.gid, "name": group.name}


async def _ask_friend(world: World, body: _Friend) -> None:
    await body.friend(world).asks_friendship(body.owner(world), body.text)


async def _rename(world: World, body: _Rename) -> None:
    await world.find_person(body.by).renames(world.registry.find_group(body.group), body.name)


async def _join(world: World, body: _Member) -> None:
    person, group = world.find_person(body.person), world.registry.find_group(body.group)
    if body.by is None:
        await person.joins(group)
    else:
        await world.find_person(body.by).adds(person, group)


async def _leave(world: World, body: _Member) -> None:
    person, group = world.find_person(body.person), world.registry.find_group(body.group)
    if body.by is None:
        await person.leaves(group)
    else:
        await world.find_person(body.by).removes(person, group)


def _add_fault(world: World, body: AnyFault) -> None:
    """The account of the fault may be given by name."""
    account = world.find_account(body.account).uid if body.account else ""
    world.faults.add(msgspec.structs.replace(body, account=account))


async def _push(world: World, body: _Push) -> None:
    await world.connections.of(body.owner(world)).push(body.cmd, body.sub, body.data)


def _set_backlog(world: World, body: _Backlog) -> None:
    world.pushes_backlog = body.pushed


def _set_clock(world: World, body: _Clock) -> None:
    world.clock.ahead_ms = round(body.ahead * 1000)
    world.clock.shown = body.shown


def _message(world: World, body: _About | _Read) -> Message:
    return world.message_store.find(body.message)


def _group(world: World, named: str | None) -> Group | None:
    return None if named is None else world.registry.find_group(named)


def _content(world: World, body: _Say) -> str | Content:
    factory = world.media_factory
    data: dict[str, Any] = {"data": _bytes_in(body.base64)} if body.base64 else {}
    make: dict[Kind, Callable[[], Content]] = {
        "photo": lambda: factory.photo(body.text, **data),
        "gif": lambda: factory.gif(**data),
        "video": lambda: factory.video(body.text, **data),
        "voice": lambda: factory.voice(**data),
        "file": lambda: factory.file(body.text or "báo cáo.pdf", **data),
        "sticker": contents.sticker,
        "link": lambda: contents.link(body.text or "https://example.com/"),
        "contact": lambda: contents.contact(world.find_person(body.person)),
        "location": lambda: contents.location(body.latitude, body.longitude, body.text),
        "todo": lambda: contents.todo(body.text),
        "poll": lambda: contents.poll(body.text),
        "bankcard": contents.bank_card,
        "vote": lambda: contents.poll(body.text, action="vote"),
        "call": lambda: contents.call(seconds=body.seconds),
        "banner": lambda: contents.banner(body.text),
        "reminder": lambda: contents.ecard(body.text),
    }
    return make[body.kind]() if body.kind in make else body.text


def _bytes_in(base64: str) -> bytes:
    try:
        return b64decode(base64, validate=True)
    except ValueError:
        raise Impossible("base64 is not valid") from None


B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `act` gets the world and the decoded body, and may return an awaitable.

    Its result is the answer, as JSON; None becomes `{"ok": true}`.
    """

    method: Literal["POST", "DELETE", "GET"]
    path: str
    body: Any
    act: Callable[[World, Any], object]


def _post(path: str, body: type[B], act: Callable[[World, B], object]) -> Step:
    return Step("POST", path, body, act)


STEPS = [
    # Phones, sessions and connections
    _post("/scan", _OfAccount, lambda world, body: body.owner(world).phone.scan()),
    _post("/confirm", _OfAccount, lambda world, body: body.owner(world).phone.confirm()),
    _post("/decline", _OfAccount, lambda world, body: body.owner(world).phone.decline()),
    _post("/expire", _OfAccount, lambda world, body: body.owner(world).phone.expire()),
    _post("/credentials", _OfAccount, lambda world, body: world.credentials(body.owner(world))),
    _post("/expire-session", _OfAccount, lambda world, body: world.expire_session(body.owner(world))),
    _post("/refresh-cookies", _OfAccount, lambda world, body: world.refresh_cookies(body.owner(world))),
    _post("/drop", _Drop, lambda world, body: world.drop(body.code, body.owner(world))),
    _post("/kick", _OfAccount, lambda world, body: world.kick(body.owner(world))),
    _post("/half-open", _OfAccount, lambda world, body: world.half_open(body.owner(world))),
    _post("/second-login", _OfAccount, lambda world, body: world.second_login(body.owner(world))),
    _post("/second-listener", _OfAccount, lambda world, body: world.second_listener(body.owner(world))),
    _post("/forget", _Forget, lambda world, body: body.owner(world).forget(body.keep)),
    # Messages
    _post("/say", _Say, _say),
    _post("/warn", _Warn, _warn),
    _post(
        "/react",
        _React,
        lambda world, body: body.actor(world).reacts(_message(world, body), body.icon, body.type),
    ),
    _post("/undo", _About, lambda world, body: body.actor(world).undoes(_message(world, body))),
    _post(
        "/delete",
        _Delete,
        lambda world, body: body.owner(world).deletes(_message(world, body), whole=body.whole),
    ),
    _post("/type", _Type, _type),
    _post("/receive", _About, lambda world, body: body.actor(world).receives(_message(world, body))),
    _post("/see", _About, lambda world, body: body.actor(world).sees(_message(world, body))),
    _post("/read", _Read, lambda world, body: body.owner(world).reads(_message(world, body))),
    # People and groups
    _post("/person", _NewPerson, _new_person),
    _post("/account", _NewAccount, _new_account),
    _post("/group", _NewGroup, _new_group),
    _post("/ask-friend", _Friend, _ask_friend),
    _post("/befriend", _Friend, lambda world, body: body.friend(world).befriends(body.owner(world))),
    _post("/unfriend", _Friend, lambda world, body: body.friend(world).unfriends(body.owner(world))),
    _post("/lose-friends", _LoseFriends, _lose_friends),
    _post("/rename", _Rename, _rename),
    _post("/join", _Member, _join),
    _post("/leave", _Member, _leave),
    # Faults, the backlog and the clock
    Step("POST", "/fault", AnyFault, _add_fault),
    Step("GET", "/faults", Body, lambda world, _: {"faults": world.faults.active()}),
    Step("DELETE", "/faults", Body, lambda world, _: world.faults.clear()),
    _post("/push", _Push, _push),
    _post("/backlog", _Backlog, _set_backlog),
    _post("/clock", _Clock, _set_clock),
]
"""Every request but `/arrived` and `/world`, in the order of the documentation."""
