"""Webhooks in words: how far each is, and what a test, a retry and a drop have done."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.clock import length
from clawlane.ops.webhooks import (
    MOST_COUNTED,
    DroppedEvents,
    Retried,
    WebhookStanding,
    WebhookTested,
)
from clawlane.texts import t, tn
from clawlane.words.strangers import sanitize
from clawlane.words.times import when


def head(one: WebhookStanding, now_ms: int) -> str:
    """Where it is, and how far."""
    return f"{sanitize(one.host)} · {_state(one, now_ms)}"


def lines(one: WebhookStanding, now_ms: int) -> Iterator[str]:
    """What it is told, why it fails, when it last took something, and what it never got."""
    told = t("with names and texts") if one.content else t("without names and texts")
    yield f"{', '.join(one.events)} · {told}"
    if one.tries:
        yield sanitize(one.error, 200)
    if one.taken_ms is not None and (one.tries or one.waiting):
        yield t("last told {time}", time=when(one.taken_ms, now_ms))
    if one.given_up:
        yield tn("{n} event was given up", "{n} events were given up", one.given_up)


def tested_sentence(one: WebhookTested) -> str:
    """What a webhook did with a test."""
    return f"{one.number} · {sanitize(one.host)}: {sanitize(one.error, 300) or t('took it')}"


def retried_sentence(done: Retried) -> str:
    """How many are tried again, and when."""
    if not done.count:
        return t("No webhook fails.")
    told = tn("{n} webhook is tried again.", "{n} webhooks are tried again.", done.count)
    if done.running:
        return told
    return t("{told} The gateway is not running; this happens once it runs.", told=told)


def dropped_sentence(done: DroppedEvents) -> str:
    """How many events a webhook is not told of."""
    host = sanitize(done.host)
    return tn("{host} is not told of {n} event.", "{host} is not told of {n} events.", done.count, host=host)


def _state(one: WebhookStanding, now_ms: int) -> str:
    if not one.begun:
        return t("told from the next start of the gateway on")
    more = "+" if one.waiting == MOST_COUNTED else ""
    waits = tn("{n} event waits", "{n} events wait", one.waiting, n=f"{one.waiting}{more}")
    if one.tries:
        tries = tn("1 try", "{n} tries", one.tries)
        since = t("fails since {time} ({tries})", time=when(one.failing_ms or now_ms, now_ms), tries=tries)
        wait = length(max(0, (one.due_ms or now_ms) - now_ms))
        return f"{since} · {waits} · {t('next try in {wait}', wait=wait)}"
    if one.waiting:
        return waits
    if one.taken_ms is None:
        return t("nothing told yet")
    return t("last told {time}", time=when(one.taken_ms, now_ms))
