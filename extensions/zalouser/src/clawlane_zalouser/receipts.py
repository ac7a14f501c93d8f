"""Typing, delivered, seen: the token that the gateway keeps for them, and the calls that show them."""

from __future__ import annotations

import logging

import msgspec

from clawlane.messages import Delivered, Seen, Signal, Typing
from clawlane_zalouser import quotes
from clawlane_zalouser.threads import zalo_thread
from zaloweb import events
from zaloweb.calls import receipts
from zaloweb.calls.receipts import Marked
from zaloweb.client import Zalo

log = logging.getLogger(__name__)
_TOKEN = msgspec.json.Decoder(Marked)


def token_of(message: events.Message) -> str:
    """What the gateway keeps for later receipts and quotes; empty if the message lacks an id they need."""
    marked = Marked.of(message)
    if not all((marked.msg_id, marked.cli_msg_id, marked.sender_id, marked.receiver_id)):
        return ""
    return msgspec.json.encode({**msgspec.to_builtins(marked), **quotes.kept_of(message)}).decode()


async def show(zalo: Zalo, signal: Signal) -> None:
    """Show a signal. Raises a `ZaloError`, and msgspec's `DecodeError` for a malformed token."""
    imei, own_id = zalo.session.credentials.imei, zalo.own_id
    thread = zalo_thread(signal.thread)
    match signal:
        case Typing():
            call = receipts.typing(thread, imei=imei)
        case Delivered():
            marked = [_TOKEN.decode(signal.token)]
            call = receipts.delivered(thread.kind, marked, own_id=own_id, imei=imei, seen=signal.seen)
        case Seen():
            call = receipts.seen(thread.kind, [_TOKEN.decode(signal.token)], own_id=own_id, imei=imei)
    await zalo.call(call)
    log.debug("%s: %s in %s", own_id, call.name, thread)
