"""Two gateways on one database: one is killed, stopped, held, drained or moved from."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from packages.clawlane.tests import postgres_server

from clawlane.credentials.files import write_private
from demo.stage import PATIENCE, Gateway, Missing, Operator, Simulator
from end_to_end.beside import linked_here
from end_to_end.steps import RECORDING, answers, asked, person, say
from json_shapes import shaped

pytestmark = pytest.mark.long

LANE = "zalouser/default"
TAKEOVER_S = 15 + 5
"""`takeoverAfter`, and one beat."""

CONFIG = """{{
  store: {{ url: '{url}' }}, secrets: {{ keyFile: '{key}' }},
  node: {{ name: '{name}', labels: {{ net: '{name}' }} }}, takeover: '{takeover}', takeoverAfter: '15s',
  channels: {{ zalouser: {{ enabled: true, dmPolicy: 'allowlist', allowFrom: ['*'], groupPolicy: 'disabled',
    accounts: {{ default: {{}}, b: {{}}, c: {{}}, d: {{}} }} }} }},
}}"""


class Desk:
    """Two machines with the same accounts, of which one is logged in."""

    def __init__(self, folder: Path, zalo: Simulator, record: bytes) -> None:
        self.folder, self.zalo = folder, zalo
        self.url = postgres_server.server().database(folder)
        write_private(folder / "key", os.urandom(32))
        self.nodes: dict[str, Gateway] = {}
        self.operators: dict[str, Operator] = {}
        self._record = record

    def machine(self, name: str, takeover: str = "auto") -> Operator:
        state = self.folder / name
        state.mkdir(mode=0o700, exist_ok=True)
        write_private(state / "plugins.json", self._record)
        told = CONFIG.format(url=self.url, key=self.folder / "key", name=name, takeover=takeover)
        (state / "config.json5").write_text(told)
        self.operators[name] = Operator.at(state, self.zalo.network)
        self.nodes[name] = Gateway(self.operators[name], RECORDING)
        return self.operators[name]

    def cluster(self, *words: str, at: str = "a") -> Any:
        done = self.operators[at].run("cluster", *words, "--json")
        told = shaped(json.loads(done.stdout))
        assert done.returncode == (0 if told["ok"] else 2), done.stdout
        return told

    def owners(self, at: str) -> dict[str, str]:
        """The node that runs each account."""
        found = self.cluster("status", at=at)["cluster"]["accounts"]
        return {name: one["node"] if one["runs"] else "" for name, one in found.items()}

    def until(self, holds: Callable[[dict[str, str]], bool], at: str, patience: float = PATIENCE) -> None:
        """Once who runs what is as it should be. Raises `Missing`."""
        began = time.monotonic()
        while not holds(found := self.owners(at)):
            if time.monotonic() - began > patience:
                raise Missing(f"never so within {patience:.0f} s: {found}")

    def all_on(self, name: str, at: str, patience: float = PATIENCE) -> None:
        self.until(lambda found: {*found.values()} == {name}, at, patience)

    def answered(self, sender: str, text: str) -> None:
        say(self.zalo, sender, text)
        assert answers(self.zalo, 1) == [f"echo: {text}"]


@pytest.fixture
def desk(tmp_path: Path, zalo: Simulator, plugin_record: bytes) -> Iterator[Desk]:
    with ExitStack() as stack:
        made = Desk(tmp_path, zalo, plugin_record)
        linked_here(made.machine("a"), zalo)
        shutil.copytree(tmp_path / "a", tmp_path / "b")
        made.machine("b")
        for one in made.nodes.values():
            stack.enter_context(one)
        yield made


def other_than(name: str) -> str:
    return "b" if name == "a" else "a"


def test_an_account_always_has_one_node_and_messages_one_answer(desk: Desk) -> None:
    nodes, lan = desk.nodes, person(desk.zalo, "Lan")
    for one in nodes.values():
        one.start()
    for name, one in nodes.items():
        one.said(f"this gateway is node {name}")
    desk.until(lambda found: len(found) == 4 and sorted(found.values()) == ["a", "a", "b", "b"], "a")
    first = desk.owners("a")[LANE]
    second = other_than(first)
    nodes[first].said("default is ready")
    desk.answered(lan, "one")

    # Nobody else works under this name, not even with a copy of its folder.
    shutil.copytree(desk.folder / first, desk.folder / "copy", ignore=shutil.ignore_patterns("*.sock"))
    copy = Operator.at(desk.folder / "copy", desk.zalo.network)
    refused = copy.run("gateway", "run")
    assert refused.returncode != 0
    assert f"another gateway works as node '{first}'" in refused.stdout

    nodes[first].kill()
    desk.all_on(second, second, 2 * TAKEOVER_S)
    nodes[second].said("default is ready")
    desk.answered(lan, "two")

    nodes[first].start()
    nodes[first].said(f"this gateway is node {first}")
    nodes[second].stop()
    desk.all_on(first, first)
    nodes[first].said("default is ready")
    desk.answered(lan, "three")

    nodes[second].start()
    nodes[second].said(f"this gateway is node {second}")
    os.kill(nodes[first].pid, signal.SIGSTOP)
    desk.all_on(second, second, 2 * TAKEOVER_S)
    nodes[second].said("default is ready")
    say(desk.zalo, lan, "four")
    assert answers(desk.zalo, 1) == ["echo: four"]
    os.kill(nodes[first].pid, signal.SIGCONT)
    nodes[first].said("claims its accounts")
    desk.answered(lan, "five")
    assert desk.owners(first) == dict.fromkeys(desk.owners(first), second)


def told_by(desk: Desk, *words: str) -> str:
    """What a command says on b, in one line."""
    return " ".join(desk.operators["b"].run(*words).stdout.split())


def seen_from_a_third(desk: Desk) -> str:
    """The nodes and the accounts on a machine without a gateway, by whose config no node fits the account."""
    third, config = desk.machine("c", "ask"), desk.folder / "c" / "config.json5"
    config.write_text(config.read_text().replace("default: {}", "default: { runOn: { net: 'nowhere' } }"))
    assert desk.cluster("status", at="c")["cluster"]["unmatched"] == [
        {"account": LANE, "labels": ["net=nowhere"]}
    ]
    shown = third.run("cluster", "status").stdout + third.run("channels", "status").stdout
    return " ".join(shown.split())


def test_where_nothing_is_written_an_operator_decides(desk: Desk) -> None:
    lan = person(desk.zalo, "Lan")
    for name in ("a", "b"):
        desk.machine(name, "ask")
    nodes = desk.nodes
    with nodes["a"], nodes["b"]:
        nodes["a"].start()
        desk.all_on("a", "a", 2 * PATIENCE)
        nodes["b"].start()
        nodes["b"].said("this gateway is node b")

        # A node that gives up its accounts stops each once another has asked for it.
        told = desk.operators["b"].run("cluster", "drain", "a").stdout
        assert "gives up 4 accounts" in told
        desk.all_on("b", "b")
        nodes["b"].said("default is ready")
        desk.answered(lan, "one")
        refused = desk.operators["b"].run("cluster", "move", "default", "a")
        assert "gives up its accounts, and takes none" in " ".join(refused.stdout.split())
        desk.cluster("drain", "a", "--end")
        desk.cluster("move", "default", "a", at="b")
        desk.until(lambda found: found[LANE] == "a", "b")
        nodes["a"].said_times("default is ready", 2)
        desk.answered(lan, "two")

        nodes["a"].kill()
        nodes["b"].said("openclaw cluster move zalouser/default NODE", 2 * TAKEOVER_S)
        assert desk.owners("b")[LANE] == ""
        done = desk.operators["b"].run("cluster", "status")
        shown = done.stdout
        assert done.returncode == 2
        assert "zalouser/default does not run; it was on a" in shown
        assert "a is lost" in shown
        assert "no other node runs that takes any" in told_by(desk, "cluster", "drain", "b")
        assert "takes accounts again" in told_by(desk, "cluster", "drain", "b", "--end")
        shown = seen_from_a_third(desk)
        assert "No node that runs has the labels that zalouser/default wants (runOn): net=nowhere" in shown
        assert "default (profile default): not running: no node runs it" in shown
        nodes["b"].said("alarm 'node_lost'", 2 * TAKEOVER_S)
        [alarm] = asked(desk.operators["b"], "alarms", "list")["alarms"]
        assert alarm["evidence"]["node"] == "a"
        assert alarm["evidence"]["held_up"] == [LANE]
        moved = desk.cluster("move", LANE, "b", at="b")["moved"]
        assert (moved["was"], moved["lost"]) == ("a", True)
        nodes["b"].said("the alarm 'node_lost' is over")
        nodes["b"].said_times("default is ready", 2)
        desk.answered(lan, "three")

        # The record of an account is whole on every machine, whichever ran it last.
        for at in ("a", "b"):
            checked = desk.operators[at].run("audit", "verify")
            assert checked.returncode == 0, checked.stdout
            assert "record" not in desk.operators[at].run("doctor").stdout
        refused = desk.operators["b"].run("cluster", "move", "default", "c")
        assert refused.returncode != 0
        assert "there is no node 'c'; nodes: a, b" in refused.stdout
        nodes["b"].stop()
        shown = told_by(desk, "cluster", "status")
        assert "No node runs: start a gateway." in shown
        assert "cluster move" not in shown
