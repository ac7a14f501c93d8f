"""What an agent is not told of people: their names, their files, and what a group said besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clawlane.agents.contract import TurnInput
from clawlane.config.agents import Share
from clawlane.messages import Attachment, Inbound, Mention

WITHHELD = "withheld by `share.media`"


def shared(turn: TurnInput, share: Share) -> TurnInput:
    """A turn as an agent may see it. All that asks an agent goes through here, earlier turns as well."""
    if share.names and share.media and share.history:
        return turn
    history = turn.history if share.history else ()
    messages, attached, files = turn.messages, turn.attached, turn.files
    if not share.media:
        messages = tuple(map(_without_media, messages))
        attached = tuple(
            replace(one, attachment=_bare(one.attachment), file=None, why_not=WITHHELD) for one in attached
        )
        files = ()
    if not share.names:
        messages = tuple(map(_without_names, messages))
        history = tuple(
            replace(one, sender_name="", text=_with_ids(one.text, one.mentions)[0], mentions=())
            for one in history
        )
    return replace(turn, messages=messages, history=history, attached=attached, files=files)


def _bare(attachment: Attachment) -> Attachment:
    """That something was attached, and of which kind."""
    return Attachment(attachment.kind)


def _without_media(message: Inbound) -> Inbound:
    quote = message.quote
    if quote is not None and quote.attachment is not None:
        quote = replace(quote, attachment=_bare(quote.attachment))
    return replace(message, attachments=tuple(map(_bare, message.attachments)), quote=quote)


def _without_names(message: Inbound) -> Inbound:
    """The ids stand for the names, in mentions as well."""
    text, mentions = _with_ids(message.text, message.mentions)
    return replace(message, sender_name="", text=text, mentions=mentions)


def _with_ids(text: str, mentions: Sequence[Mention]) -> tuple[str, tuple[Mention, ...]]:
    """A text in which a mention is `@` and an id; the last one first, so that the places stay right."""
    for mention in sorted(mentions, key=lambda one: one.start, reverse=True):
        end = mention.start + mention.length
        if not mention.everyone and 0 <= mention.start < end <= len(text):
            text = f"{text[: mention.start]}@{mention.user_id}{text[end:]}"
    return text, ()
