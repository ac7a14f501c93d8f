"""Carries the alerts of an account to its owner: batched, tried again, held in quiet hours.

Nothing here keeps the account from working: a target that hangs or fails costs only its own deliveries.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from clawlane.backoff import Sleep
from clawlane.config.alerts import Alerts, targets_of
from clawlane.config.quiet_hours import minutes_of
from clawlane.gateway.alert_targets import AlertTargets, Message
from clawlane.ops.alert_text import alert_command, alert_text, batch_text, trial_text
from clawlane.ops.alert_words import words_of
from clawlane.store import alerts, deliveries
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.alerts import Alert
from clawlane.store.database import Store
from clawlane.store.deliveries import Delivery
from clawlane.store.errors import StoreLost
from clawlane.store.reader import Reader
from clawlane.texts import ENGLISH, in_locale
from clawlane.webhook_sender import DeliveryFailed
from clawlane.zone import MACHINE, Zone

_LONGEST_WAIT_MS, _BETWEEN_S = 30_000, 0.5
"""The longest wait, short because the clock may be set meanwhile; the least time between two looks."""

_AFTER_ERROR_S = 60.0
log = logging.getLogger(__name__)


class AlertDispatcher:
    """The alerts of one account. `settings`, `zone` and `locale` give what the config in force says."""

    def __init__(
        self,
        store: Store,
        account_store: AccountStore,
        targets: AlertTargets,
        settings: Callable[[], Alerts | None],
        now_ms: Clock,
        jitter: Callable[[], float],
        zone: Callable[[], Zone] = lambda: MACHINE,
        locale: Callable[[], str] = lambda: ENGLISH,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store = store
        self._account_store = account_store
        self._targets = targets
        self._settings = settings
        self._now_ms = now_ms
        self._jitter = jitter
        self._zone = zone
        self._locale = locale
        self._sleep = sleep
        self._busy: set[str] = set()
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Live until cancelled, or until the account is lost to another owner."""
        lost = False
        while not lost:
            try:
                with self._store.listening(self._account_store.account) as heard:
                    async with asyncio.TaskGroup() as group:
                        await self._rounds(group, heard)
            except* StoreLost:
                lost = True
            except* Exception:
                log.exception("%s: telling the owner failed; trying again", self._account_store.account)
            if not lost:
                await self._sleep(_AFTER_ERROR_S)

    async def _rounds(self, group: asyncio.TaskGroup, heard: asyncio.Event) -> None:
        while True:
            heard.clear()
            due, next_ms = await self.due()
            for delivery in due:
                self._busy.add(delivery.target)
                group.create_task(self._in_turn(delivery, heard))
            wait_ms = _LONGEST_WAIT_MS if next_ms is None else next_ms - self._now_ms()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0, min(wait_ms, _LONGEST_WAIT_MS)) / 1000):
                    await heard.wait()
            await self._sleep(_BETWEEN_S)

    async def _in_turn(self, delivery: Delivery, heard: asyncio.Event) -> None:
        try:
            await self.attempt(delivery)
        finally:
            self._busy.discard(delivery.target)
            heard.set()

    async def due(self) -> tuple[list[Delivery], int | None]:
        """What may leave now, one delivery for each target that is free, and when to look again."""
        if not await self._account_store.run(alerts.anything):
            return [], None
        settings, now_ms = self._settings(), self._now_ms()
        hours = settings.quiet if settings else None
        quiet = hours is not None and hours.holds_at(minutes_of(self._zone().minute(now_ms)))
        found = await self._account_store.run(alerts.dispatch, targets_of(settings), quiet=quiet)
        first: dict[str, Delivery] = {}
        for one in found.deliveries:
            if one.due_ms <= now_ms and one.target not in self._busy:
                first.setdefault(one.target, one)
        times = [one.due_ms for one in found.deliveries if one.due_ms > now_ms]
        return list(first.values()), min([*times, *filter(None, [found.next_ms])], default=None)

    async def attempt(self, delivery: Delivery) -> None:
        """Try a delivery once, and keep what became of it."""
        settings = self._settings()
        try:
            message = await self._message(delivery, settings)
            await self._targets.tell(delivery.target, settings, message)
        except DeliveryFailed as error:
            await self._failed(delivery, str(error))
        except Exception as error:
            log.exception("%s: %s failed", delivery.account, delivery.target)
            await self._failed(delivery, f"failed ({type(error).__name__}); the log says more")
        else:
            await self._account_store.run(deliveries.taken, delivery.id)
            if delivery.target in self._failing:
                self._failing.discard(delivery.target)
                log.info("%s: %s works again", delivery.account, delivery.target)

    async def _failed(self, delivery: Delivery, reason: str) -> None:
        dead = await self._account_store.run(deliveries.failed, delivery.id, reason, self._jitter())
        see = "see: openclaw alerts list"
        if dead:
            log.error("%s: %s was set aside: %s; %s", delivery.account, delivery.target, reason, see)
        elif delivery.target not in self._failing:
            self._failing.add(delivery.target)
            log.warning("%s: %s failed: %s; trying again; %s", delivery.account, delivery.target, reason, see)

    async def _message(self, delivery: Delivery, settings: Alerts | None) -> Message:
        """What a delivery says now. People's words are read for each try, and never stored with it."""
        found, more = alerts.batch_of(delivery) if delivery.kind == alerts.KIND else ([], 0)
        tells = settings is not None and settings.texts
        words = await self._store.ask(partial(_words, found)) if tells else [{} for _ in found]
        with in_locale(self._locale()):
            told = [
                (alert_text(one, said), alert_command(one)) for one, said in zip(found, words, strict=True)
            ]
            text = batch_text(told, more) if found else trial_text(delivery.account)
        listed = [
            {**alerts.told(one), "text": line, "command": command, **({"words": said} if said else {})}
            for one, (line, command), said in zip(found, told, words, strict=True)
        ]
        body = {
            "type": delivery.kind,
            "id": delivery.id,
            "account": delivery.account,
            "created_ms": alerts.created_ms(delivery),
            "text": text,
            "alerts": listed,
            "more": more,
        }
        return Message(delivery.id, json.dumps(body, ensure_ascii=False).encode(), text)


def _words(found: list[Alert], reader: Reader) -> list[dict[str, str]]:
    return [words_of(reader, one) for one in found]
