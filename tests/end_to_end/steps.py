"""Steps that many stories share: a login, a gateway that is ready, people who write, and the status."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from demo.stage import PATIENCE, Gateway, Operator, Simulator, running
from json_shapes import shaped

LOGIN = ("channels", "login", "--channel", "zalouser")
ACCEPT = "--accept-risk"
SCANNED = ("/scan", "/confirm")
RECORDING = [sys.executable, "-m", "demo.record_gateway"]
"""A gateway whose agent prints what it is given, echoes it, and fails on what ends in `fail`."""


def log_in(
    operator: Operator,
    zalo: Simulator,
    *flags: str,
    phone: tuple[str, ...] = SCANNED,
    user: str = "",
) -> subprocess.CompletedProcess[str]:
    """A login during which the phone of `user` (else of the first account) takes these steps.

    Without flags the risk is accepted by one. What it printed is in `stdout`, errors too.
    """
    command = operator.command(*LOGIN, *(flags or (ACCEPT,)))
    with running(command, operator.env, subprocess.STDOUT) as login:
        zalo.wait("qrshown")
        for step in phone:
            zalo.do(step, **({"account": user} if user else {}))
        assert login.stdout is not None
        told = login.stdout.read()
        return subprocess.CompletedProcess(command, login.wait(60), told)


def listening(gateway: Gateway) -> None:
    """Start the gateway and wait until its account is connected."""
    gateway.start()
    gateway.said("is ready")


def person(zalo: Simulator, name: str = "Trần Bình", **more: object) -> str:
    """The id of somebody new, a friend unless `friend` is False."""
    return str(zalo.do("/person", name=name, **more)["uid"])


def say(zalo: Simulator, sender: str, text: str, **more: object) -> str:
    """Somebody writes to the account, or in a `group`; gives the message's id."""
    return str(zalo.do("/say", **{"from": sender, "text": text, **more})["msgId"])


def answers(zalo: Simulator, count: int) -> list[str]:
    """The next answers as they reach Zalo's side."""
    return [str(zalo.wait("sent")["text"]) for _ in range(count)]


def all_sent(zalo: Simulator) -> list[str]:
    """Everything that has reached Zalo's side so far."""
    return [str(one["text"]) for one in zalo.since(0) if one["kind"] == "sent"]


def asked(operator: Operator, *words: str) -> dict[str, Any]:
    """What a command that succeeds says with `--json`."""
    done = operator.run(*words, "--json")
    assert done.returncode == 0, done.stdout
    return dict(shaped(json.loads(done.stdout)))


def status(operator: Operator, *flags: str) -> tuple[int, dict[str, Any]]:
    """The exit code of `channels status`, and what it says about the default account."""
    done = operator.run("channels", "status", "--json", *flags)
    channel = shaped(json.loads(done.stdout))["channels"]["zalouser"]
    return done.returncode, dict(channel["accounts"]["zalouser/default"])


def account(operator: Operator) -> dict[str, Any]:
    """What the status says about the default account."""
    return status(operator)[1]


def until(holds: Callable[[], bool]) -> None:
    """Returns once it is so. What other processes do to files and rows has no event: it is looked at."""
    ends = time.monotonic() + 2 * PATIENCE
    while not holds():
        assert time.monotonic() < ends, "it did not come true"
        time.sleep(0.05)


def nothing_is_on_its_way(operator: Operator, *flags: str) -> list[dict[str, Any]]:
    """What `outbox list` shows, once it is stored what became of each: Zalo's side sees it before."""
    found: list[dict[str, Any]] = []

    def rests() -> bool:
        found[:] = asked(operator, "outbox", "list", *flags)["messages"]
        return all(one["state"] != "sending" for one in found)

    until(rests)
    return found
