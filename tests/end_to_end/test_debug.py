"""`debug`: the frames and calls of a running account, without their content, while somebody looks."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.stage import PATIENCE, Gateway, Operator, Simulator, running, simulator
from end_to_end.steps import listening, person, say
from json_shapes import shaped

SECRET, NAME = "mật mã 873190442617 của bà ngoại", "Đặng Hải Uyên"
SET_BACK = "the level debug ended"


@pytest.fixture
def config_text() -> str:
    return (
        "{ channels: { zalouser: { enabled: true, dmPolicy: 'open', allowFrom: ['*'], acks: 'off',"
        " pacing: { gap: '0s', gapJitter: '0s' } } } }"
    )


@contextmanager
def looking(operator: Operator, *flags: str) -> Iterator[subprocess.Popen[str]]:
    with running(operator.command("debug", *flags), operator.env, subprocess.STDOUT) as command:
        assert command.stdout is not None
        yield command


def line_with(command: subprocess.Popen[str], words: str) -> str:
    """The next line with these words."""
    assert command.stdout is not None
    read = []
    for line in command.stdout:
        read.append(line)
        if words in line:
            return line
    raise AssertionError(f"{words!r} is not in {read}")


@pytest.fixture
def zalo(tmp_path: Path) -> Iterator[Simulator]:
    """A simulator whose clients ping four times a second."""
    with simulator(tmp_path, "--ping-ms", "250") as running:
        yield running


@pytest.mark.long
def test_frames_calls_and_codes_are_told_and_nothing_of_their_content(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path
) -> None:
    down = linked.run("debug", "--for", "5s")
    assert (down.returncode, down.stdout) == (
        1,
        "error: the gateway is not running; run: openclaw gateway run\n",
    )
    listening(gateway)
    assert "--for must be a time such as" in linked.run("debug", "--for", "soon").stdout
    assert "between 1s and 24h" in linked.run("debug", "--for", "2d").stdout
    uyen = person(zalo, NAME)
    with looking(linked, "--for", "10m", "--json") as command:
        told = [line_with(command, "until_ms")]
        say(zalo, uyen, SECRET)
        told += [line_with(command, kind) for kind in ('"user messages"', '"send text"', '"ping"', '"pong"')]
        zalo.do("/fault", does="error", code=221, message=SECRET, call="send text")
        say(zalo, uyen, SECRET)
        told.append(line_with(command, '"code": 221'))
        zalo.do("/fault", does="error", code=600, message=SECRET, call="send text")
        say(zalo, uyen, SECRET)
        told += [line_with(command, name) for name in ('"getLoginInfo"', '"getServerInfo"', '"connect"')]
        zalo.do("/drop", code=1006)
        told.append(line_with(command, '"lost"'))
        command.kill()
    gateway.said(SET_BACK)  # kill -9 of the command ended it in the gateway
    lines = [shaped(json.loads(line)) for line in told]
    assert lines[0]["account"] == "zalouser/default"
    assert lines[2]["traced"].items() >= {"kind": "call", "status": 200, "code": 0, "error": ""}.items()
    assert lines[3]["traced"].items() >= {"kind": "frame", "received": None, "ms": None}.items()
    assert lines[5]["traced"]["error"] == "RateLimited"
    log = (state / "logs" / "gateway.log").read_text()
    traced = [
        line for line in log.splitlines() if '"DEBUG"' in line and ("frame " in line or "call " in line)
    ]
    assert any("call send text" in line for line in traced)
    hidden = (SECRET, NAME, uyen, "873190442617", "http", "zpw", "cookie")
    assert [word for word in hidden if any(word in line for line in (*told, *traced))] == []


@pytest.mark.long
def test_it_ends_at_its_time_at_ctrl_c_and_with_the_gateway(linked: Operator, gateway: Gateway) -> None:
    listening(gateway)
    linked.env["COLUMNS"] = "80"
    whole = linked.run("debug", "--for", "1s")
    assert whole.returncode == 0, whole.stdout
    assert max(map(len, whole.stdout.splitlines())) <= 80
    assert "frame ping" in whole.stdout
    assert whole.stdout.splitlines()[-1].startswith("Ended; the level is set back (")
    gateway.said_times(SET_BACK, 1)
    with looking(linked) as command:
        line_with(command, "frame ping")
        command.send_signal(signal.SIGINT)
        line_with(command, "Ended; the level is set back.")
        assert command.wait(PATIENCE) == 130
    gateway.said_times(SET_BACK, 2)
    with looking(linked) as command:
        line_with(command, "frame ping")
        gateway.stop()
        line_with(command, "error: the gateway stops")
        assert command.wait(PATIENCE) == 1
    with looking(linked) as command:
        line_with(command, "the gateway is not running")
