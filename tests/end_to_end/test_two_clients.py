"""Zalo lets one client of an account in and closes the other (3000): which node yields, and which waits."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from packages.clawlane.tests import postgres_server
from packages.clawlane.tests.broken_way import BrokenWay

from demo.stage import Operator, Simulator
from end_to_end.beside import linked_here
from end_to_end.steps import account, asked, person, status, until
from end_to_end.test_cluster import LANE, TAKEOVER_S, Desk

pytestmark = pytest.mark.long

ACCOUNTS = "accounts: { default: {}, b: {}, c: {}, d: {} }"


class Machines(Desk):
    """Two machines with one account; that of `a` has a way to the database which may break."""

    def __init__(self, folder: Path, zalo: Simulator, record: bytes, way: BrokenWay) -> None:
        super().__init__(folder, zalo, record)
        self.way = way

    def machine(self, name: str, takeover: str = "auto") -> Operator:
        made = super().machine(name, takeover)
        file = self.folder / name / "config.json5"
        text = file.read_text().replace(ACCOUNTS, "accounts: { default: {} }")
        if name == "a":
            database = postgres_server.server().name_of(self.folder)
            url = f"postgresql://clawlane@127.0.0.1:{self.way.port}/{database}?sslmode=disable"
            text = text.replace(self.url, url)
        file.write_text(text)
        return made

    @property
    def marks(self) -> int:
        """How many accounts are kept as taken over by another client."""
        with psycopg.connect(self.url) as db:
            [count] = db.execute("SELECT count(*) FROM profile_records WHERE kind = 'takeover'").fetchone()
        return int(count)

    @property
    def connected(self) -> int:
        """How often a client of the account has connected."""
        return sum(one["kind"] == "connected" for one in self.zalo.since(0))

    @property
    def phases(self) -> list[str]:
        """What the record of the account says that it was in, in order."""
        with psycopg.connect(self.url) as db:
            return [phase for (phase,) in db.execute("SELECT phase FROM state_log ORDER BY id")]

    def owner(self) -> str:
        return self.owners("b")[LANE]

    def forget_beats(self, name: str) -> None:
        """What a failover to a copy does that lacks the last seconds: the last beats of a node are gone."""
        with psycopg.connect(self.url) as db:
            db.execute("UPDATE nodes SET beat_ms = beat_ms - 30000 WHERE name = %s", (name,))


@pytest.fixture
def desk(tmp_path: Path, zalo: Simulator, plugin_record: bytes) -> Iterator[Machines]:
    with ExitStack() as stack:
        socket = str(postgres_server.server().folder / ".s.PGSQL.5432")
        way = stack.enter_context(BrokenWay(socket))
        made = Machines(tmp_path, zalo, plugin_record, way)
        linked_here(made.machine("a"), zalo)
        made.machine("b")
        for one in made.nodes.values():
            stack.enter_context(one)
        made.nodes["a"].start()
        made.nodes["a"].said("default is ready")
        made.nodes["b"].start()
        made.nodes["b"].said("this gateway is node b")
        yield made


def test_a_node_whose_account_another_one_runs_yields(desk: Machines) -> None:
    a, b, lan = desk.nodes["a"], desk.nodes["b"], person(desk.zalo, "Lan")

    # By its own clock its lease holds, but another node has claimed: a copy of the database lacks its beats.
    desk.way.silence()
    desk.forget_beats("a")
    b.said("default is ready")
    desk.zalo.wait("disconnected", lambda one: one["code"] == 3000)
    desk.way.mend()
    desk.answered(lan, "one")
    a.said("another node runs it")
    assert desk.owner() == "b"

    # It stands still for longer than its lease.
    os.kill(b.pid, signal.SIGSTOP)
    a.said_times("default is ready", 2, 2 * TAKEOVER_S)
    desk.answered(lan, "two")
    os.kill(b.pid, signal.SIGCONT)
    b.said("claims its accounts")
    b.said("another node runs it")
    desk.answered(lan, "three")

    assert desk.owner() == "a"
    assert desk.connected == 3
    for one in desk.nodes.values():
        assert not [line for line in one.printed() if "replaced" in line or "took over" in line]
    assert desk.marks == 0
    assert "replaced" not in desk.phases
    assert [one["code"] for one in desk.zalo.since(0) if one["kind"] == "disconnected"] == [3000, 1006]
    assert asked(desk.operators["b"], "alarms", "list")["alarms"] == []
    assert asked(desk.operators["b"], "pause", "--list")["pauses"] == []


def test_a_node_whose_account_another_client_has_waits_for_the_operator(desk: Machines) -> None:
    a, b = desk.nodes["a"], desk.nodes["b"]
    desk.zalo.do("/second-listener")
    a.said("is replaced")
    until(lambda: desk.marks == 1)
    assert status(desk.operators["b"])[0] == 4
    assert account(desk.operators["b"])["node"] == "a"

    desk.cluster("move", LANE, "b", at="b")
    b.said("default is replaced")
    desk.cluster("move", LANE, "a", at="b")
    a.said_times("default is replaced", 2)
    a.kill()
    b.said_times("default is replaced", 2, 2 * TAKEOVER_S)
    assert desk.owner() == "b"
    assert desk.connected == 1

    a.start()
    a.said("this gateway is node a")
    resumed = desk.operators["a"].run("resume", "--channel", "zalouser", "--account", "default")
    assert "is taken back" in resumed.stdout
    b.said("default is ready")
    desk.answered(person(desk.zalo, "Lan"), "hello")
    assert desk.owner() == "b"
    assert desk.connected == 2
