"""A gateway that is killed between any two commits of an alert loses none and tells none twice anew."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.stage import PATIENCE, Gateway, Operator, Simulator
from end_to_end.machine import Host
from end_to_end.receiver import Receiver, Request, receiving, status_of
from end_to_end.steps import ACCEPT, asked, listening, log_in, person, say, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

KILLED = Path(__file__).with_name("killed_gateway.py")
MINUTES, HOURS = 120, 9000
"""Seconds: enough for the next batch, and for the next try."""

WAITS = "waits for approval"
BATCH = "INSERT deliveries, DELETE alerts"
FAILED, TAKEN = "UPDATE deliveries", "DELETE deliveries"
DIES_AT_LAST = 12
"""The try that sets a delivery aside once a day has passed."""


class Falling(Gateway):
    """A gateway that is killed at one of its steps."""

    def __init__(self, operator: Operator, log: Path, tables: str) -> None:
        super().__init__(operator, [sys.executable, str(KILLED)])
        self._log = log
        operator.env.update(KILL_LOG=str(log), KILL_TABLES=tables)

    def begin(self, step: str = "") -> None:
        """Start it; it will be killed when it gets to this step."""
        self._log.write_text("")
        self._operator.env["KILL_AT"] = step
        self.start()

    def fell(self) -> None:
        """Returns once it was killed there."""
        assert self._process is not None
        assert self._process.wait(2 * PATIENCE) == -signal.SIGKILL
        self.kill()

    def steps(self) -> list[str]:
        return self._log.read_text().splitlines()


class Story:
    """An account whose replies wait for its owner, who is told of each on a machine whose clock is turned."""

    def __init__(self, operator: Operator, zalo: Simulator, host: Host, falling: Falling) -> None:
        self.operator, self.zalo, self.host, self.falling = operator, zalo, host, falling
        self.ahead = 0.0
        self.people = 0

    def turn(self, seconds: float) -> None:
        self.ahead += seconds
        self.host.set_ahead(self.ahead)

    def somebody_writes(self) -> None:
        self.people += 1
        say(self.zalo, person(self.zalo, f"Bạn {self.people}"), f"chào {self.people}")

    def listed(self) -> tuple[list[str], list[dict[str, Any]]]:
        """The keys of alerts that wait, and what is undelivered."""
        told = asked(self.operator, "alerts", "list", "--account", "default")["accounts"]
        [one] = told.values()
        return [alert["key"] for alert in one["waiting"]], one["undelivered"]

    def failed(self, times: int) -> None:
        """The one delivery has failed so often."""
        until(lambda: [one["tries"] for one in self.listed()[1]] == [times])

    def two_wait(self) -> None:
        """The gateway that runs tells of one alert, and stops while two wait for the minute after that."""
        begun = self.host.gateway
        drafted = sum(WAITS in line for line in begun.printed())
        self.turn(MINUTES)
        self.somebody_writes()
        begun.said_times(WAITS, drafted + 1)
        until(self.nothing_is_left)
        for _ in range(2):
            self.somebody_writes()
        begun.said_times(WAITS, drafted + 3)
        begun.stop()
        assert len(self.listed()[0]) == 2

    def nothing_is_left(self) -> bool:
        return self.listed() == ([], [])

    def recovers(self) -> None:
        """A gateway that nobody kills tells what is left."""
        listening(self.host.gateway)
        until(self.nothing_is_left)

    def killed_at(self, steps: list[str], fails: Callable[[], None]) -> list[str]:
        """A batch of two for each step, where it is killed. Gives the steps of one that is not.

        Before each of them `fails` makes the first try to tell it fail.
        """
        listening(self.host.gateway)
        self.before_a_batch(fails)
        self.falling.begin()
        until(self.nothing_is_left)
        self.falling.stop()
        reached = self.falling.steps()
        for step in steps:
            self.recovers()
            self.before_a_batch(fails)
            self.falling.begin(step)
            self.falling.fell()
        self.recovers()
        return reached

    def before_a_batch(self, fails: Callable[[], None]) -> None:
        self.two_wait()
        self.turn(MINUTES)
        fails()

    def drafts(self) -> list[str]:
        return [str(one["number"]) for one in asked(self.operator, "drafts", "list")["drafts"]]

    def told_each_once(self, came: list[Request]) -> None:
        """Every draft was told under one id, and some of the ids came more than once."""
        bodies = by_id(came)
        told = [one["key"] for body in bodies.values() for one in body["alerts"]]
        assert sorted(told) == sorted(self.drafts())
        assert len(told) == self.people
        assert len(came) > len(bodies)


def by_id(came: list[Request]) -> dict[str, dict[str, Any]]:
    """The body that came under each id: always the same."""
    bodies: dict[str, dict[str, Any]] = {}
    for id_, body in came:
        assert bodies.setdefault(id_, body) == body
    return bodies


def configure(state: Path, alerts: dict[str, object]) -> None:
    block = {"dmPolicy": "open", "allowFrom": ["*"], "groupPolicy": "disabled", "pacing": {"enabled": False}}
    accounts = {"default": {"outbound": "approve", "alerts": alerts}, "two": {"enabled": "thread" in alerts}}
    config = {"channels": {"zalouser": {**block, "defaultAccount": "default", "accounts": accounts}}}
    (state / "config.json5").write_text(json.dumps(config))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def falling(linked: Operator, tmp_path: Path) -> Iterator[Falling]:
    with Falling(linked, tmp_path / "steps", "alerts deliveries") as gateway:
        yield gateway
        print("\n".join(gateway.printed()))


@pytest.fixture
def story(linked: Operator, zalo: Simulator, host: Host, falling: Falling) -> Story:
    linked.env["HOOK_SECRET"] = "a secret that is long enough"
    return Story(linked, zalo, host, falling)


def webhook(receiver: Receiver) -> dict[str, object]:
    return {"webhook": {"url": receiver.url, "secret": "${HOOK_SECRET}"}}


def around(*commits: str) -> list[str]:
    return [f"{when} {commit}" for commit in commits for when in ("before", "after")]


def test_a_batch_by_webhook(story: Story, state: Path, receiver: Receiver) -> None:
    configure(state, webhook(receiver))
    steps = around(BATCH, FAILED, TAKEN)
    assert story.killed_at(steps, lambda: receiver.answers.put(status_of(500))) == steps
    story.told_each_once(list(receiver.came.queue))


def test_a_batch_by_a_program(story: Story, state: Path, tmp_path: Path) -> None:
    told, fails = tmp_path / "told", tmp_path / "fails"
    script = f"{{ cat; echo; }} >> '{told}'; if rm '{fails}'; then exit 1; fi"
    configure(state, {"command": ["/bin/sh", "-c", script]})
    steps = around(BATCH, FAILED, TAKEN)
    assert story.killed_at(steps, fails.touch) == steps
    came = [json.loads(line) for line in told.read_text().splitlines()]
    story.told_each_once([(one["id"], one) for one in came])


def test_a_batch_by_another_account(story: Story, state: Path) -> None:
    owner = person(story.zalo, "Chủ")
    other = str(story.zalo.do("/account", name="Tài Khoản Hai")["uid"])
    configure(state, {"thread": {"account": "two", "to": f"user:{owner}"}})
    assert log_in(story.operator, story.zalo, ACCEPT, "--account", "two", user=other).returncode == 0
    steps = around(BATCH, TAKEN)
    reached = story.killed_at(steps, lambda: None)
    assert [one for one in reached if FAILED not in one] == steps, "it fails until the other account runs"
    said = [str(one["text"]) for one in story.zalo.since(0) if one["kind"] == "sent"]
    told = [line for text in said for line in text.splitlines() if line.startswith("•")]
    assert len(told) == story.people
    assert all(sum(f"draft {number} of" in line for line in told) == 1 for number in story.drafts())


def test_what_is_noted_and_told_as_soon_as_it_comes(story: Story, state: Path, receiver: Receiver) -> None:
    configure(state, webhook(receiver))
    for step in around("INSERT alerts", BATCH, TAKEN):
        story.turn(MINUTES)
        story.falling.begin(step)
        story.falling.said("is ready")
        story.somebody_writes()
        story.falling.fell()
        story.recovers()
        story.host.gateway.stop()
    story.told_each_once(list(receiver.came.queue))


def test_a_dead_letter(story: Story, state: Path, receiver: Receiver) -> None:
    configure(state, webhook(receiver))
    for _ in range(DIES_AT_LAST + 1):
        receiver.answers.put(status_of(503))
    listening(story.host.gateway)
    story.somebody_writes()
    for tries in range(1, DIES_AT_LAST - 1):
        story.failed(tries)
        story.turn(HOURS)
        assert story.operator.run("pause", "--thread", f"dm:{tries}").returncode == 0  # which is news
    story.failed(DIES_AT_LAST - 1)
    story.host.gateway.stop()

    story.turn(HOURS)
    for step, left in zip(around(FAILED), ((False, DIES_AT_LAST - 1), (True, DIES_AT_LAST)), strict=True):
        story.falling.begin(step)
        story.falling.fell()
        assert [(one["dead"], one["tries"]) for one in story.listed()[1]] == [left]
    came = [receiver.next() for _ in range(DIES_AT_LAST + 1)]
    story.turn(HOURS)
    listening(story.host.gateway)
    assert [one["dead"] for one in story.listed()[1]] == [True]
    assert story.operator.run("alerts", "retry").returncode == 0
    came.append(receiver.next())
    until(story.nothing_is_left)
    assert receiver.came.empty()
    [body] = by_id(came).values()
    assert len(body["alerts"]) == 1
