"""Events of a Zalo account as the gateway takes them: messages to admit, facts to observe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
    Undone,
    Unreadable,
)
from clawlane_zalouser import receipts
from clawlane_zalouser.threads import thread_of
from zaloweb import events

Item = events.Message | events.Undo | events.Deletion | events.Notice
"""Something in a conversation."""

_DAY_MS = 24 * 60 * 60 * 1000
_TARGETS = 10
"""Messages of one reaction that are told."""


def inbound_of(
    account: str, message: events.Message, now_ms: int, is_friend: bool | None = None, *, live: bool = True
) -> Inbound:
    """A message from another person. `is_friend` is None where that is not known."""
    return Inbound(
        account=account,
        message_id=message.msg_id,
        thread=thread_of(message.thread),
        sender_id=message.sender_id,
        sender_name=message.sender_name,
        text=message.text,
        sent_ms=_sent_ms(message, now_ms),
        mentions=tuple(Mention(one.user_id, one.start, one.length, one.everyone) for one in message.mentions),
        quote=_quote_of(message.quote),
        attachments=_attachments_of(message),
        sender_is_friend=is_friend,
        live=live,
        token=receipts.token_of(message),
        client_id=message.cli_msg_id,
        kind=message.kind,
        album=Album(message.album.id, message.album.total) if message.album else None,
        forwarded=message.forwarded,
    )


def facts_of(account: str, item: Item, now_ms: int, *, live: bool = True) -> Sequence[Fact]:
    """What is not to be answered: own messages, recalls, notices, one fact for each deleted message."""
    thread = thread_of(item.thread)
    match item:
        case events.Message():
            sent_ms = _sent_ms(item, now_ms)
            ids, attached = (item.msg_id, item.cli_msg_id), _attachments_of(item)
            own = Own(account, *ids, thread, item.text, sent_ms, item.kind, attached, live)
            return [replace(own, forwarded=item.forwarded)]
        case events.Undo():
            actor_id, is_own = item.actor_id, item.is_self
            return [Undone(account, thread, item.msg_id, actor_id, item.cli_msg_id, own=is_own)]
        case events.Notice(kind=kind, text=text):
            sent_ms = _sent_ms(item, now_ms)
            return [Notice(account, thread, item.msg_id, kind, text, sent_ms, item.actor_id, item.cli_msg_id)]
        case events.Deletion():
            return [
                Deleted(
                    account,
                    thread_of(one.thread),
                    one.msg_id,
                    one.author_id,
                    one.cli_msg_id,
                    one.whole_thread,
                )
                for one in item.entries
            ]


def own_reactions(account: str, reaction: events.Reaction, now_ms: int) -> Sequence[Own]:
    """The account reacted to messages, here or on another device. One that is taken back is nothing new."""
    if not reaction.is_self or reaction.removed:
        return ()
    sent_ms = reaction.sent_ms if reaction.sent_ms <= now_ms + _DAY_MS else 0
    thread = thread_of(reaction.thread)
    return [
        Own(account, "", "", thread, "", sent_ms, "reaction", reaction_to=target.msg_id)
        for target in reaction.targets[:_TARGETS]
        if target.msg_id
    ]


def warning_of(account: str, item: events.Message | events.Notice, now_ms: int) -> Notice:
    """What Zalo itself writes to the account, as a notice that is a warning."""
    actor_id = item.sender_id if isinstance(item, events.Message) else item.actor_id
    return Notice(
        account,
        thread_of(item.thread),
        item.msg_id,
        "platform warning",
        item.text,
        _sent_ms(item, now_ms),
        actor_id,
        item.cli_msg_id,
        warning=True,
    )


def unreadable_of(account: str, event: events.Undecodable) -> Unreadable:
    """What could not be decoded, as far as it can be identified; its kind is at least its command."""
    return Unreadable(
        account=account,
        reason=event.reason,
        kind=event.msg_type or f"command {event.cmd}",
        thread=thread_of(event.thread) if event.thread else None,
        message_id=event.msg_id,
        sender_id=event.sender_id,
    )


def _sent_ms(item: Item, now_ms: int) -> int:
    """When an item was sent; 0 for a time more than a day ahead of `now_ms`, which cannot be right."""
    return item.sent_ms if item.sent_ms <= now_ms + _DAY_MS else 0


def _quote_of(quote: events.Quote | None) -> Quote | None:
    if quote is None:
        return None
    quoted = quote.quoted
    attachment = Attachment(quoted.kind, quoted.text, quoted.url) if quoted else None
    return Quote(quote.msg_id, quote.owner_id, quote.text, quote.cli_msg_id, attachment)


def _attachments_of(message: events.Message) -> tuple[Attachment, ...]:
    """Anything but text, as one attachment: without it a sticker would look like an empty message."""
    content = message.content
    if isinstance(content, events.TextContent):
        return ()
    if isinstance(content, events.UnknownContent):
        return (Attachment(message.kind),)
    url: str = getattr(content, "url", "")
    if isinstance(content, events.Voice):
        url = content.m4a_url or url  # which more programs can read
    return (Attachment(message.kind, content.text, url, getattr(content, "size", 0)),)
