"""Somebody at a terminal, beside the simulator: what a row of the checklist is tried with, from outside."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.stage import PATIENCE, Gateway, Operator, Record, Simulator
from end_to_end.steps import log_in, person, say
from json_shapes import shaped

ACCOUNT = "Nguyễn Minh Anh"
"""The name of the simulator's first account, which is what the gateway logs in as."""

_LOOK_EVERY = 0.1


@dataclass
class Desk:
    """An operator, the simulator and a gateway that is started when a row needs one."""

    operator: Operator
    zalo: Simulator
    state: Path
    gateway: Gateway
    _names: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.operator.run(*words)

    def ok(self, *words: str) -> str:
        """What a command prints that has to succeed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refused(self, *words: str, code: int = 1) -> str:
        """What a command prints that has to be refused."""
        done = self.run(*words)
        assert done.returncode == code, (done.returncode, done.stdout)
        return done.stdout

    def json(self, *words: str) -> dict[str, Any]:
        """What a command says to a program, whatever its exit code."""
        return dict(shaped(json.loads(self.run(*words, "--json").stdout)))

    def write(self, config: str) -> None:
        """Write the config file as it stands here."""
        file = self.state / "config.json5"
        file.write_text(config, encoding="utf-8")
        file.chmod(0o600)
        if self.gateway.runs:
            self.in_force()

    def channel(self, block: str, rest: str = "") -> None:
        """Write a config with this channel block, without pacing, so that a row need not wait for it."""
        self.write(f"{{ channels: {{ zalouser: {{ {block}, pacing: {{ enabled: false }} }} }}, {rest} }}")

    def in_force(self) -> None:
        """Wait until the running gateway has taken over the file."""
        give_up = time.monotonic() + PATIENCE
        while (said := self.json("channels", "status")["config"])["changed"] or said["error"]:
            assert time.monotonic() < give_up, said
            time.sleep(_LOOK_EVERY)

    def install(self) -> None:
        self.ok("plugins", "install", "@openclaw/zalouser")

    def log_in(self, *flags: str) -> str:
        done = log_in(self.operator, self.zalo, *flags)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def listen(self) -> None:
        """Start the gateway, or see that it still runs."""
        if not self.gateway.runs:
            self.gateway.start()
            self.gateway.said("is ready")

    def person(self, name: str, *, friend: bool = False) -> str:
        return person(self.zalo, name, friend=friend)

    def group(self, name: str, *members: str) -> str:
        return str(self.zalo.do("/group", name=name, members=list(members))["gid"])

    def says(self, sender: str, text: str, **more: object) -> str:
        return say(self.zalo, sender, text, **more)

    def calls(self, sender: str, text: str, group: str) -> str:
        """Somebody writes in a group and mentions the account; gives the message's id."""
        return self.says(sender, f"@{ACCOUNT} {text}", group=group, mentions=[ACCOUNT])

    def reply(self, thread: str, text: str = "") -> Record:
        """The next text that reaches Zalo's side in a thread."""
        return self.zalo.wait("sent", lambda one: one["thread_id"] == thread and text in one["text"])

    def sent_to(self, thread: str) -> list[str]:
        """All texts that have reached a thread so far."""
        sent = (one for one in self.zalo.since(0) if one["kind"] == "sent")
        return [str(one["text"]) for one in sent if one["thread_id"] == thread]

    def decision(self, message: str) -> dict[str, Any]:
        """The recorded decision about a message, once there is one."""
        give_up = time.monotonic() + PATIENCE
        while not (found := self.json("why", message).get("messages")) or not found[0]["decisions"]:
            assert time.monotonic() < give_up, message
            time.sleep(_LOOK_EVERY)
        return dict(found[0]["decisions"][0])

    def explained(self, sender: str, *more: str) -> dict[str, Any]:
        """What the rules would do with a message that has not come."""
        return dict(self.json("policy", "explain", "--channel", "zalouser", "--from", sender, *more))

    def account(self, *flags: str, name: str = "default") -> dict[str, Any]:
        """What `channels status` says of an account."""
        channel = self.json("channels", "status", *flags)["channels"]["zalouser"]
        return dict(channel["accounts"][f"zalouser/{name}"])
