"""What people say and do with messages."""

from __future__ import annotations

from typing import Literal

from zaloweb.sim import contents
from zaloweb.sim.contents import Content
from zaloweb.sim.messages import Message
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


async def say(world: World, told: _Say) -> object:
    """Somebody writes or sends something; of an album the last message is answered."""
    sender = world.registry.find_person(told.sender)
    to, into = person(world, told.to), group(world, told.group)
    if told.kind == "album":
        photos = [world.media_factory.photo(told.text) for _ in range(max(1, told.count))]
        return _sent((await sender.sends_album(photos, to=to, group=into))[-1])
    message = await sender.says(
        _content(world, told),
        to=to,
        group=into,
        mentions=[world.registry.find_mentioned(name) for name in told.mentions],
        quote=None if told.quote is None else world.message_store.find(told.quote),
        ttl_ms=told.ttl,
    )
    return _sent(message)


async def react(world: World, told: _React) -> object:
    """Somebody reacts to a message."""
    message = world.message_store.find(told.message)
    await world.registry.find_person(told.sender).reacts(message, told.icon, told.type)
    return DONE


async def undo(world: World, told: _About) -> object:
    """Somebody takes a message back."""
    await world.registry.find_person(told.sender).undoes(world.message_store.find(told.message))
    return DONE


async def delete(world: World, told: _Delete) -> object:
    """The account's owner deletes a message with the phone, on the own side only."""
    owner = account(world, told.account)
    await owner.deletes(world.message_store.find(told.message), whole=told.whole)
    return DONE


async def type_(world: World, told: _Type) -> object:
    """Somebody types."""
    sender = world.registry.find_person(told.sender)
    await sender.types(to=person(world, told.to), group=group(world, told.group))
    return DONE


async def receive(world: World, told: _About) -> object:
    """A message reaches somebody."""
    await world.registry.find_person(told.sender).receives(world.message_store.find(told.message))
    return DONE


async def see(world: World, told: _About) -> object:
    """Somebody reads a message."""
    await world.registry.find_person(told.sender).sees(world.message_store.find(told.message))
    return DONE


async def read(world: World, told: _Read) -> object:
    """The account reads a thread with its phone."""
    await world.receipts.read_elsewhere(account(world, told.account), world.message_store.find(told.message))
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


def _content(world: World, told: _Say) -> str | Content:
    match told.kind:
        case "photo":
            return world.media_factory.photo(told.text)
        case "gif":
            return world.media_factory.gif()
        case "video":
            return world.media_factory.video(told.text)
        case "voice":
            return world.media_factory.voice()
        case "file":
            return world.media_factory.file(told.text or "báo cáo.pdf")
    return _card(world, told)


def _card(world: World, told: _Say) -> str | Content:
    match told.kind:
        case "sticker":
            return contents.sticker()
        case "link":
            return contents.link(told.text or "https://example.com/")
        case "contact":
            return contents.contact(world.registry.find_person(told.person))
        case "location":
            return contents.location(told.latitude, told.longitude, told.text)
        case "todo":
            return contents.todo(told.text)
        case "poll":
            return contents.poll(told.text, told.options)
        case "bankcard":
            return contents.bank_card()
    return _notice(told)


def _notice(told: _Say) -> str | Content:
    """What Zalo itself writes into the conversation with this person; a text is the person's own."""
    match told.kind:
        case "vote":
            return contents.poll(told.text, action="vote")
        case "call":
            return contents.call(seconds=told.seconds)
        case "banner":
            return contents.banner(told.text)
        case "reminder":
            return contents.ecard(told.text)
    return told.text


def _sent(message: Message) -> object:
    return {"msgId": message.msg_id, "cliMsgId": message.cli_msg_id}
