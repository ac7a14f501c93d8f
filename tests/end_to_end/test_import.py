"""An import from OpenClaw with real processes, killed at each step, and the lane that runs on it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.clock import now_ms
from clawlane.config.paths import Paths
from clawlane.credentials.files import write_private
from clawlane.credentials.vault import ProfileVault
from demo.stage import Gateway, Operator, Simulator
from end_to_end.forks import warm
from end_to_end.steps import RECORDING, all_sent, answers, asked, listening, person, say
from openclaw_home import OpenClawHome, tree

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

KILLED = Path(__file__).with_name("killed_command.py")
BRING = ("import", "--with-session", "--yes", "--accept-risk", "--expendable", "yes")
CODE = "ABCDEFGH"
CONFIG = """\
{
  meta: { lastTouchedVersion: '2026.9.6' },
  gateway: { port: 1, mode: 'local', auth: { token: 'geheim' } },
  browser: { enabled: true },
  channels: {
    telegram: { enabled: true, botToken: '1:geheim' },
    zalouser: { enabled: true, dmPolicy: 'pairing', groupPolicy: 'disabled' }, // careful
  },
}
"""


def vault_in(state: Path) -> ProfileVault:
    return profiles_in(Paths(state, state / "config.json5")).vault("zalouser", "default")


@pytest.fixture
def exported(linked: Operator, state: Path) -> dict[str, object]:
    """The credentials of a login as zca-js has them. What logged in with them is gone."""
    session = asyncio.run(vault_in(state).read())
    assert session is not None
    said = json.loads(session)
    shutil.rmtree(state)
    return {key: said[key] for key in ("imei", "cookie", "userAgent", "language")}


class Moving:
    """A state folder of OpenClaw, with somebody who is let in and somebody who waits, and a new machine."""

    def __init__(
        self,
        operator: Operator,
        zalo: Simulator,
        folder: Path,
        plugin_record: bytes,
        exported: dict[str, object],
        *,
        sqlite: bool,
    ) -> None:
        self.folder = folder / "machine"
        self.state = self.folder / "state"
        self.there = Operator({**operator.env, "CLAWLANE_STATE_DIR": str(self.state)})
        self._plugin = plugin_record
        self.lan = person(zalo, "Lan", friend=False)
        self.hoa = person(zalo, "Hoa", friend=False)
        self.home = OpenClawHome.at(folder / "openclaw", CONFIG)
        request = self.home.request(self.hoa, CODE, now_ms() - 60_000, "Hoa")
        if sqlite:
            self.home.store_people("zalouser", [self.lan], [request], "default")
            self.home.store_login("zalouser", "default", exported)
        else:
            self.home.allow("zalouser", [f"zalouser:{self.lan}"])
            self.home.pend("zalouser", request)
            self.home.write("zalouser/credentials.json", exported)
        self.fresh()

    def fresh(self) -> None:
        """The machine as it is before the import."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.state.mkdir(parents=True, mode=0o700)
        write_private(self.state / "plugins.json", self._plugin)

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self.there.run(*BRING, str(self.home.root), *more)

    def killed_at(self, step: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(KILLED), str(step), str(self.folder), *BRING, str(self.home.root)]
        return warm.run(command, env=self.there.env, text=True)

    def stored(self) -> tuple[list[str], list[tuple[str, str]], int]:
        """Who is approved, who waits, and how many entries of the record are about that and the login."""
        assert "// careful" in (self.state / "config.json5").read_text()
        assert vault_in(self.state).identity() is not None
        with closing(sqlite3.connect(self.state / "store.sqlite")) as db:
            approved = [one for (one,) in db.execute("SELECT sender_id FROM approved")]
            waiting = db.execute("SELECT sender_id, code FROM pairing").fetchall()
            query = "SELECT count(*) FROM audit_log WHERE kind IN ('approval', 'login')"
            return approved, waiting, db.execute(query).fetchone()[0]

    def check(self) -> None:
        """Everything is there, and recorded."""
        approved = asked(self.there, "pairing", "approved")["approved"]
        assert [one["sender_id"] for one in approved] == [self.lan]
        requests = asked(self.there, "pairing", "list", "zalouser")["requests"]
        assert [(one["sender_id"], one["sender_name"], one["code"]) for one in requests] == [
            (self.hoa, "Hoa", CODE)
        ]
        entries = asked(self.there, "audit", "show")["entries"]
        assert [one["what"] for one in entries if one["kind"] == "login"] == ["logged_in"], entries
        assert [one["what"] for one in entries if one["kind"] == "approval"] == [
            "imports.approve",
            "imports.request",
        ]
        assert asked(self.there, "audit", "verify")["ok"]
        assert "// careful" in (self.state / "config.json5").read_text()


