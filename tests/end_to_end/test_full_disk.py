"""A disk that is full: each command says one line and leaves nothing half done, and the lane goes on later.

The state directory is a small file system of its own, where the machine lets a test mount one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import all_sent, answers, asked, listening, person, say, status
from end_to_end.test_forget import SECRET, holders

pytestmark = pytest.mark.long
CONFIG = "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled' } } }"
KEPT = Path(__file__).parents[1] / "kept_states" / "schema-11.tar.gz"
SIZE = "96m"
PASSPHRASE = "CLAWLANE_BACKUP_PASSPHRASE"


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """The state directory, in a file system of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "none", disk], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield disk / "state"
    subprocess.run(["umount", "--lazy", disk], check=True)


class Ballast:
    """What fills a file system to the last byte."""

    def __init__(self, disk: Path) -> None:
        self._file = disk / "ballast"

    def fill(self, room: int = 0) -> None:
        """Leave `room` bytes."""
        with open(self._file, "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue
            file.truncate(file.tell() - room)

    def remove(self) -> None:
        self._file.unlink()


def refused(operator: Operator, *words: str) -> str:
    """The one line that a command says which could not do its work."""
    done = operator.run(*words)
    lines = done.stdout.splitlines()
    assert done.returncode != 0, done.stdout
    assert lines[0].startswith("error: "), done.stdout
    assert len([line for line in lines if line.startswith("error: ")]) == 1
    assert "Traceback" not in done.stdout
    return done.stdout


def left_over(state: Path) -> list[str]:
    """Scratch files that nobody needs any more."""
    return [str(path) for path in state.parent.rglob(".*.*") if path.name != ".lock"]


def test_nothing_is_half_done_and_the_lane_goes_on(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path, tmp_path: Path
) -> None:
    linked.env[PASSPHRASE] = "mật khẩu của bài thử"
    lan, disk = person(zalo, "Lan"), Ballast(state.parent)
    listening(gateway)
    for number in range(3):
        say(zalo, lan, f"{SECRET} số {number}")
        answers(zalo, 1)
    record = len(asked(linked, "audit", "show", "--last", "100")["entries"])
    disk.fill()
    say(zalo, lan, "hết chỗ rồi")
    gateway.said("the store could not be written")

    told = refused(linked, "forget", "--person", lan)
    assert f"openclaw forget --person {lan}" in told
    for words in (
        ("export", "--person", lan, "--output", str(state.parent / "person.txt")),
        ("directory", "export", "--out", str(state.parent / "book.csv")),
        ("audit", "export", "--out", str(state.parent / "record.jsonl")),
        ("backup", str(tmp_path / "backup")),
        ("config", "set", "channels.zalouser.acks", "off"),
    ):
        assert "room" in (told := refused(linked, *words)) or "free space" in told
    assert "is paused, but a restart would forget it" in refused(linked, "pause")
    assert sorted(os.listdir(state.parent)) == ["ballast", "state"]
    assert (state / "config.json5").read_text() == CONFIG
    assert not (tmp_path / "backup").exists()
    assert left_over(state) == []
    assert linked.run("audit", "verify").returncode == 0
    code, account = status(linked)
    assert (code, account["storing"]) == (2, "broken")

    disk.remove()
    assert linked.run("resume").returncode == 0
    assert answers(zalo, 1) == ["hết chỗ rồi"]
    assert len(asked(linked, "audit", "show", "--last", "100")["entries"]) > record
    assert linked.run("audit", "verify").returncode == 0
    assert linked.run("forget", "--person", lan).returncode == 0
    assert holders(state) == []
    assert linked.run("backup", str(tmp_path / "backup")).returncode == 0
    assert len(all_sent(zalo)) == 4


def test_without_a_gateway_forget_and_import_are_whole_or_not_at_all(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path, tmp_path: Path
) -> None:
    lan, disk = person(zalo, "Lan"), Ballast(state.parent)
    listening(gateway)
    for number in range(3):
        say(zalo, lan, f"{SECRET} số {number}")
        answers(zalo, 1)
    gateway.stop()
    other = tmp_path / "other.json5"
    other.write_text(CONFIG.replace("groupPolicy: 'disabled'", "historyLimit: 7"))
    disk.fill()
    assert "free space" in refused(linked, "forget", "--person", lan)
    assert "free space" in refused(linked, "config", "import", str(other), "--force")
    assert (state / "config.json5").read_text() == CONFIG
    assert left_over(state) == []
    disk.remove()
    assert linked.run("config", "import", str(other), "--force").returncode == 0
    assert linked.run("forget", "--person", lan).returncode == 0
    assert holders(state) == []
    assert linked.run("audit", "verify").returncode == 0


def test_a_restore_without_room_leaves_an_empty_folder(linked: Operator, state: Path, tmp_path: Path) -> None:
    linked.env[PASSPHRASE] = "mật khẩu của bài thử"
    file, disk = tmp_path / "backup", Ballast(state.parent)
    assert linked.run("backup", str(file)).returncode == 0
    folder = state.parent / "there"
    there = Operator({**linked.env, "CLAWLANE_STATE_DIR": str(folder)})
    folder.mkdir(mode=0o700)
    disk.fill()
    assert "free space" in refused(there, "restore", str(file))
    assert set(os.listdir(folder)) <= {"gateway.lock"}
    disk.remove()
    assert there.run("restore", str(file)).returncode == 0


@pytest.mark.parametrize("room", [0, 20 << 20], ids=["no room", "too little"])
def test_a_store_is_not_upgraded_without_room_for_its_copy(
    linked: Operator, state: Path, plugin_record: bytes, room: int
) -> None:
    shutil.rmtree(state)
    state.mkdir(mode=0o700)
    with tarfile.open(KEPT) as archive:
        archive.extractall(state, filter="data")
    (state / "plugins.json").write_bytes(plugin_record)
    before, disk = (state / "store.sqlite").read_bytes(), Ballast(state.parent)
    disk.fill(room)
    told = refused(linked, "resume")
    assert "free space" in told
    assert ("could not be copied" in told) == bool(room)
    assert (state / "store.sqlite").read_bytes() == before
    assert left_over(state) == []
    disk.remove()
    assert linked.run("resume").returncode == 0
    [copy] = asked(linked, "store", "rollback", "--list")["copies"]
    assert copy["migration"] == 11
