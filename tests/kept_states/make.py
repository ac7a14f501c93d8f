"""Makes a state directory to keep: the gateway that is installed lives a short life on a simulator.

    python tests/kept_states/make.py schema-11.tar.gz

What is kept is never made again. Run it in a checkout of the version whose state is to be kept, with the
Python of that checkout (`make setup`). `schema-11.tar.gz` is of commit f5b622c. Names, texts and the session
in it are made up, by the simulator and by this file.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, os.getcwd())

from demo.stage import Gateway, Operator, Simulator, running, simulator

KEPT = ("store.sqlite", "store.id", "config.json5", "consent", "vault")
CONFIG = """\
{
  channels: {
    zalouser: {
      dmPolicy: 'pairing',
      groupPolicy: 'allowlist',
      groups: { 'Nhóm việc': {} },
      groupAllowFrom: ['*'],
      resendUnknown: 'never',
      pacing: { enabled: false },
    },
  },
}
"""
RECORDING = [sys.executable, "-m", "demo.record_gateway"]
BOT = "Nguyễn Minh Anh"


class Life:
    """What happened before the state was kept."""

    def __init__(self, state: Path, zalo: Simulator) -> None:
        self.operator = Operator.at(state, zalo.network)
        self.zalo = zalo

    def run(self, *words: str) -> str:
        done = self.operator.run(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))

    def person(self, name: str, *, friend: bool) -> str:
        return str(self.zalo.do("/person", name=name, friend=friend)["uid"])

    def say(self, sender: str, text: str, **more: object) -> None:
        self.zalo.do("/say", **{"from": sender, "text": text, **more})

    def code_of(self, sender: str) -> str:
        requests = self.json("pairing", "list")["requests"]
        return str(next(one["code"] for one in requests if one["sender_id"] == sender))

    def log_in(self) -> None:
        command = self.operator.command("channels", "login", "--channel", "zalouser", "--accept-risk")
        with running(command, self.operator.env, subprocess.STDOUT) as login:
            self.zalo.wait("qrshown")
            self.zalo.do("/scan")
            self.zalo.do("/confirm")
            assert login.wait(60) == 0

    def live(self) -> None:
        lan, binh = self.person("Trần Lan", friend=True), self.person("Lê Bình", friend=False)
        hung, mai = self.person("Phạm Hùng", friend=False), self.person("Vũ Mai", friend=False)
        group = str(self.zalo.do("/group", name="Nhóm việc", members=[lan, binh])["gid"])
        with Gateway(self.operator, RECORDING) as gateway:
            gateway.start()
            gateway.said("is ready")
            for one in (lan, hung, mai):
                self.say(one, "cho mình hỏi một chút")
                self.zalo.wait("sent")
            self.run("pairing", "approve", "zalouser", self.code_of(lan), "--notify", "--yes")
            self.run("pairing", "reject", "zalouser", self.code_of(hung))
            self.zalo.wait("sent")
            self.say(lan, "mấy giờ họp?")
            self.zalo.wait("sent")
            self.say(binh, "mai họp nhé", group=group)
            gateway.said("mention_required")
            self.say(lan, f"@{BOT} tóm tắt giúp", group=group, mentions=[BOT])
            self.zalo.wait("sent")
            self.say(binh, "mang theo máy tính", group=group)
            gateway.said_times("mention_required", 2)
            self.zalo.do("/fault", does="reset", call="send text")
            self.say(lan, "câu này không rõ đã đi chưa")
            gateway.said("may or may not have arrived")
            self.run("pause", "--thread", f"dm:{lan}")
            self.say(lan, "câu này đang chờ")
            gateway.said_times("dm_paired", 3)
            gateway.stop()


def keep(state: Path, file: Path) -> None:
    """What is not of one process, in an archive without times and owners."""
    with tarfile.open(file, "w:gz") as archive:
        paths = [path for name in KEPT for path in (state / name, *sorted((state / name).rglob("*")))]
        for path in paths:
            if path.is_file() and not path.name.startswith("."):
                info = tarfile.TarInfo(path.relative_to(state).as_posix())
                info.size, info.mode = path.stat().st_size, 0o600
                archive.addfile(info, io.BytesIO(path.read_bytes()))


def main(file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, simulator(Path(folder)) as zalo:
        state = Path(folder, "state")
        state.mkdir(mode=0o700)
        (state / "config.json5").write_text(CONFIG)
        life = Life(state, zalo)
        life.run("plugins", "install", "@openclaw/zalouser")
        life.log_in()
        life.live()
        keep(state, file)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