@pytest.fixture(params=[True, False], ids=["from SQLite", "from files"])
def moving(
    installed: Operator,
    zalo: Simulator,
    tmp_path: Path,
    plugin_record: bytes,
    exported: dict[str, object],
    request: pytest.FixtureRequest,
) -> Moving:
    return Moving(installed, zalo, tmp_path, plugin_record, exported, sqlite=request.param)


def test_the_lane_runs_on_what_was_imported(moving: Moving, zalo: Simulator) -> None:
    before = tree(moving.home.root)
    untouched = tree(moving.folder)
    dry = moving.run("--dry-run")
    assert dry.returncode == 0, dry.stdout
    assert tree(moving.folder) == untouched
    codes = sum(one["kind"] == "qrshown" for one in zalo.since(0))
    done = moving.run()
    assert done.returncode == 0, done.stdout
    assert tree(moving.home.root) == before
    assert "OpenClaw must not start with this account again" in done.stdout
    assert "geheim" not in done.stdout
    assert "browser" in done.stdout
    secret = b"zpw_sek"
    assert [path for path in moving.folder.rglob("*") if path.is_file() and secret in path.read_bytes()] == []
    moving.check()
    assert "nothing to import" in moving.run().stdout
    with Gateway(moving.there, RECORDING) as gateway:
        listening(gateway)
        say(zalo, moving.lan, "chào")
        assert answers(zalo, 1) == ["echo: chào"]
        say(zalo, moving.hoa, "tôi nữa")
        gateway.said("dm_pairing_pending")
        moving.check()
        done = moving.there.run("pairing", "approve", "zalouser", CODE)
        assert done.returncode == 0, done.stdout
        say(zalo, moving.hoa, "rồi")
        assert answers(zalo, 1) == ["echo: rồi"]
        assert all_sent(zalo) == ["echo: chào", "echo: rồi"]
    assert sum(one["kind"] == "qrshown" for one in zalo.since(0)) == codes


@pytest.mark.parametrize("moving", [True], indirect=True)
def test_an_import_killed_at_each_step_is_done_wholly_or_not_at_all(moving: Moving) -> None:
    whole = moving.killed_at(0)
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stderr.splitlines()[-1])
    assert steps > 15
    finished = 0
    for step in range(1, steps + 1):
        moving.fresh()
        assert moving.killed_at(step).returncode == -9, step
        cut_off = (moving.state / ".importing").exists()
        if cut_off and not finished:
            refused = moving.there.run("gateway", "run")
            assert (refused.returncode, "finish it: clawlane import" in refused.stdout) == (1, True), step
        again = moving.run()
        assert again.returncode == 0, (step, again.stdout)
        assert ("is finished now" in again.stdout) is cut_off, (step, again.stdout)
        finished += cut_off
        assert moving.stored() == ([moving.lan], [(moving.hoa, CODE)], 3), step
        assert not (moving.state / ".importing").exists()
    assert finished > 5
    moving.check()


@pytest.mark.parametrize("moving", [False], indirect=True)
def test_a_login_that_the_platform_refuses_leaves_everything_as_it_was(
    moving: Moving, zalo: Simulator
) -> None:
    untouched = tree(moving.state)
    said = json.loads((moving.home.root / "credentials/zalouser/credentials.json").read_text())
    for cookie in said["cookie"]:
        cookie["value"] = "0" * 20
    moving.home.write("zalouser/credentials.json", said)
    told = moving.run()
    assert (told.returncode, "has expired; nothing was imported" in told.stdout) == (1, True), told.stdout
    assert {name for name in tree(moving.state) if name not in untouched} <= {
        str(moving.state / name) for name in ("vault", "vault/.lock", "vault/key", "consent")
    }
    for broken in ({}, {**said, "cookie": 7}, {**said, "imei": None}, [], {**said, "cookie": [7]}):
        moving.home.write("zalouser/credentials.json", broken)
        told = moving.run()
        assert (told.returncode, len(told.stdout.strip().splitlines())) == (1, 1), told.stdout
        assert "0000" not in told.stdout
    assert not (moving.state / "config.json5").exists()
