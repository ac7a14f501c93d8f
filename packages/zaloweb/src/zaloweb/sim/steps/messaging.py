"""Messages and what people do with them: write, react, undo, delete, type, read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from zaloweb.sim import contents
from zaloweb.sim.contents import Content
from zaloweb.sim.messages import Message
from zaloweb.sim.pushes import unread_cleared
from zaloweb.sim.steps.step import DONE, Body, OfAccount, Step, account, group, person
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


class _From(Body, frozen=True, kw_only=True, rename={"sender": "from"}):
    sender: str


class _Say(_From, frozen=True, kw_only=True):
    text: str = ""
    to: str | None = None
    group: str | None = None
    mentions: tuple[str, ...] = ()
    quote: str | None = None
    ttl: int = 0
    kind: Kind = "text"
    count: int = 3
    person: str = ""
    options: tuple[str, ...] = ("có", "không")
    seconds: int = 0
    latitude: float = 10.7769
    longitude: float = 106.7009


class _Type(_From, frozen=True, kw_only=True):
    to: str | None = None
    group: str | None = None


class _About(_From, frozen=True, kw_only=True):
    message: str


class _React(_About, frozen=True, kw_only=True):
    icon: str = "/-heart"
    type: int | None = None


class _Delete(OfAccount, frozen=True, kw_only=True):
    message: str
    whole: bool = False


class _Read(OfAccount, frozen=True, kw_only=True):
    message: str


async def say(world: World, body: _Say) -> object:
    """Somebody writes or sends something; of an album the last message is answered."""
    sender = world.registry.find_person(body.sender)
    to, into = person(world, body.to), group(world, body.group)
    if body.kind == "album":
        photos = [world.media_factory.photo(body.text) for _ in range(max(1, body.count))]
        return _sent((await world.send_album(sender, photos, to=to, group=into))[-1])
    message = await world.send(
        sender,
        _content(world, body),
        to=to,
        group=into,
        mentions=[world.registry.find_mentioned(name) for name in body.mentions],
        quote=None if body.quote is None else world.message_store.find(body.quote),
        ttl_ms=body.ttl,
    )
    return _sent(message)


async def react(world: World, body: _React) -> object:
    """Somebody reacts to a message."""
    message = world.message_store.find(body.message)
    await world.react(world.registry.find_person(body.sender), message, body.icon, body.type)
    return DONE


async def undo(world: World, body: _About) -> object:
    """Somebody undoes a message."""
    message = world.message_store.find(body.message)
    await world.undo(world.registry.find_person(body.sender), message)
    return DONE


async def delete(world: World, body: _Delete) -> object:
    """The account's owner deletes a message with the phone, on their own side only."""
    message = world.message_store.find(body.message)
    await world.delete(account(world, body.account), [message], whole=body.whole)
    return DONE


async def type_(world: World, body: _Type) -> object:
    """Somebody types."""
    sender, into = world.registry.find_person(body.sender), group(world, body.group)
    if into is not None:
        pushes = world.receipts.typing_in(sender, into)
    else:
        pushes = world.receipts.typing_to(sender, account(world, body.to).uid)
    await world.connections.push(pushes)
    return DONE


async def receive(world: World, body: _About) -> object:
    """A message reaches somebody."""
    await _confirm(world, body, read=False)
    return DONE


async def see(world: World, body: _About) -> object:
    """Somebody reads a message."""
    await _confirm(world, body, read=True)
    return DONE


async def read(world: World, body: _Read) -> object:
    """The account reads a thread with its phone."""
    message = world.message_store.find(body.message)
    await world.connections.push([unread_cleared(account(world, body.account), message)])
    return DONE


STEPS = [
    Step("POST", "/say", _Say, say),
    Step("POST", "/react", _React, react),
    Step("POST", "/undo", _About, undo),
    Step("POST", "/delete", _Delete, delete),
    Step("POST", "/type", _Type, type_),
    Step("POST", "/receive", _About, receive),
    Step("POST", "/see", _About, see),
    Step("POST", "/read", _Read, read),
]


async def _confirm(world: World, body: _About, *, read: bool) -> None:
    reader, message = world.registry.find_person(body.sender), world.message_store.find(body.message)
    await world.connections.push(world.receipts.received(reader, [message], read=read))


def _content(world: World, body: _Say) -> str | Content:
    factory = world.media_factory
    make: dict[Kind, Callable[[], Content]] = {
        "photo": lambda: factory.photo(body.text),
        "gif": factory.gif,
        "video": lambda: factory.video(body.text),
        "voice": factory.voice,
        "file": lambda: factory.file(body.text or "báo cáo.pdf"),
        "sticker": contents.sticker,
        "link": lambda: contents.link(body.text or "https://example.com/"),
        "contact": lambda: contents.contact(world.registry.find_person(body.person)),
        "location": lambda: contents.location(body.latitude, body.longitude, body.text),
        "todo": lambda: contents.todo(body.text),
        "poll": lambda: contents.poll(body.text, body.options),
        "bankcard": contents.bank_card,
        "vote": lambda: contents.poll(body.text, action="vote"),
        "call": lambda: contents.call(seconds=body.seconds),
        "banner": lambda: contents.banner(body.text),
        "reminder": lambda: contents.ecard(body.text),
    }
    return make[body.kind]() if body.kind in make else body.text


def _sent(message: Message) -> object:
    return {"msgId": message.msg_id, "cliMsgId": message.cli_msg_id}
