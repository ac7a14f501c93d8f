"""Backup, restore, upgrade and rollback with real processes, and killed at each step."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from threading import Event, Thread

import pytest

from clawlane.credentials.files import write_private
from demo.stage import Gateway, Operator, Simulator
from end_to_end.forks import warm
from end_to_end.steps import (
    RECORDING,
    account,
    all_sent,
    answers,
    asked,
    listening,
    log_in,
    person,
    say,
    status,
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled', pacing: { enabled: false },
    resendUnknown: 'never',
} } }
"""
KILLED = Path(__file__).with_name("killed_command.py")
WORDS = "mật khẩu của bài thử"
KEPT = Path(__file__).parents[1] / "kept_states" / "schema-11.tar.gz"


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.fixture
def linked(linked: Operator) -> Operator:
    linked.env["CLAWLANE_BACKUP_PASSPHRASE"] = WORDS
    return linked


def elsewhere(operator: Operator, state: Path) -> Operator:
    """The same person at another machine, with that state directory."""
    return Operator({**operator.env, "CLAWLANE_STATE_DIR": str(state)})


def killed_at(operator: Operator, step: int, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(KILLED), str(step), str(folder), *words]
    return warm.run(command, env=operator.env, text=True)


class Talking:
    """Somebody who writes all the time; `answered` is what the account said to that."""

    def __init__(self, zalo: Simulator, sender: str) -> None:
        self._zalo = zalo
        self._sender = sender
        self._ends = Event()
        self._thread = Thread(target=self._talk)
        self.said = 0

    def __enter__(self) -> Talking:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ends.set()
        self._thread.join()

    def _talk(self) -> None:
        while not self._ends.wait(0.05):
            self.said += 1
            say(self._zalo, self._sender, f"câu {self.said}")


def test_a_backup_while_messages_flow_killed_at_each_step_harms_nothing(
    linked: Operator, zalo: Simulator, state: Path, recording: Gateway, tmp_path: Path
) -> None:
    listening(recording)
    file = tmp_path / "out" / "lane.backup"
    file.parent.mkdir()
    whole = killed_at(linked, 0, tmp_path, "backup", str(file))
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stderr.splitlines()[-1])
    assert steps > 5
    file.unlink()
    with Talking(zalo, person(zalo, "Lan")) as talking:
        for step in range(1, steps + 1):
            done = killed_at(linked, step, tmp_path, "backup", str(file))
            assert done.returncode == -9, (step, done.stderr)
            if file.exists():  # killed once it had its name: then it is whole
                assert linked.run("restore", "--list", str(file)).returncode == 0, step
                file.unlink()
        done = linked.run("backup", str(file))
        assert done.returncode == 0, done.stdout
    said = talking.said
    assert answers(zalo, said) == [f"echo: câu {number}" for number in range(1, said + 1)]
    recording.stop()
    assert linked.run("doctor", "--fix").returncode in (0, 1)
    there = elsewhere(linked, tmp_path / "there")
    assert there.run("restore", str(file)).returncode == 0
    assert "is whole" in linked.run("restore", "--list", str(file)).stdout


