"""What Prometheus does: ask for the metrics of a gateway, and read them."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from demo.stage import PATIENCE, Gateway
from end_to_end.browsing import Answer, Browser

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


def address(gateway: Gateway) -> str:
    """Where a gateway serves metrics on an address of their own (`http://127.0.0.1:PORT`)."""
    return gateway.said("metrics are served on").partition("served on ")[2].removesuffix("/metrics")


def scrape(base: str, **headers: str) -> Answer:
    """One request for the metrics."""
    return Browser(base).get("/metrics", **headers)


def numbers_of(text: str) -> Numbers:
    """The numbers of a page by their names and labels."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def number(base: str, name: str, **labels: str) -> float | None:
    """One number as it is now; None if there is none."""
    return numbers_of(scrape(base).text).get((name, frozenset(labels.items())))


def until(base: str, fits: Callable[[float], bool], name: str, **labels: str) -> float:
    """Ask for a number until it fits; queues are read anew only every few seconds."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = number(base, name, **labels)
        if found is not None and fits(found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{name} {labels} is {found}")
