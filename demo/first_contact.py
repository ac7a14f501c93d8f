"""`make demo`: QR login, a stranger, a pairing code, an echo, an agent, a restart, a lost connection.

Every step prints what the operator types, what the terminal says, and what Zalo's side, the simulator, saw.
The exit code is 0 only if every step worked.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from demo.model_server import ChatRequest, ModelServer, Says, served
from demo.stage import Gateway, Missing, Operator, Record, Simulator, running, simulator

CONFIG = """{
  channels: {
    zalouser: {
      enabled: true,
      dmPolicy: 'pairing',
      groupPolicy: 'disabled',
    },
  },
}
"""
AGENT = """\
  agents: {
    list: [{ id: 'main', brain: { kind: 'endpoint', url: 'URL', model: 'any' } }],
  },
"""
STRANGER = "Nguyễn Thị Lan"


def mai(request: ChatRequest) -> Says:
    """A model that thinks aloud, and answers politely to the last line that somebody wrote."""
    said = [line[2:].strip() for line in request.last_text.splitlines() if line.startswith("|   ")]
    return Says(f"<think>Khách hỏi gì đây…</think>Dạ, em là **Mai**. Chị hỏi: _{said[-1]}_")


class Story:
    """The steps, in order. Each returns what Zalo's side saw, or raises `Missing`."""

    def __init__(
        self, zalo: Simulator, model: ModelServer, operator: Operator, state: Path, gateway: Gateway
    ) -> None:
        self._zalo = zalo
        self._model = model
        self._operator = operator
        self._state = state
        self._gateway = gateway
        self._stranger_id = ""

    def play(self) -> bool:
        """Whether every step worked. The first failure ends the story."""
        steps: list[tuple[str, Callable[[], str]]] = [
            ("The operator writes the safest config and installs the plugin", self._install),
            ("A QR code is shown; the account's phone scans and confirms it", self._login),
            ("The gateway starts and connects", self._restart),
            ("A stranger writes and is challenged, not answered", self._stranger),
            ("The operator approves the code", self._approve),
            ("The stranger writes again and is answered, by an echo", self._echoed),
            ("The operator connects an agent and asks it from the terminal", self._connect_agent),
            ("The gateway restarts; the session holds without a new QR code", self._restart),
            ("The stranger writes again and is answered by the agent", self._agent_answers),
            ("The connection drops (1006); the gateway finds it again", self._drop),
            ("The stranger still gets answers", lambda: self._answered("Mạng chập chờn quá")),
            ("The operator checks the status", self._status),
        ]
        return all(_step(number, title, act) for number, (title, act) in enumerate(steps, 1))

    def _install(self) -> str:
        self._state.mkdir(mode=0o700)
        config = self._state / "config.json5"
        config.touch(mode=0o600)
        config.write_text(CONFIG)
        self._type("plugins", "install", "@openclaw/zalouser")
        self._type("config", "validate")
        return "nothing: installing and checking need no network"

    def _login(self) -> str:
        words = ("channels", "login", "--channel", "zalouser", "--accept-risk")
        _say(f"$ openclaw {' '.join(words)}")
        with running(self._operator.command(*words), self._operator.env, subprocess.STDOUT) as login:
            self._zalo.wait("qrshown")
            self._zalo.do("/scan")
            self._zalo.do("/confirm")
            assert login.stdout is not None
            for line in login.stdout:
                _say(f"  {line.rstrip()}")
            if login.wait() != 0:
                raise Missing(f"the login ended with exit code {login.returncode}")
        self._zalo.wait("qrlogin")
        entered = self._zalo.wait("login")
        return f"a QR code scanned and confirmed, then a login of account {entered['account']}"

    def _stranger(self) -> str:
        person = self._zalo.do("/person", name=STRANGER, friend=False)
        self._stranger_id = person["uid"]
        self._says("Chào anh, em hỏi chút được không?")
        challenge = self._sent()
        return f"one message to {STRANGER}:\n{_indented(challenge['text'])}"

    def _approve(self) -> str:
        listed = self._type("pairing", "list", "zalouser")
        code = re.search(r"\b[A-HJ-NP-Z2-9]{8}\b", listed)
        if code is None:
            raise Missing("`pairing list` shows no code")
        self._type("pairing", "approve", "zalouser", code[0])
        return "nothing: an approval stays between the operator and the gateway"

    def _echoed(self) -> str:
        return self._answered("Em hỏi lại nhé 🌸")

    def _connect_agent(self) -> str:
        added = AGENT.replace("URL", self._model.url)
        (self._state / "config.json5").write_text(CONFIG.replace("{\n", f"{{\n{added}", 1))
        _say("(a model on this machine stands in for your agent; these lines go into the config)")
        for line in added.splitlines():
            _say(line)
        self._type("agent", "list")
        if "em là **Mai**" not in self._type("agent", "ask", "Em là ai?"):
            raise Missing("the agent does not say who it is")
        return "nothing: an agent can be asked without a channel"

    def _agent_answers(self) -> str:
        seen = self._answered("Chị Mai ơi, mai có mở cửa không?")
        if len(self._model.requests) != 2:
            raise Missing("the agent was not asked once from the terminal and once by the gateway")
        return seen

    def _answered(self, text: str) -> str:
        self._says(text)
        reply = self._sent()
        if text not in reply["text"]:
            raise Missing(f"the answer is {reply['text']!r}")
        styles = json.loads(reply["params"].get("textProperties") or "{}").get("styles", [])
        styled = f", with {len(styles)} of Zalo's text styles" if styles else ""
        return f"one message to {STRANGER}{styled}: {reply['text']}"

    def _drop(self) -> str:
        self._zalo.do("/drop", code=1006)
        _say("(the simulator cuts the connection)")
        gone = self._zalo.wait("disconnected")
        again = self._zalo.wait("connected")
        took = (again["at_ms"] - gone["at_ms"]) / 1000
        return f"the connection gone, and a new one to {again['host']} {took:.1f} s later"

    def _status(self) -> str:
        self._type("channels", "status", "--probe")
        sent = [one for one in self._zalo.since(0) if one["kind"] == "sent"]
        if len(sent) != 4:
            raise Missing(f"4 messages should have reached Zalo, it has {len(sent)}")
        return "in all: 1 challenge, 3 answers, no duplicate; 1 QR login"

    def _restart(self) -> str:
        if self._gateway.runs:
            _say("$ kill -TERM the gateway, and start it again")
            self._gateway.stop()
        _say("$ openclaw gateway run")
        self._gateway.start()
        before = self._zalo.seen
        connected = self._zalo.wait("connected")
        self._gateway.said("is ready")
        for line in self._gateway.printed():
            _say(f"  {line}")
        if "qrshown" in (one["kind"] for one in self._zalo.since(before)):
            raise Missing("the gateway asked for a new QR code")
        return f"a login with the stored session, a connection to {connected['host']}, no QR code"

    def _says(self, text: str) -> None:
        _say(f"{STRANGER} writes: {text}")
        self._zalo.do("/say", **{"from": self._stranger_id, "text": text})

    def _sent(self) -> Record:
        return self._zalo.wait("sent", lambda one: one["thread_id"] == self._stranger_id)

    def _type(self, *words: str) -> str:
        """Run a command and show its output. Raises `Missing` if it fails."""
        _say(f"$ openclaw {shlex.join(words)}")
        done = self._operator.run(*words)
        for line in done.stdout.splitlines():
            _say(f"  {line}")
        if done.returncode != 0:
            raise Missing(f"the command ended with exit code {done.returncode}")
        return done.stdout


def _step(number: int, title: str, act: Callable[[], str]) -> bool:
    print(f"\n{number:2}  {title}")
    started = time.monotonic()
    try:
        seen = act()
    except Missing as error:
        print(f"    ✗ failed: {error}")
        return False
    print(f"    ✓ Zalo's side saw {seen}  ({time.monotonic() - started:.1f} s)")
    return True


def _say(text: str) -> None:
    print(f"    {text}", flush=True)


def _indented(text: str) -> str:
    return "\n".join(f"        {line}" for line in text.splitlines())


def main() -> int:
    argparse.ArgumentParser(
        prog="python -m demo.first_contact",
        description="Play the first day of a gateway against the simulator: login, pairing, restart.",
    ).parse_args()
    print(
        "The real gateway talks to a simulated Zalo on this machine. No account is used, nothing leaves it."
    )
    with (
        tempfile.TemporaryDirectory(prefix="clawlane-demo-") as folder,
        simulator(Path(folder)) as zalo,
        served(mai) as model,
    ):
        state = Path(folder) / "state"
        operator = Operator.at(state, zalo.network)
        with Gateway(operator) as gateway:
            complete = Story(zalo, model, operator, state, gateway).play()
    print("\nEvery step worked." if complete else "\nA step failed; see above.")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