class Machines:
    """The account on the machine that it is on, and a backup of it."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Gateway, file: Path) -> None:
        self.operator = operator
        self.zalo = zalo
        self.gateway = gateway
        self.file = file
        self.lan = person(zalo, "Lan")
        self.binh = person(zalo, "Bình")

    def back_up(self, *flags: str) -> None:
        """A backup, made with one message of unknown fate, one that waits, and one that was answered."""
        listening(self.gateway)
        say(self.zalo, self.lan, "một")
        assert answers(self.zalo, 1) == ["echo: một"]
        self.zalo.do("/fault", does="reset", call="send text")
        say(self.zalo, self.lan, "hai")
        self.gateway.said("may or may not have arrived")
        assert self.operator.run("pause", "--thread", f"dm:{self.binh}").returncode == 0
        say(self.zalo, self.binh, "ba")
        self.gateway.said_times("dm_open", 3)
        done = self.operator.run("backup", str(self.file), *flags)
        assert done.returncode == 0, done.stdout

    def go_on(self) -> None:
        """What the old machine still does, which the backup knows nothing of."""
        assert self.operator.run("resume", "--thread", f"dm:{self.binh}").returncode == 0
        assert answers(self.zalo, 1) == ["echo: ba"]
        say(self.zalo, self.binh, "bốn")
        assert answers(self.zalo, 1) == ["echo: bốn"]


@pytest.fixture
def machines(linked: Operator, zalo: Simulator, recording: Gateway, tmp_path: Path) -> Machines:
    return Machines(linked, zalo, recording, tmp_path / "lane.backup")


@pytest.mark.parametrize("session", [True, False], ids=["with its login", "logged in anew"])
def test_a_restored_gateway_answers_nothing_twice(
    machines: Machines, zalo: Simulator, tmp_path: Path, *, session: bool
) -> None:
    machines.back_up(*(["--with-session"] if session else []))
    machines.go_on()
    machines.gateway.kill()
    state = tmp_path / "there"
    there = elsewhere(machines.operator, state)
    done = there.run("restore", str(machines.file))
    assert done.returncode == 0, done.stdout
    assert "Log the old gateway out" in done.stdout
    assert (state / "vault").exists() is session
    say(zalo, machines.binh, "năm")  # nobody runs, and the old machine could
    zalo.do("/clock", ahead=2)  # what came in the second of the first connection may be newer than that
    if not session:
        assert log_in(there, zalo).returncode == 0
    with Gateway(there, RECORDING) as gateway:
        listening(gateway)
        gateway.said("too_old")
        code, found = status(there)
        assert code == 4
        assert [one["level"] for one in found["pauses"] if one["thread"] is None] == ["mute"]
        assert found["restored_ms"] is None, "it has connected"
        rows = asked(there, "outbox", "list")["messages"]
        assert [(one["state"], one["text"]) for one in rows] == [("needs_decision", "echo: hai")]
        before = all_sent(zalo)
        resumed = asked(there, "resume", "--account", "default")["resumed"]
        assert [len(one["expired"]) for one in resumed] == [0], "the thread of what waited is paused itself"
        asked(there, "resume", "--thread", f"dm:{machines.binh}")
        zalo.do("/clock", ahead=4)  # or older
        say(zalo, machines.lan, "sáu")
        assert answers(zalo, 1) == ["echo: sáu"]
        say(zalo, machines.binh, "bảy")
        assert answers(zalo, 1) == ["echo: bảy"]
        assert all_sent(zalo) == [*before, "echo: sáu", "echo: bảy"]
        assert there.run("outbox", "resend", str(rows[0]["id"])).returncode == 0
        assert answers(zalo, 1) == ["echo: hai"]
        assert asked(there, "audit", "verify")["ok"]


def test_a_restore_killed_at_each_step_is_done_again(
    machines: Machines, zalo: Simulator, tmp_path: Path
) -> None:
    machines.back_up("--with-session", "--with-media")
    machines.gateway.stop()
    home = tmp_path / "machine"
    home.mkdir()
    there = elsewhere(machines.operator, home / "state")
    whole = killed_at(there, 0, home, "restore", str(machines.file))
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stderr.splitlines()[-1])
    assert steps > 20
    for step in range(1, steps + 1):
        shutil.rmtree(home)
        home.mkdir()
        assert killed_at(there, step, home, "restore", str(machines.file)).returncode == -9, step
        if (home / "state" / ".restoring").exists() or not (home / "state" / "config.json5").exists():
            refused = there.run("gateway", "run")
            assert refused.returncode == 1, (step, refused.stdout)
        again = there.run("restore", str(machines.file), "--force")
        assert again.returncode == 0, (step, again.stdout)
    with Gateway(there, RECORDING) as gateway:
        listening(gateway)
        assert [one["state"] for one in asked(there, "outbox", "list")["messages"]] == ["needs_decision"]
        assert account(there)["pairing"]["pending"] == 0


def test_a_forced_restore_killed_at_each_step_loses_neither_the_old_state_nor_the_backup(
    machines: Machines, tmp_path: Path, state: Path
) -> None:
    machines.back_up()
    machines.gateway.stop()
    home = tmp_path / "machine"

    def fresh() -> Operator:
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(state, home / "state")
        return elsewhere(machines.operator, home / "state")

    whole = killed_at(fresh(), 0, home, "restore", str(machines.file), "--force")
    steps = int(whole.stderr.splitlines()[-1])
    for step in range(1, steps + 1):
        there = fresh()
        assert killed_at(there, step, home, "restore", str(machines.file), "--force").returncode == -9, step
        assert list(home.glob("*/vault/key")), step
        assert there.run("restore", str(machines.file), "--force").returncode == 0, step
        assert len(list(home.glob("*/vault/key"))) == 1, step


@pytest.fixture
def kept(linked: Operator, state: Path, plugin_record: bytes) -> Operator:
    """An operator with the state that a gateway of schema 11 left."""
    shutil.rmtree(state)
    state.mkdir(mode=0o700)
    with tarfile.open(KEPT) as archive:
        archive.extractall(state, filter="data")
    write_private(state / "plugins.json", plugin_record)
    shutil.rmtree(state / "vault")  # the session is of another simulator
    return linked


def test_a_state_of_schema_11_goes_on_and_can_go_back(kept: Operator, zalo: Simulator, state: Path) -> None:
    lan = person(zalo, "Trần Lan")
    assert lan == "8200000000000000005", "the approved person of the kept state"
    stranger = person(zalo, "Người lạ", friend=False)
    other = str(zalo.do("/group", name="Nhóm khác", members=[lan])["gid"])
    for number in range(20):  # this simulator must not give out the ids of the one before
        say(zalo, lan, f"chuyện phiếm {number}", group=other)
    assert log_in(kept, zalo).returncode == 0
    with Gateway(kept, RECORDING) as gateway:
        listening(gateway)
        assert [one["state"] for one in asked(kept, "outbox", "list")["messages"]] == ["needs_decision"]
        assert asked(kept, "resume", "--thread", f"dm:{lan}")["resumed"][0]["expired"] != []
        say(zalo, lan, "vẫn nhớ mình chứ?")
        assert answers(zalo, 1) == ["echo: vẫn nhớ mình chứ?"]
        say(zalo, stranger, "cho vào với")
        assert "echo" not in answers(zalo, 1)[0]
        assert kept.run("store", "rollback", "--yes").returncode == 1, "while it runs"
        gateway.stop()
    [copy] = asked(kept, "store", "rollback", "--list")["copies"]
    assert copy["migration"] == 11
    done = asked(kept, "store", "rollback", "--yes")
    assert (done["copy"]["migration"], done["undecided"]) == (11, 1)
    assert Path(done["newer"]).exists()
    with Gateway(kept, RECORDING) as gateway:  # upgraded once more: nothing is answered twice
        listening(gateway)
        assert status(kept)[0] == 4
        asked(kept, "resume")
        asked(kept, "resume", "--thread", f"dm:{lan}")
        say(zalo, lan, "lại là mình")
        assert answers(zalo, 1) == ["echo: lại là mình"]
        assert all_sent(zalo).count("echo: vẫn nhớ mình chứ?") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("resume",), "was not paused"),
        (("pairing", "approve", "zalouser", "ABCDEFGH"), "no pending request"),
        (("drafts", "edit", "1", "--editor"), "no draft 1"),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_a_command_that_asks_before_it_changes_something_asks_an_updated_store(
    kept: Operator, words: tuple[str, ...], told: str
) -> None:
    done = kept.run(*words)
    assert told in done.stdout, done.stdout
    assert [one["migration"] for one in asked(kept, "store", "rollback", "--list")["copies"]] == [11]


def test_an_upgrade_and_a_rollback_killed_at_each_step_are_done_again(
    kept: Operator, state: Path, tmp_path: Path
) -> None:
    before = tmp_path / "before"
    shutil.copytree(state, before)

    def fresh() -> None:
        shutil.rmtree(state)
        shutil.copytree(before, state)

    upgrade = ("resume", "--account", "default")  # opens the store for writing, as a gateway does
    whole = killed_at(kept, 0, state, *upgrade)
    for step in range(1, int(whole.stderr.splitlines()[-1]) + 1):
        fresh()
        assert killed_at(kept, step, state, *upgrade).returncode == -9, step
        assert kept.run(*upgrade).returncode == 0, step
        copies = asked(kept, "store", "rollback", "--list")["copies"]
        assert [one["migration"] for one in copies] == [11], step
    upgraded = tmp_path / "upgraded"
    shutil.copytree(state, upgraded)
    whole = killed_at(kept, 0, state, "store", "rollback", "--yes")
    for step in range(1, int(whole.stderr.splitlines()[-1]) + 1):
        shutil.rmtree(state)
        shutil.copytree(upgraded, state)
        assert killed_at(kept, step, state, "store", "rollback", "--yes").returncode == -9, step
        again = kept.run("store", "rollback", "--yes")
        done_before = "there is no copy of the store" in again.stdout
        assert again.returncode == 0 or done_before, (step, again.stdout)
        assert kept.run(*upgrade).returncode == 0, step
        assert asked(kept, "outbox", "list")["messages"][0]["state"] == "needs_decision", step


def test_uninstall_takes_all_of_it_and_nothing_else(
    linked: Operator, state: Path, recording: Gateway
) -> None:
    listening(recording)
    refused = linked.run("uninstall", "--purge", "--yes")
    assert (refused.returncode, "openclaw gateway stop" in refused.stdout) == (1, True)
    recording.stop()
    asked_first = linked.run("uninstall", "--purge")
    assert (asked_first.returncode, "say so with --yes" in asked_first.stdout) == (1, True)
    assert json.loads((state / "plugins.json").read_text())
    assert linked.run("uninstall", "--yes").returncode == 0
    assert (state / "store.sqlite").exists()
    done = linked.run("uninstall", "--purge", "--yes")
    assert done.returncode == 0, done.stdout
    assert not os.path.lexists(state), sorted(os.listdir(state))
