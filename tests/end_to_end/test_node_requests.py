"""Commands on one machine for an account that another one runs, while that is there, and while it is not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from demo.stage import Operator, Simulator, running
from end_to_end.beside import linked_here
from end_to_end.steps import answers, asked, person, say, until
from end_to_end.test_cluster import LANE, TAKEOVER_S, Desk, other_than

pytestmark = pytest.mark.long

CONSOLE = ("  channels:", "  console: { enabled: true, listen: '127.0.0.1:0' },\n  channels:")
PAIRING = ("dmPolicy: 'allowlist', allowFrom: ['*']", "dmPolicy: 'pairing'")


class Machines(Desk):
    """Two machines with a gateway, and one without, `c`."""

    def machine(self, name: str, takeover: str = "ask") -> Operator:
        made = super().machine(name, takeover)
        file = self.folder / name / "config.json5"
        file.write_text(file.read_text().replace(*PAIRING).replace(*CONSOLE))
        return made

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The requests between nodes: the operation and the state of each."""
        with psycopg.connect(self.url) as db:
            return db.execute("SELECT operation, state FROM node_requests").fetchall()

    def refused(self, at: str, *words: str) -> str:
        done = self.operators[at].run(*words)
        assert done.returncode != 0
        return " ".join(done.stdout.split())

    @contextmanager
    def asking(self, at: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command that has asked a node and waits for its answer."""
        operator = self.operators[at]
        with running(operator.command(*words), operator.env, subprocess.STDOUT) as command:
            until(lambda: bool(self.rows))
            yield command


@pytest.fixture
def desk(tmp_path: Path, zalo: Simulator, plugin_record: bytes) -> Iterator[Machines]:
    with ExitStack() as stack:
        made = Machines(tmp_path, zalo, plugin_record)
        linked_here(made.machine("a"), zalo)
        for name in ("b", "c"):
            made.machine(name)
        for one in made.nodes.values():
            stack.enter_context(one)
        for name in ("a", "b"):
            made.nodes[name].start()
        for name in ("a", "b"):
            made.nodes[name].said(f"this gateway is node {name}")
        made.until(lambda found: len(found) == 4 and sorted(found.values()) == ["a", "a", "b", "b"], "a")
        made.nodes[made.owners("a")[LANE]].said("default is ready")
        yield made


def test_a_command_reaches_the_owner_from_every_machine(desk: Machines) -> None:
    owner = desk.owners("a")[LANE]
    other, lan = other_than(owner), person(desk.zalo, "Lan", friend=False)

    for at in (other, "c"):
        done = desk.operators[at].run("channels", "status")
        assert f"on node {owner}" in done.stdout, done.stdout
        found = asked_status(desk.operators[at])
        assert sorted(one["node"] for one in found.values()) == ["a", "a", "b", "b"]
        assert (found[LANE]["phase"], found[LANE]["node"]) == ("ready", owner)

    say(desk.zalo, lan, "one")
    (hint,) = answers(desk.zalo, 1)
    code = asked(desk.operators["c"], "pairing", "list")["requests"][0]["code"]
    assert code in hint
    done = desk.operators[other].run("pairing", "approve", code)
    assert done.returncode == 0, done.stdout
    desk.answered(lan, "two")

    for at, back in ((other, "c"), ("c", other)):
        paused = asked(desk.operators[at], "pause", "--account", "default")
        assert paused["running"]
        say(desk.zalo, lan, f"while paused at {at}")
        until(lambda: bool(asked(desk.operators["c"], "why", "--last", "1")["messages"]))
        listed = asked(desk.operators[back], "pause", "--list")["pauses"]
        assert [one["account"] for one in listed] == [LANE]
        assert asked(desk.operators[back], "resume", "--account", "default")["resumed"][0]["was"]
        assert answers(desk.zalo, 1) == [f"echo: while paused at {at}"]

    # All accounts: each node has its own, and this machine none.
    assert len(asked(desk.operators["c"], "pause")["paused"]) == 4
    assert len(asked(desk.operators[other], "pause", "--list")["pauses"]) == 4
    assert len(asked(desk.operators[owner], "resume")["resumed"]) == 4

    sent = desk.operators["c"].run("message", "send", "-t", f"user:{lan}", "from afar")
    assert sent.returncode == 0, sent.stdout
    assert answers(desk.zalo, 1) == ["from afar"]
    file = desk.folder / "picture.png"
    file.write_bytes(b"")
    told = desk.refused(other, "message", "send", "-t", f"user:{lan}", "--media", str(file), "look")
    assert f"{LANE} on node {owner}; the files to send are on this machine" in told
    assert desk.rows == []


def test_nobody_is_told_that_something_was_done_that_may_not_have_been(desk: Machines) -> None:
    owner = desk.owners("a")[LANE]
    other, lan = other_than(owner), person(desk.zalo, "Lan", friend=False)
    pid = desk.nodes[owner].pid
    pause = ("pause", "--account", "default")
    say(desk.zalo, lan, "one")
    code = re.findall(r"\b[A-Z0-9]{8}\b", answers(desk.zalo, 1)[0])[0]
    assert desk.operators["c"].run("pairing", "approve", code).returncode == 0

    # Who gives up before the node looks takes the request back; that of one who is killed grows too old.
    os.kill(pid, signal.SIGSTOP)
    with desk.asking("c", *pause) as command:
        command.send_signal(signal.SIGINT)
        command.wait(30)
    assert desk.rows == []
    with desk.asking("c", *pause) as command:
        command.kill()
        command.wait(30)
    assert desk.rows == [("pause.pause", "new")]
    told = desk.refused(other, "pause")
    assert f"not all nodes did it ({other} did): {owner}: node {owner} has" in told
    assert "so nothing was done" in told
    desk.until(lambda found: found[LANE] == "", other, 2 * TAKEOVER_S)
    os.kill(pid, signal.SIGCONT)
    until(lambda: desk.owners(other)[LANE] == owner)
    paused = asked(desk.operators[other], "pause", "--list")["pauses"]
    assert {desk.owners(other)[one["account"]] for one in paused} == {other}

    # A decision about a message of which nobody knows whether it arrived.
    desk.nodes[owner].said_times("default is ready", 2)
    desk.zalo.do("/fault", does="reset", call="send text")
    sent = desk.operators["c"].run("message", "send", "--no-wait", "-t", f"user:{lan}", "lost?")
    assert "may or may not have arrived" in sent.stdout
    (row,) = asked(desk.operators["c"], "outbox", "list")["messages"]
    assert (row["text"], row["state"]) == ("lost?", "unknown")
    assert desk.operators[other].run("outbox", "resend", str(row["id"])).returncode == 0
    desk.zalo.wait("sent", lambda one: one["text"] == "lost?")

    # A node that is killed while it carries out a request. Nobody runs its account then: commands act for it.
    desk.zalo.do("/fault", does="silence", call="send text", times=1)
    with desk.asking("c", "message", "send", "-t", f"user:{lan}", "late") as command:
        until(lambda: ("message.outcome", "taken") in desk.rows)
        desk.nodes[owner].kill()
        assert command.stdout is not None
        ended = " ".join(command.stdout.read().split())
        assert command.wait(60) != 0
    assert f"node {owner} did not answer: its gateway has ended" in ended
    assert not asked(desk.operators["c"], *pause)["running"]


def asked_status(operator: Operator) -> dict[str, dict[str, object]]:
    """The accounts of the status by name, whatever its exit code."""
    import json

    from json_shapes import shaped

    done = operator.run("channels", "status", "--json")
    return dict(shaped(json.loads(done.stdout))["channels"]["zalouser"]["accounts"])
