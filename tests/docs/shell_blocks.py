"""The shell blocks of the README and of docs/: which there are, and somebody who types them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from demo.model_server import ModelServer
from demo.stage import PATIENCE, Gateway, Missing, Operator, Simulator, running

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "README.vi.md",
    *sorted(
        str(page.relative_to(ROOT)) for at in ("*.md", "runbooks/*.md") for page in (ROOT / "docs").glob(at)
    ),
)
NOT_RUN = "sh not-run"
"""The language of a block that no test can run; docs/not-run.md says why."""

_FENCE = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"\b(CODE|ID|GROUP|PERSON|MESSAGE|SENT|TURN|DRAFT)\b")
_ENDLESS = re.compile(r"--follow\b|^openclaw sim\b(?! \w)|zaloweb listen|^python -m zaloweb\.sim")
_LOGIN = re.compile(r"channels login\b|zaloweb login\b")
_COMMAND = re.compile(r"(\$ )?(openclaw|make|git|python) ")
_STATUS = re.compile(r"^openclaw (channels status|health|gateway status|doctor|security audit|sim scan)\b")
"""Commands whose exit code tells how things are; nobody shows a code when a phone is told to scan."""

_HANG = 9 * PATIENCE
"""Seconds for one command. A rehearsal takes twenty on an idle machine."""

_ANSWERS = "--accept-risk --expendable yes --agent echo --yes --no-login --no-verify"
"""What somebody at a terminal would answer; the login is another line of the page."""


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in one language, in order."""
    found = _FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    return [text for written, text in found if written == language]


def commands(page: str) -> list[str]:
    """Everything that a page tells one to type, in order; a line that goes on is one command."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", "").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def unlabelled(page: str) -> Iterator[str]:
    """Commands in blocks that are not labelled as shell blocks."""
    for language in ("", "console", "bash", "shell", "text"):
        for block in blocks(page, language):
            yield from filter(_COMMAND.match, block.splitlines())


@dataclass
class Typist:
    """Types commands on a machine of their own, whose `~` is a folder of the test."""

    operator: Operator
    zalo: Simulator
    gateway: Gateway
    home: Path
    model: ModelServer
    known: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.home / ".clawlane"

    def follow(self, page: str) -> None:
        """Type everything that a page says. Raises `AssertionError` for a command that does not work."""
        if self.gateway.runs:  # before a page cuts the connection, or changes who is challenged
            self.known = self.meet()
        for command in commands(page):
            self.type(command)

    def type(self, command: str) -> None:
        """One line as a shell would take it. What stands for a code or an id is filled in."""
        if _PLACEHOLDER.search(command) and not self.known:
            self.known = self.meet()
        command = _PLACEHOLDER.sub(lambda found: self.known[found[0]], command)
        if command.startswith("curl "):
            command = self._by_curl(command)
        if command == "openclaw onboard":
            command = f"{command} {_ANSWERS}"
        if command.startswith("export "):
            self._export(command.removeprefix("export "))
        elif command.startswith("openclaw gateway run"):
            self.start()
        elif _LOGIN.search(command):
            self._log_in(command)
        elif _ENDLESS.search(command):
            self._watch(command)
        elif command.startswith("make "):
            subprocess.run(
                [*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
            )
        else:
            done = self._run(command)
            fine = (0, 1, 2, 3, 4, 5) if _STATUS.match(command) else (0,)
            assert done.returncode in fine, f"{command}\n{done.stdout}"
            if "message send" in command and "--dry-run" not in command:
                self.known["SENT"] = str(self.zalo.wait("sent")["msg_id"])

    def start(self) -> None:
        """Start the gateway, and wait until its account is ready."""
        if not self.gateway.runs:
            self.gateway.start()
            self.gateway.said("is ready")

    def meet(self) -> dict[str, str]:
        """A stranger writes and is challenged: what CODE and ID are. GROUP is one of the account's."""
        uid = str(self.zalo.do("/person", name="Lạ", friend=False)["uid"])
        message = str(self.zalo.do("/say", **{"from": uid, "text": "chào"})["msgId"])
        text = str(self.zalo.wait("sent", lambda one: one["thread_id"] == uid)["text"])
        code = next(iter(re.findall(r"\b[A-HJ-NP-Z2-9]{8}\b", text)), "")
        world = self.zalo.world()
        friend = str(next(one["uid"] for one in world["people"] if one["friendOf"]))
        of_account = {"GROUP": str(world["groups"][0]["gid"]), "PERSON": friend}
        return {"CODE": code, "ID": uid, "MESSAGE": message, "TURN": "1", **of_account}

    def _export(self, written: str) -> None:
        """A variable stays set for what is typed after it; addresses are those of this machine."""
        name, _, value = written.partition("=")
        network, control = self.zalo.network, f"127.0.0.1:{self.zalo.control}"
        stands_for = {"ZALOWEB_NETWORK": network, "ZALOWEB_CONTROL": control}
        self.operator.env[name] = stands_for.get(name, value.strip("'\"").replace("~", str(self.home)))

    def _by_curl(self, command: str) -> str:
        """The request with the ports and ids of this simulator; a refusal counts as a failure."""
        self.known = self.known or self.meet()
        self._connected()
        port = self.zalo.network.partition(",")[0].rpartition(":")[2]
        ca = self.zalo.network.partition(",")[2]
        self.operator.env["C"] = f"http://127.0.0.1:{self.zalo.control}"
        command = command.replace("curl ", "curl --fail ", 1).replace(":45667", f":{port}")
        return command.replace("ca.pem", ca).replace("6800000000001", self.known["MESSAGE"])

    def _connected(self) -> None:
        """Wait until the account is back, after a connection that a page cut."""
        give_up = time.monotonic() + PATIENCE
        while self.gateway.runs and not self.zalo.world()["accounts"][0]["connected"]:
            assert time.monotonic() < give_up, "the account did not come back"
            time.sleep(0.1)

    def _log_in(self, command: str) -> None:
        flags = " --accept-risk" if "channels login" in command else ""
        with running(self._shell(command + flags), self.operator.env, subprocess.STDOUT) as login:
            self.zalo.wait("qrshown")
            self.zalo.do("/scan")
            self.zalo.do("/confirm")
            assert login.wait(60) == 0, command

    def _watch(self, command: str) -> None:
        """Something that runs until it is stopped: it has to say something."""
        with running(self._shell(f"exec {command}"), self.operator.env, subprocess.STDOUT) as process:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise Missing(f"{command!r} printed nothing")

    def _run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._shell(command),
            env=self.operator.env,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_HANG,
            check=False,
        )

    def _shell(self, command: str) -> list[str]:
        return ["sh", "-c", f"cd {shlex.quote(str(self.home))}\n{command}"]


def machine(home: Path, zalo: Simulator) -> Operator:
    """An operator whose home is the folder, with the source checkout in it and our programs first in PATH."""
    operator = Operator.at(home / ".clawlane", zalo.network)
    del operator.env["CLAWLANE_STATE_DIR"]
    programs = str(Path(sys.executable).parent)
    operator.env.update(HOME=str(home), PATH=f"{programs}:{operator.env['PATH']}")
    operator.env.update(ZALOWEB_CONTROL=f"127.0.0.1:{zalo.control}")
    (home / ".openclaw").mkdir()
    (home / ".openclaw" / "openclaw.json").write_text("{ channels: { zalouser: { dmPolicy: 'pairing' } } }")
    for name in ("extensions", "packages", "docs"):
        os.symlink(ROOT / name, home / name)
    return operator
