"""From the events of a Zalo account to what the gateway understands: messages to admit, facts to note."""

from __future__ import annotations

from clawlane.messages import Attachment, Inbound, Mention, Own, Quote, Thread, ThreadKind, Undone
from clawlane_zalouser import marks
from zaloweb import events

_KINDS = {events.ThreadKind.USER: ThreadKind.DM, events.ThreadKind.GROUP: ThreadKind.GROUP}


def kind_of(kind: events.ThreadKind) -> ThreadKind:
    return _KINDS[kind]


def zalo_kind(kind: ThreadKind) -> events.ThreadKind:
    return next(theirs for theirs, ours in _KINDS.items() if ours is kind)


def thread_of(thread: events.Thread) -> Thread:
    return Thread(_KINDS[thread.kind], thread.id)


def inbound_of(
    account: str, message: events.Message, is_friend: bool | None = None, *, live: bool = True
) -> Inbound:
    """Somebody else's message. Whether the sender is a friend does not stand in it; None where unknown."""
    return Inbound(
        account=account,
        message_id=message.msg_id,
        thread=thread_of(message.thread),
        sender_id=message.sender_id,
        sender_name=message.sender_name,
        text=message.text,
        sent_ms=message.sent_ms,
        mentions=tuple(Mention(one.user_id, one.start, one.length, one.everyone) for one in message.mentions),
        quote=_quote_of(message.quote),
        attachments=_attachments_of(message),
        sender_is_friend=is_friend,
        live=live,
        token=marks.token_of(message),
    )


def own_of(account: str, message: events.Message) -> Own:
    """A message of the account itself. Its client id is what its sender chose: the outbox knows its own."""
    return Own(
        account=account,
        message_id=message.msg_id,
        client_id=message.cli_msg_id,
        thread=thread_of(message.thread),
        text=message.text,
        sent_ms=message.sent_ms,
    )


def undone_of(account: str, undo: events.Undo) -> Undone:
    return Undone(account, thread_of(undo.thread), undo.msg_id, undo.actor_id)


def _quote_of(quote: events.Quote | None) -> Quote | None:
    return None if quote is None else Quote(quote.msg_id, quote.owner_id, quote.text)


def _attachments_of(message: events.Message) -> tuple[Attachment, ...]:
    """What is not text, as one attachment: without it a sticker would look like an empty message."""
    content = message.content
    if isinstance(content, events.TextContent):
        return ()
    url: str = getattr(content, "url", "")
    return (Attachment(message.msg_type, content.text, url),)
