"""The simulator's WebSocket: the handshake, the keep-alive, and the answers to what a client asks over it."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from zaloweb.errors import FrameError
from zaloweb.sim.accounts import Account
from zaloweb.sim.arrived import AskedOld, Connected, Disconnected, Pinged, Refused, UnknownFrame
from zaloweb.sim.listener import CUT, Listener
from zaloweb.sim.world import World
from zaloweb.wire.frames import Cmd, Frame, unpack

_CLOSE_SECONDS = 2.0
_NOT_LOGGED_IN = 401
_NEVER_SENT = (1005, 1006, 1015)
_Reactions = Literal["user reactions", "group reactions"]
_REACTIONS: dict[int, tuple[str, _Reactions]] = {
    Cmd.OLD_USER_REACTIONS: ("reacts", "user reactions"),
    Cmd.OLD_GROUP_REACTIONS: ("reactGroups", "group reactions"),
}


async def listen(world: World, request: web.Request) -> web.StreamResponse:
    """One WebSocket from its upgrade to its end. Without a session's cookies the upgrade is refused: 401."""
    session = world.sessions.of(request.cookies)
    if session is None:
        refusal = f"HTTP {_NOT_LOGGED_IN}: no session has these cookies"
        world.log.add(Refused(host=request.host, path=request.path, code=_NOT_LOGGED_IN, message=refusal))
        return web.Response(status=_NOT_LOGGED_IN)
    account = session.account
    socket = web.WebSocketResponse(compress=False, autoclose=False, autoping=False, timeout=_CLOSE_SECONDS)
    await socket.prepare(request)
    listener = Listener(
        socket,
        _transport(request),
        world.rules.sealing,
        lambda cmd: world.faults.for_push(cmd, account.uid),
    )
    try:
        await _take_over(account, listener)
        _record(world, account, request)
        await _push_missed(world, account, listener)
        await _serve(world, account, listener, socket)
    finally:
        if account.listener is listener:
            account.listener = None
        code = listener.dropped_with or socket.close_code or CUT
        world.log.add(Disconnected(account=account.uid, code=code))
    return socket


async def _take_over(account: Account, listener: Listener) -> None:
    """One web listener an account: a second one makes the first one go."""
    former, account.listener = account.listener, None
    if former is not None:
        await former.replace()
    await listener.hand_key()
    account.listener = listener


async def _push_missed(world: World, account: Account, listener: Listener) -> None:
    missed = list(account.missed)
    account.missed.clear()
    if world.pushes_backlog and missed:
        await listener.push_messages(account.uid, missed)


async def _serve(world: World, account: Account, listener: Listener, socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.PING and not listener.silent:
            await socket.pong(message.data)
        if message.type is not WSMsgType.BINARY or listener.silent:
            continue
        try:
            frame = unpack(message.data)
        except FrameError:
            frame = Frame(0, 0, 0, message.data)
        await _answer(world, account, listener, frame)
    if listener.silent:
        await asyncio.Event().wait()  # a dead peer answers no close frame; the client's end cancels this
    if not socket.closed:  # a close code is answered with the same one, which is what a client reports
        code = socket.close_code or WSCloseCode.OK
        await socket.close(code=WSCloseCode.OK if code in _NEVER_SENT else code, drain=False)


async def _answer(world: World, account: Account, listener: Listener, frame: Frame) -> None:
    asked = _json(frame.body)
    if frame.cmd == Cmd.PING:
        world.log.add(Pinged(account=account.uid, event_id=asked.get("eventId", 0)))
        await listener.pong(Cmd.PING)
    elif frame.cmd in (Cmd.OLD_USER_MESSAGES, Cmd.OLD_GROUP_MESSAGES):
        await _old_messages(world, account, listener, frame.cmd, asked)
    elif frame.cmd in _REACTIONS:
        await _old_reactions(world, account, listener, frame.cmd, asked)
    else:
        body = frame.body.decode("utf-8", "replace")
        world.log.add(UnknownFrame(account=account.uid, cmd=frame.cmd, sub=frame.sub, body=body))


async def _old_messages(
    world: World, account: Account, listener: Listener, cmd: int, asked: dict[str, Any]
) -> None:
    """The newest messages, or those before `lastId`, oldest first; `more` is 1 while there are older ones."""
    group = cmd == Cmd.OLD_GROUP_MESSAGES
    last_id = _message_id(asked.get("lastId"))
    page = world.rules.page
    found = account.remembered(group=group, before=last_id, count=page + 1)
    messages = found[-page:]
    world.log.add(
        AskedOld(
            account=account.uid,
            what="group messages" if group else "user messages",
            last_id=last_id,
            answered=len(messages),
        )
    )
    items = [message.seen_by(account.uid) for message in messages]
    name = "groupMsgs" if group else "msgs"
    await listener.push(cmd, 1, {name: items, "more": int(len(found) > page)})


async def _old_reactions(
    world: World, account: Account, listener: Listener, cmd: int, asked: dict[str, Any]
) -> None:
    """The newest reactions, or those before `lastId`, oldest first."""
    name, what = _REACTIONS[cmd]
    last_id = _message_id(asked.get("lastId"))
    group = cmd == Cmd.OLD_GROUP_REACTIONS
    found = account.reactions(group=group, before=last_id, count=world.rules.page)
    world.log.add(AskedOld(account=account.uid, what=what, last_id=last_id, answered=len(found)))
    await listener.push(cmd, 1, {name: [reaction.seen_by(account.uid) for reaction in found]})


def _record(world: World, account: Account, request: web.Request) -> None:
    world.log.add(
        Connected(
            account=account.uid,
            host=request.host,
            t=request.query.get("t", ""),
            origin=request.headers.get("Origin", ""),
            user_agent=request.headers.get("User-Agent", ""),
        )
    )


def _message_id(told: object) -> str | None:
    return str(told) if str(told).isdecimal() else None


def _json(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _transport(request: web.Request) -> asyncio.Transport:
    transport = request.transport
    assert isinstance(transport, asyncio.Transport)
    return transport
