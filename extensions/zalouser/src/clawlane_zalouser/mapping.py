"""From the events of a Zalo account to what the gateway understands: messages to admit, facts to note."""

from __future__ import annotations

from collections.abc import Sequence

from clawlane.messages import (
    Album,
    Attachment,
    Deleted,
    Fact,
    Inbound,
    Mention,
    Notice,
    Own,
    Quote,
    Thread,
    ThreadKind,
    Undone,
    Unreadable,
)
from clawlane_zalouser import receipts
from zaloweb import events

Told = events.Message | events.Undo | events.Deletion | events.Notice
"""What stands in a conversation."""

_KINDS = {events.ThreadKind.USER: ThreadKind.DM, events.ThreadKind.GROUP: ThreadKind.GROUP}
_DAY_MS = 24 * 60 * 60 * 1000


def kind_of(kind: events.ThreadKind) -> ThreadKind:
    return _KINDS[kind]


def zalo_kind(kind: ThreadKind) -> events.ThreadKind:
    return next(theirs for theirs, ours in _KINDS.items() if ours is kind)


def thread_of(thread: events.Thread) -> Thread:
    return Thread(_KINDS[thread.kind], thread.id)


def sent_ms_of(told_ms: int, now_ms: int) -> int:
    """When something was sent, or 0 for a time more than a day ahead of `now_ms`: that cannot be right."""
    return told_ms if told_ms <= now_ms + _DAY_MS else 0


def inbound_of(
    account: str, message: events.Message, now_ms: int, is_friend: bool | None = None, *, live: bool = True
) -> Inbound:
    """Somebody else's message. Whether the sender is a friend does not stand in it; None where unknown."""
    return Inbound(
        account=account,
        message_id=message.msg_id,
        thread=thread_of(message.thread),
        sender_id=message.sender_id,
        sender_name=message.sender_name,
        text=message.text,
        sent_ms=sent_ms_of(message.sent_ms, now_ms),
        mentions=tuple(Mention(one.user_id, one.start, one.length, one.everyone) for one in message.mentions),
        quote=_quote_of(message.quote),
        attachments=_attachments_of(message),
        sender_is_friend=is_friend,
        live=live,
        token=receipts.token_of(message),
        client_id=message.cli_msg_id,
        kind=message.kind,
        album=Album(message.album.id, message.album.total) if message.album else None,
    )


def facts_of(account: str, told: Told, now_ms: int) -> Sequence[Fact]:
    """What is no message to answer: the account's own, recalls, notices, each message that was deleted."""
    match told:
        case events.Message():
            return [own_of(account, told, now_ms)]
        case events.Undo():
            return [undone_of(account, told)]
        case events.Notice():
            return [notice_of(account, told, now_ms)]
        case events.Deletion():
            return [deleted_of(account, entry) for entry in told.entries]


def own_of(account: str, message: events.Message, now_ms: int) -> Own:
    """A message of the account itself. Its client id is what its sender chose: the outbox knows its own."""
    return Own(
        account=account,
        message_id=message.msg_id,
        client_id=message.cli_msg_id,
        thread=thread_of(message.thread),
        text=message.text,
        sent_ms=sent_ms_of(message.sent_ms, now_ms),
    )


def undone_of(account: str, undo: events.Undo) -> Undone:
    return Undone(account, thread_of(undo.thread), undo.msg_id, undo.actor_id, undo.cli_msg_id)


def deleted_of(account: str, entry: events.DeletedMessage) -> Deleted:
    thread = thread_of(entry.thread)
    return Deleted(account, thread, entry.msg_id, entry.author_id, entry.cli_msg_id, entry.whole_thread)


def notice_of(account: str, notice: events.Notice, now_ms: int) -> Notice:
    return Notice(
        account=account,
        thread=thread_of(notice.thread),
        message_id=notice.msg_id,
        kind=notice.kind,
        text=notice.text,
        sent_ms=sent_ms_of(notice.sent_ms, now_ms),
        actor_id=notice.actor_id,
        client_id=notice.cli_msg_id,
    )


def unreadable_of(account: str, event: events.Undecodable) -> Unreadable:
    """What could not be read, as far as it says what it is; its kind is at least its command."""
    return Unreadable(
        account=account,
        reason=event.reason,
        kind=event.msg_type or f"command {event.cmd}",
        thread=thread_of(event.thread) if event.thread else None,
        message_id=event.msg_id,
        sender_id=event.sender_id,
    )


def _quote_of(quote: events.Quote | None) -> Quote | None:
    if quote is None:
        return None
    quoted = quote.quoted
    attachment = Attachment(quoted.kind, quoted.text, quoted.url) if quoted else None
    return Quote(quote.msg_id, quote.owner_id, quote.text, quote.cli_msg_id, attachment)


def _attachments_of(message: events.Message) -> tuple[Attachment, ...]:
    """What is not text, as one attachment: without it a sticker would look like an empty message."""
    content = message.content
    if isinstance(content, events.TextContent):
        return ()
    if isinstance(content, events.UnknownContent):
        return (Attachment(message.kind),)
    url: str = getattr(content, "url", "")
    return (Attachment(message.kind, content.text, url),)
