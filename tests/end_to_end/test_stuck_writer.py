"""A node whose writing thread hangs while its beats could go on: it gives its accounts up, and says why."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.stage import Simulator, running
from end_to_end.beside import linked_here
from end_to_end.steps import answers, person, say, status, until
from end_to_end.test_cluster import LANE, TAKEOVER_S, Desk

pytestmark = pytest.mark.long

STUCK_S = 15 + 5
"""When it is noticed, and one beat."""


@pytest.fixture
def desk(tmp_path: Path, zalo: Simulator, plugin_record: bytes) -> Iterator[Desk]:
    with ExitStack() as stack:
        made = Desk(tmp_path, zalo, plugin_record)
        linked_here(made.machine("a"), zalo)
        made.machine("b")
        for one in made.nodes.values():
            stack.enter_context(one)
        yield made


def test_a_node_that_can_store_nothing_gives_its_accounts_up(desk: Desk) -> None:
    a, b, lan = desk.nodes["a"], desk.nodes["b"], person(desk.zalo, "Lan")
    a.start()
    desk.all_on("a", "a", 2 * TAKEOVER_S)
    b.start()
    b.said("this gateway is node b")

    # A disk that hangs: whoever writes the end of a record waits for a reader that never comes.
    head = desk.folder / "a" / "audit" / "zalouser%2Fd.head"
    head.unlink()
    os.mkfifo(head)
    operator = desk.operators["a"]
    pause = operator.command("pause", "--channel", "zalouser", "--account", "d")
    with running(pause, operator.env, subprocess.STDOUT):
        a.said("node a does not beat any more: nothing has been stored for", 2 * STUCK_S)
        say(desk.zalo, lan, "one")
        until(lambda: desk.cluster("status", at="b")["cluster"]["late"] == ["a"])
        code, told = status(operator)
        assert code != 0
        assert told["storing"] == "broken"
        findings = json.loads(operator.run("doctor", "--json").stdout)["findings"]
        assert "store_failing" in [one["code"] for one in findings]
        desk.all_on("b", "b", 2 * TAKEOVER_S)
        b.said("default is ready")
        assert answers(desk.zalo, 1) == ["echo: one"]

    reader = os.open(head, os.O_RDONLY | os.O_NONBLOCK)
    head.unlink()
    os.close(reader)
    a.said("claims its accounts")
    a.said(f"{LANE} is stopped: another node runs it")
    desk.answered(lan, "two")
    assert {*desk.owners("a").values()} == {"b"}
