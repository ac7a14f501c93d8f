"""`forget` over the wire: afterwards no file below the state directory holds a word of that person."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from demo.model_server import ModelServer, Says
from demo.stage import Gateway, Operator, Simulator
from end_to_end.forks import warm
from end_to_end.steps import all_sent, answers, asked, listening, person, say, status
from end_to_end.test_agents import brain_of, configured

pytestmark = pytest.mark.long
KILLED = Path(__file__).with_name("killed_at_commit.py")
SECRET = "xyzzybimat"
"""In everything that Lan writes, and in what is answered to her."""


def holders(state: Path) -> list[str]:
    """The files that hold a word of Lan's."""
    found = []
    for path in state.rglob("*"):
        with suppress(FileNotFoundError):  # what a gateway that runs has just renamed
            if path.is_file() and SECRET.encode() in path.read_bytes():
                found.append(str(path.relative_to(state)))
    return sorted(found)


def filled(zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer) -> tuple[str, str]:
    """Lan and Hùng talk with an agent that repeats what it hears. Gives their ids."""
    lan, hung = person(zalo, "Lan"), person(zalo, "Hùng")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", f"{lan}', '{hung}")
    model.script = lambda request: Says(f"you wrote: {request.last_text}")
    listening(gateway)
    for number in range(4):
        say(zalo, lan, f"{SECRET} số {number} " * (1 + 20 * number))
        answers(zalo, 1)
    say(zalo, hung, "chào bạn nhé")
    while not any("chào bạn nhé" in one for one in all_sent(zalo)):
        answers(zalo, 1)
    return lan, hung


def test_with_a_running_gateway_nothing_is_left_and_others_go_on(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan, hung = filled(zalo, gateway, state, model)
    assert holders(state)
    held = asked(linked, "export", "--person", lan)
    assert held["rows"]["messages"] == 4
    assert SECRET in json.dumps(held)
    would = asked(linked, "forget", "--person", lan, "--dry-run")
    assert would["accounts"]["zalouser/default"]["removed"]["messages"] == 4
    assert holders(state), "a dry run removes nothing"
    done = asked(linked, "forget", "--person", lan)
    assert done["accounts"]["zalouser/default"]["removed"]["messages"] == 4
    assert any("127.0.0.1" in one for one in done["copies"])
    assert holders(state) == []
    told = linked.run("audit", "show", "--json").stdout
    assert "forget" in told
    assert SECRET not in told
    sent = len(all_sent(zalo))
    say(zalo, lan, "xin chào lại")
    while len(all_sent(zalo)) == sent:
        answers(zalo, 1)
    request = model.requests[-1]
    assert SECRET not in json.dumps(request.messages, ensure_ascii=False), "the agent remembers nothing of it"
    say(zalo, hung, "còn nhớ không?")
    while "còn nhớ" not in all_sent(zalo)[-1]:
        answers(zalo, 1)
    assert "chào bạn nhé" in json.dumps(model.requests[-1].messages, ensure_ascii=False)
    assert status(linked)[1]["retention"]["forgetting"] == []


@pytest.mark.timeout(900)  # some sixty commands, each of half a second
def test_killed_at_every_commit_the_same_command_finishes(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer, tmp_path: Path
) -> None:
    lan, _ = filled(zalo, gateway, state, model)
    gateway.stop()
    kept = tmp_path / "kept"
    shutil.copytree(state, kept)
    number, total = 0, 1
    while number <= total:
        number += 1
        shutil.rmtree(state)
        shutil.copytree(kept, state)
        command = [sys.executable, str(KILLED), str(number), "forget", "--person", lan]
        done = warm.run(command, env=linked.env, text=True)
        if done.returncode == 0:
            total = number - 1
            assert int(done.stderr.splitlines()[-1]) == total
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        total = number
        again = linked.run("forget", "--person", lan)
        assert again.returncode == 0, again.stdout
        assert holders(state) == [], f"killed at step {number}"
    assert total > 8
    assert holders(state) == []


def test_the_next_gateway_finishes_what_was_killed(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan, _ = filled(zalo, gateway, state, model)
    gateway.stop()
    command = [sys.executable, str(KILLED), "9", "forget", "--person", lan]
    warm.run(command, env=linked.env)
    waits = status(linked)[1]["retention"]["forgetting"]
    assert waits == [f"person {lan}"]
    listening(gateway)
    while status(linked)[1]["retention"]["forgetting"]:
        gateway.said("is being forgotten")
    assert holders(state) == []
