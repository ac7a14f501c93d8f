"""The alert rules, the dashboard and the page of the documentation, compared with what a gateway serves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from clawlane.channel import Phase, State
from clawlane.metrics.page import Page
from clawlane.observing import Attempt, Ran
from clawlane.store.queues import Depth, Queue

ROOT = Path(__file__).parents[1]
ACCOUNT, AGENT = "zalouser/default", "main"
SCRAPE = {"job", "instance"}
"""Labels that Prometheus adds to what it reads."""


async def page() -> str:
    """What a gateway serves to which everything has happened."""

    async def ask(_question: object) -> dict[str, dict[Queue, Depth]]:
        return {ACCOUNT: dict.fromkeys(Queue, Depth(1, 1))}

    live = {ACCOUNT: SimpleNamespace(state=State(Phase.READY), pauses=[])}
    context: Any = SimpleNamespace(live=live, ask=ask, now_ms=lambda: 2)
    made = Page.of(lambda: context, {})
    counters = made.counters
    counters.known([ACCOUNT], [AGENT])
    counters.decided(ACCOUNT, "admit", "dm_open")
    counters.ran(AGENT, Ran.ANSWERED, 1.0)
    counters.attempted(ACCOUNT, Attempt.ARRIVED)
    counters.disconnected(ACCOUNT, 1006)
    counters.committed(0.1)
    counters.spent(AGENT, 1, 1, 0.1)
    await made.gauges.look()
    return generate_latest(made.registry).decode()


@pytest.fixture
async def samples() -> Mapping[str, Mapping[str, set[str]]]:
    """Each name with its labels, and the values of each label."""
    found: dict[str, dict[str, set[str]]] = {"up": {}}
    for family in text_string_to_metric_families(await page()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression of the rules and of the dashboard, with where it stands."""
    rules = yaml.safe_load((ROOT / "deploy/prometheus/clawlane.rules.yml").read_text())
    for group in rules["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])
    for panel in json.loads((ROOT / "deploy/grafana/clawlane.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m").replace("$", "")


def nodes(value: object) -> Iterator[Any]:
    """Every part of a parsed expression."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from nodes(one)
    elif isinstance(value, promql.Expr):
        yield value
        for name in ("expr", "lhs", "rhs", "args", "param", "vector_selector"):
            yield from nodes(getattr(value, name, None))


@pytest.mark.parametrize(("where", "expression"), list(expressions()), ids=lambda value: str(value)[:30])
def test_an_expression_asks_for_what_there_is(
    where: str, expression: str, samples: Mapping[str, Mapping[str, set[str]]]
) -> None:
    parts = list(nodes(promql.parse(expression)))
    selectors = [one for one in parts if isinstance(one, promql.VectorSelector)]
    assert selectors, where
    labels: set[str] = set()
    for selector in selectors:
        assert selector.name in samples, where
        labels |= samples[selector.name].keys()
        for matcher in selector.matchers.matchers:
            if matcher.name in SCRAPE:
                continue
            assert matcher.name in samples[selector.name], where
            wanted = set(matcher.value.split("|")) if "Re" in str(matcher.op) else {matcher.value}
            assert wanted <= samples[selector.name][matcher.name], where
    for part in parts:
        modifier = getattr(part, "modifier", None)
        grouped = set(modifier.labels) if isinstance(part, promql.AggregateExpr) and modifier else set()
        assert grouped <= labels | SCRAPE | {"le"}, where


def test_the_page_has_every_metric_with_its_labels(samples: Mapping[str, Mapping[str, set[str]]]) -> None:
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `((?:clawlane|process)_\w+)` \|([^|]*)\|", text, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    served = {
        re.sub(r"_(bucket|count|sum)$", "", name): labels.keys() - {"le"}
        for name, labels in samples.items()
        if name != "up"
    }
    assert told == served


def test_the_page_has_every_word_of_a_label(samples: Mapping[str, Mapping[str, set[str]]]) -> None:
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    words = {*Queue, *Attempt, *Ran, *samples["clawlane_agent_tokens_total"]["direction"]}
    assert [word for word in words if f"`{word}`" not in text] == []


def test_the_page_has_every_alert() -> None:
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    rules = yaml.safe_load((ROOT / "deploy/prometheus/clawlane.rules.yml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    assert re.findall(r"^\| `(Clawlane\w+)` \|", text, re.MULTILINE) == alerts


def test_the_panels_of_the_dashboard_do_not_cover_each_other() -> None:
    panels = json.loads((ROOT / "deploy/grafana/clawlane.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)
