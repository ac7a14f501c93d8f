"""Webhooks that are told what happens: how far each is, trying one out, and what waits for one that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.webhooks import EventWebhook
    from clawlane.ops.context import OpContext
    from clawlane.store.reader import Reader
    from clawlane.store.webhooks import Standing
    from clawlane.webhook_sender import WebhookSender

MOST_COUNTED = 1000
"""More events than these are not counted."""

_PAGE = 200


@dataclass(frozen=True, slots=True)
class ListWebhooks(Request[list["WebhookStanding"]]):
    """How far each webhook of the config is."""


@dataclass(frozen=True, slots=True)
class WebhookStanding:
    """A webhook by its place in the config, from 1. `begun` is false until a gateway has run with it.

    `waiting` counts the events that it was not told yet, up to 1000. `tries` failed since `failing_ms`, the
    last with `error`. `given_up` counts events that it never got.
    """

    number: int
    host: str
    events: tuple[str, ...]
    content: bool
    begun: bool
    waiting: int
    taken_ms: int | None
    tries: int
    error: str
    failing_ms: int | None
    due_ms: int | None
    given_up: int


@dataclass(frozen=True, slots=True)
class TestWebhooks(Request[list["WebhookTested"]]):
    """Send a test to each webhook, or to one by its number, in one try."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class WebhookTested:
    """What a webhook did with a test: it took it, or why not."""

    number: int
    host: str
    error: str


@dataclass(frozen=True, slots=True)
class RetryWebhooks(Request["Retried"]):
    """Try webhooks that fail again at once: all, or one by its number."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Retried:
    """How many webhooks fail. `running` says whether a gateway goes on with them."""

    running: bool
    count: int


@dataclass(frozen=True, slots=True)
class DropEvents(Request["DroppedEvents"]):
    """Do not tell a webhook that fails of the event that it refuses, or with `all` of any that waits."""

    number: int
    all: bool = False


@dataclass(frozen=True, slots=True)
class DroppedEvents:
    """How many events a webhook is not told of."""

    running: bool
    host: str
    count: int


@operation
async def listed(ctx: OpContext, request: ListWebhooks) -> list[WebhookStanding]:  # noqa: ARG001
    found = ctx.config.root.webhooks
    return await ctx.ask(lambda reader: standings(reader, found))


def standings(reader: Reader, found: tuple[EventWebhook, ...]) -> list[WebhookStanding]:
    """How far each of these webhooks is."""
    from clawlane.store.webhooks import key_of

    stored = reader.webhooks()
    return [
        _standing(reader, number, one, stored.get(key_of(one.url))) for number, one in enumerate(found, 1)
    ]


def _standing(reader: Reader, number: int, one: EventWebhook, at: Standing | None) -> WebhookStanding:
    events = tuple(map(str, one.events))
    if at is None:
        begun = False
        return WebhookStanding(number, one.host, events, one.content, begun, 0, None, 0, "", None, None, 0)
    waiting = len(_waiting(reader, one, at.position, MOST_COUNTED))
    due_ms = at.due_ms if at.tries else None
    told = (at.taken_ms, at.tries, at.error, at.failing_ms, due_ms, at.given_up)
    return WebhookStanding(number, one.host, events, one.content, True, waiting, *told)


def _waiting(reader: Reader, one: EventWebhook, position: int, most: int | None) -> list[int]:
    """The numbers of the events that a webhook was not told yet."""
    from clawlane.ops.event_bodies import kind_of
    from clawlane.store.events import number_of

    found: list[int] = []
    more = True
    while more and (most is None or len(found) < most):
        page = reader.events(reader.cursor_at(position), None, _PAGE)
        found += [number_of(event.cursor) for event in page.events if kind_of(event, one.events)]
        position, more = number_of(page.cursor), page.more
    return found[:most]


@operation
async def tested(ctx: OpContext, request: TestWebhooks) -> list[WebhookTested]:
    """Raises `OpError`."""
    import asyncio

    from clawlane.webhook_sender import webhook_sender

    chosen = _chosen(ctx, request.number)
    async with webhook_sender() as sender:
        return await asyncio.gather(*(_try(ctx, sender, number, one) for number, one in chosen))


async def _try(ctx: OpContext, sender: WebhookSender, number: int, one: EventWebhook) -> WebhookTested:
    import json
    from secrets import token_hex

    from clawlane.config.secrets import SecretMissing
    from clawlane.webhook_sender import DeliveryFailed, signing_key

    id_, now_ms = f"evt_{token_hex(12)}", ctx.now_ms()
    body = json.dumps({"type": "test", "id": id_, "at_ms": now_ms}).encode()
    try:
        key = signing_key(one.secret.read(ctx.environ))
        await sender.deliver(one.url, key, id_, now_ms, body)
    except (DeliveryFailed, SecretMissing, ValueError) as error:
        return WebhookTested(number, one.host, str(error))
    return WebhookTested(number, one.host, "")


@operation(changes=True)
async def retried(ctx: OpContext, request: RetryWebhooks) -> Retried:
    """Raises `OpError`."""
    from clawlane.store import webhooks

    keys = [webhooks.key_of(one.url) for _, one in _chosen(ctx, request.number)]
    return Retried(ctx.in_gateway, await ctx.change_store(webhooks.retry, keys))


@operation(changes=True)
async def dropped(ctx: OpContext, request: DropEvents) -> DroppedEvents:
    """Raises `OpError` for one that does not fail: it gets what waits."""
    from clawlane.store import webhooks

    [(_, one)] = _chosen(ctx, request.number)
    key, most = webhooks.key_of(one.url), None if request.all else 1

    def waiting(reader: Reader) -> list[int]:
        at = reader.webhooks().get(key)
        return _waiting(reader, one, at.position, most) if at and at.tries else []

    numbers = await ctx.ask(waiting)
    if not numbers or not await ctx.change_store(webhooks.drop, key, numbers[-1], len(numbers)):
        told = later("webhook {number} ({host}) does not fail", number=request.number, host=one.host)
        raise OpError(told, "openclaw webhooks list")
    return DroppedEvents(ctx.in_gateway, one.host, len(numbers))


def _chosen(ctx: OpContext, number: int | None) -> list[tuple[int, EventWebhook]]:
    """The webhooks of the config with their numbers: all, or one. Raises `OpError`."""
    found = list(enumerate(ctx.config.root.webhooks, 1))
    if not found:
        schema = "openclaw config schema webhooks"
        raise OpError(
            later("the config has no webhooks"), later("write `webhooks`: {command}", command=schema)
        )
    if number is None:
        return found
    if not 1 <= number <= len(found):
        told = later("there is no webhook {number}; the config has {n}", number=number, n=len(found))
        raise OpError(told, "openclaw webhooks list")
    return [found[number - 1]]
