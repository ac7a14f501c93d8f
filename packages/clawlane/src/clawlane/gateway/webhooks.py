"""Tells webhooks what happens: each its events in order, from where it was, again until it takes them.

What a webhook was not told yet waits in the event feed of the store, so that nothing else waits for it, and
neither a crash nor a restart loses any of it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from clawlane.backoff import Backoff, Sleep
from clawlane.config.secrets import SecretMissing
from clawlane.config.webhooks import EventWebhook
from clawlane.gateway.accounts import Accounts
from clawlane.ops.event_bodies import body_of, id_of, kind_of
from clawlane.store import webhooks
from clawlane.store.account_store import Clock
from clawlane.store.database import Store
from clawlane.store.errors import StoreFailed
from clawlane.store.events import Decided, Event, MessageRecalled, Page, number_of
from clawlane.store.reader import Reader
from clawlane.store.webhooks import FEWEST_TRIES, GIVE_UP_MS, LONGEST_WAIT_MS
from clawlane.webhook_sender import DeliveryFailed, WebhookSender, signing_key, webhook_sender

T = TypeVar("T")
_BATCH = 200
_LONGEST_LOOK_S, _BETWEEN_S = 30.0, 0.1
"""The longest wait, short because the clock may be set meanwhile; the least time between two looks."""

_AFTER_ERROR_S = 60.0
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
log = logging.getLogger(__name__)


class EventTeller:
    """Tells one webhook, which stands at `place` in the config."""

    def __init__(
        self,
        store: Store,
        place: str,
        webhook: EventWebhook,
        sender: WebhookSender,
        environ: Mapping[str, str],
        now_ms: Clock,
        jitter: Callable[[], float] = random.random,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store = store
        self._named = f"{place} ({webhook.host})"
        self._webhook = webhook
        self._key = webhooks.key_of(webhook.url)
        self._sender = sender
        self._environ = environ
        self._now_ms = now_ms
        self._jitter = jitter
        self._sleep = sleep
        self._failing = False

    async def run(self) -> None:
        """Live until cancelled. A failure of the store or of ours is logged, and tried again."""
        with self._store.listening() as heard:
            while True:
                heard.clear()
                try:
                    wait_s = await self.round()
                except Exception:
                    log.exception("%s: telling it failed; trying again", self._named)
                    await self._sleep(_AFTER_ERROR_S)
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(wait_s, _LONGEST_LOOK_S)):
                        await heard.wait()
                await self._sleep(_BETWEEN_S)

    async def round(self) -> float:
        """Tell all that may leave now. Gives the seconds after which to look again without news."""
        standing = await self._store.ask(lambda reader: reader.webhooks().get(self._key))
        if standing is None:
            return _LONGEST_LOOK_S
        wait_ms = standing.due_ms - self._now_ms()
        if standing.tries and 0 < wait_ms <= 2 * LONGEST_WAIT_MS:
            return wait_ms / 1000
        async for page in self._pages(standing.position):
            if page.truncated and not standing.truncated:
                await self._store.change(webhooks.truncated, self._key)
            if not await self._tell_page(page):
                return 0.0
        return _LONGEST_LOOK_S

    async def _tell_page(self, page: Page) -> bool:
        """Whether all of a page was told."""
        told = 0
        for event in page.events:
            if kind_of(event, self._webhook.events) is None:
                continue
            if not await self._try(event):
                return False
            told = number_of(event.cursor)
        if told != (end := number_of(page.cursor)):
            await self._store.change(webhooks.passed, self._key, end)
        return True

    async def _try(self, event: Event) -> bool:
        body = await self._store.ask(partial(self._body, event))
        try:
            key = signing_key(self._webhook.secret.read(self._environ))
            await self._sender.deliver(self._webhook.url, key, id_of(event), self._now_ms(), body)
        except DeliveryFailed as error:
            await self._failed(event, str(error))
            return False
        except (SecretMissing, ValueError) as error:
            await self._failed(event, f"its secret cannot be used: {error}")
            return False
        await self._store.change(webhooks.taken, self._key, number_of(event.cursor))
        if self._failing:
            self._failing = False
            log.info("%s works again", self._named)
        return True

    async def _failed(self, event: Event, reason: str) -> None:
        tries = await self._store.change(webhooks.failed, self._key, reason, self._jitter())
        if not self._failing:
            self._failing = True
            see = "see: openclaw webhooks list"
            log.warning("%s failed: %s; trying again; %s", self._named, reason, see)
        if tries >= FEWEST_TRIES and event.at_ms <= (before_ms := self._now_ms() - GIVE_UP_MS):
            await self._give_up(event, before_ms)

    async def _give_up(self, first: Event, before_ms: int) -> None:
        """Leave out what is too old by now, from an event on."""
        last, given_up = number_of(first.cursor), 1
        async for page in self._pages(last):
            for event in page.events:
                if event.at_ms > before_ms:
                    break
                last = number_of(event.cursor)
                given_up += kind_of(event, self._webhook.events) is not None
            else:
                continue
            break
        await self._store.change(webhooks.give_up, self._key, last, given_up)
        log.error("%s: %d events of more than a day ago were given up", self._named, given_up)

    async def _pages(self, position: int) -> AsyncIterator[Page]:
        """The feed from a position on, up to its end."""
        more = True
        while more:
            page = await self._store.ask(partial(_page, position))
            yield page
            position, more = number_of(page.cursor), page.more

    def _body(self, event: Event, reader: Reader) -> bytes:
        kind = kind_of(event, self._webhook.events)
        assert kind is not None
        standing = reader.webhooks().get(self._key)
        words = None
        if self._webhook.content and isinstance(event, Decided | MessageRecalled):
            words = reader.words_of(event.account, event.message)
        if standing is None:
            return body_of(event, kind, words)
        return body_of(event, kind, words, standing.missed, truncated=bool(standing.truncated))


def _page(position: int, reader: Reader) -> Page:
    return reader.events(reader.cursor_at(position), None, _BATCH)


async def keep_webhooks(accounts: Accounts) -> None:
    """Tell the webhooks of the config in force, and forget others. Lives until cancelled."""
    while True:
        told = accounts.config.root.webhooks
        await _followed(accounts.store, [webhooks.key_of(one.url) for one in told])
        async with _telling(accounts, told):
            while accounts.config.root.webhooks == told:
                await accounts.next_config()


async def _followed(store: Store, keys: list[str]) -> None:
    backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
    while True:
        try:
            await store.change(webhooks.follow, keys)
            return
        except StoreFailed as error:
            wait = backoff.next()
            log.error("webhooks are told nothing yet: %s; trying again in %.0f s", error, wait)
        await asyncio.sleep(wait)


@asynccontextmanager
async def _telling(accounts: Accounts, told: tuple[EventWebhook, ...]) -> AsyncIterator[None]:
    if not told:
        yield
        return
    async with webhook_sender() as sender, asyncio.TaskGroup() as group:
        store, environ, now_ms = accounts.store, accounts.environ, accounts.now_ms
        tellers = [
            EventTeller(store, f"webhooks[{number}]", one, sender, environ, now_ms)
            for number, one in enumerate(told)
        ]
        tasks = [group.create_task(one.run()) for one in tellers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
