"""`openclaw rehearse` and `openclaw sim` as an operator uses them, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

import clawlane_zalouser

OPENCLAW = str(Path(sys.executable).with_name("openclaw"))
SCENARIOS = sorted((Path(clawlane_zalouser.__file__).parent / "scenarios").glob("*.yaml"))
PATIENCE = 120.0
RULES = """\
{
  // who may write
  channels: {
    zalouser: {
      enabled: true,
      dmPolicy: 'pairing',
      allowFrom: ['1471383327500481391', 'Chị Hoa'],
      groupPolicy: 'allowlist',
      groupAllowFrom: ['Chị Hoa'],
      groups: {
        'Work Chat': { requireMention: true },
        '5234567890123456789': { requireMention: false },
      },
      pacing: { gap: '0s', gapJitter: '0s' },
    },
  },
}
"""
FAILS = """\
title: Everybody is answered at once
steps:
  - who: stranger
    says: hello
    expect: answered
  - who: stranger
    says: never said
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The operator's own state, which a rehearsal must not touch."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(RULES, encoding="utf-8")
    return state


@pytest.fixture
def environ(state: Path, tmp_path: Path) -> dict[str, str]:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return {**kept, "CLAWLANE_STATE_DIR": str(state), "TMPDIR": str(temporary), "PYTHONUTF8": "1"}


def rehearse(environ: dict[str, str], *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [OPENCLAW, "rehearse", *words],
        env=environ,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def rehearsed_processes(environ: dict[str, str]) -> list[int]:
    """The processes of a rehearsal in this test's folder for temporary files."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                variables, words = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"TMPDIR={environ['TMPDIR']}".encode() in variables and words:
                found.append(int(entry.name))
    return found


def folders(environ: dict[str, str]) -> list[Path]:
    """The folders of rehearsals that are left."""
    return list(Path(environ["TMPDIR"]).glob("clawlane-rehearsal-*"))


def gone(environ: dict[str, str]) -> bool:
    """Whether all of them are gone, now or soon."""
    end = time.monotonic() + PATIENCE
    while rehearsed_processes(environ):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.long
def test_what_is_not_as_expected_is_named_and_nothing_is_left(
    environ: dict[str, str], state: Path, tmp_path: Path
) -> None:
    file = tmp_path / "at-once.yaml"
    file.write_text(FAILS, encoding="utf-8")
    done = rehearse(environ, "--scenario", str(file))
    assert done.returncode == 1, done.stdout
    assert "✗ step 1 (line 3): expected answered, but it was challenged" in done.stdout
    assert "→ Phạm Quốc Bảo: Tài khoản này chỉ trả lời" in done.stdout
    assert "never said" not in done.stdout
    assert [one.name for one in state.iterdir()] == ["config.json5"]
    assert folders(environ) == []
    assert gone(environ)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.stem for one in SCENARIOS])
@pytest.mark.long
def test_every_scenario_goes_as_it_says(scenario: Path, environ: dict[str, str]) -> None:
    done = rehearse(environ, "--scenario", scenario.stem)
    assert done.returncode == 0, done.stdout
    assert "✓ as expected" in done.stdout


@pytest.fixture
def approving(state: Path) -> None:
    """A config under which everything waits for the operator."""
    (state / "config.json5").write_text(
        "{ channels: { zalouser: { dmPolicy: 'allowlist', allowFrom: ['Lan'], groupPolicy: 'disabled',"
        " outbound: 'approve', pacing: { gap: '0s', gapJitter: '0s' } } } }"
    )


@pytest.mark.long
def test_it_says_where_it_approves_a_draft_by_itself(
    environ: dict[str, str], approving: None, tmp_path: Path
) -> None:
    file = tmp_path / "asks.yaml"
    file.write_text(
        "title: Lan asks\npeople: {Lan: friend}\nsteps:\n"
        "  - {who: Lan, says: Mấy giờ, expect: answered, sent: Mấy giờ, messages: 1}\n"
    )
    done = rehearse({**environ, "COLUMNS": "200"}, "--scenario", str(file))
    assert done.returncode == 0, done.stdout
    assert "The rehearsal approved draft 1 in your place; with this config it waits for you." in done.stdout
    vi = rehearse({**environ, "COLUMNS": "200", "CLAWLANE_LOCALE": "vi"}, "--scenario", str(file))
    assert "Buổi diễn tập đã chấp thuận bản nháp 1 thay bạn" in vi.stdout
    (step,) = json.loads(rehearse(environ, "--scenario", str(file), "--json").stdout)["scenarios"][0]["steps"]
    assert step["messages"][0]["approved_drafts"] == [1]
    assert "sent" in step["saw"]


@pytest.mark.long
def test_the_table_says_whose_answers_it_approved_by_itself(environ: dict[str, str], approving: None) -> None:
    done = rehearse(environ)
    assert done.returncode == 0, done.stdout
    assert re.search(r"allowFrom: Lan +approved: answered", done.stdout), done.stdout
    assert "the rehearsal approved the draft in your place" in " ".join(done.stdout.split())


@pytest.mark.long
def test_the_operator_of_a_scenario_decides_about_drafts(
    environ: dict[str, str], approving: None, tmp_path: Path
) -> None:
    file = tmp_path / "asks.yaml"
    file.write_text(
        "title: Lan asks\npeople: {Lan: friend}\nsteps:\n"
        "  - {who: Lan, says: Mấy giờ, as: asked, expect: drafted, messages: 0, unseen: [typed, seen]}\n"
        "  - {look: asked, expect: drafted, messages: 0}\n"
        "  - {draft: asked, decide: drop, expect: stopped, messages: 0}\n"
        "  - {draft: asked, decide: approve}\n"
    )
    done = rehearse(environ, "--scenario", str(file))
    assert done.returncode == 1, done.stdout
    assert "✗ step 4 (line 7): no draft waits for the message 'asked'" in done.stdout
    assert done.stdout.count("✗ step") == 1
    assert "in your place" not in done.stdout
    assert "The platform saw nothing there." in done.stdout


@pytest.mark.long
def test_the_table_says_of_everybody_whether_they_get_in(environ: dict[str, str]) -> None:
    done = rehearse(environ, "--json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert [one["name"] for one in told["scenarios"]] == ["first-contact"]
    rows = [
        (one["who"], one["group"], one["mention"], one["outcome"], one["decision"]["rule"]["line"])
        for one in told["reach"]
    ]
    listed, unlisted = "groupAllowFrom: Chị Hoa", "a member in no list"
    assert rows == [
        ("a stranger", None, False, "challenged", 6),
        ("a friend in no list", None, False, "challenged", 6),
        ("allowFrom: 1471383327500481391", None, False, "answered", 7),
        ("allowFrom: Chị Hoa", None, False, "answered", 7),
        (listed, "Work Chat", False, "pended", 11),
        (listed, "Work Chat", True, "answered", 11),
        (unlisted, "Work Chat", False, "dropped", 9),
        (unlisted, "Work Chat", True, "dropped", 9),
        (listed, "5234567890123456789", False, "answered", 12),
        (listed, "5234567890123456789", True, "answered", 12),
        (unlisted, "5234567890123456789", False, "dropped", 9),
        (unlisted, "5234567890123456789", True, "dropped", 9),
        (listed, None, False, "dropped", 10),
        (listed, None, True, "dropped", 10),
        (unlisted, None, False, "dropped", 10),
        (unlisted, None, True, "dropped", 10),
    ]
    assert "Mã ghép nối của bạn" in told["reach"][0]["sent"][0]["text"]
    assert told["reach"][2]["sent"][0]["text"] == "[rehearsal: agent 'main' is not asked] hello"
    assert told["reach"][6]["sent"] == []


@pytest.mark.long
def test_the_table_fits_a_terminal_of_80_columns(environ: dict[str, str], state: Path) -> None:
    done = rehearse({**environ, "COLUMNS": "80"})
    assert done.returncode == 0, done.stdout
    assert "In the group Work Chat\nWHO WRITES" in done.stdout
    assert "In any other group\n" in done.stdout
    lines = [line for line in done.stdout.splitlines() if not line.startswith(str(state))]
    assert max(map(len, lines)) <= 80


@pytest.mark.long
def test_anybody_can_be_played_through_a_pipe(environ: dict[str, str]) -> None:
    done = rehearse(
        environ,
        "--interactive",
        given="xin chào\n/approve\nđược rồi\n/group Work Chat\n/as Chị Hoa\nmấy giờ?\n/mention mấy giờ?\n"
        "/why\n/cut\n/nonsense\n/who\n/as\n/quit\nnever said\n",
    )
    assert done.returncode == 0, done.stdout
    for line in (
        "Phạm Quốc Bảo> xin chào",
        "  challenged: ",
        "→ Phạm Quốc Bảo: Tài khoản này chỉ trả lời",
        "  Phạm Quốc Bảo is approved.",
        "→ Phạm Quốc Bảo: [rehearsal: agent 'main' is not asked] được rồi",
        "Chị Hoa in Work Chat> mấy giờ?\n  pended: ",
        "→ Work Chat: [rehearsal: agent 'main' is not asked; it would see 1 earlier messages, too]",
        "The connection was cut, and is back.",
        "error: /as needs a name",
        "1471383327500481391",
    ):
        assert line in done.stdout, f"{line}\n\n{done.stdout}"
    assert "never said" not in done.stdout


@pytest.mark.long
def test_anybody_can_be_played_at_a_terminal(environ: dict[str, str]) -> None:
    terminal = pexpect.spawn(
        OPENCLAW,
        ["rehearse", "--interactive"],
        env={**environ, "TERM": "xterm"},
        encoding="utf-8",
        dimensions=(24, 80),
        timeout=PATIENCE,
    )
    terminal.expect("Write something to it, or /help")
    terminal.send("xin chào\r")
    terminal.expect("challenged: ")
    terminal.send("/approve\r")
    terminal.expect("is approved")
    terminal.send("/quit\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert gone(environ)


@pytest.mark.long
def test_agents_are_asked_only_where_that_is_wanted(
    environ: dict[str, str], state: Path, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    brain = f"{{ kind: 'command', command: ['sh', '-c', 'echo asked >> {asked}; echo xong'] }}"
    agent = f"[{{ id: 'main', allowStrangers: true, brain: {brain} }}]"
    rules = "zalouser: { enabled: true, dmPolicy: 'open', allowFrom: ['*'] }"
    (state / "config.json5").write_text(f"{{ agents: {{ list: {agent} }}, channels: {{ {rules} }} }}")
    without = rehearse(environ, "--interactive", given="xin chào\n")
    assert "→ Phạm Quốc Bảo: [rehearsal: agent 'main' is not asked] xin chào" in without.stdout
    assert not asked.exists()
    with_agents = rehearse(environ, "--interactive", "--agents", given="xin chào\n")
    assert "The agents of the config are asked; that may cost money." in with_agents.stdout
    assert "→ Phạm Quốc Bảo: xong" in with_agents.stdout
    assert asked.read_text() == "asked\n"
    assert [one.name for one in state.parent.iterdir() if one.name.startswith("state")] == ["state"]


@pytest.mark.long
def test_a_mistake_in_a_config_is_named_as_the_operator_knows_it(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "new.json5").write_text("{ channels: { zalouser: { dmPolicy: 'everybody' } } }")
    done = rehearse(environ, "--config", str(tmp_path / "new.json5"))
    assert done.returncode == 1
    assert "channels.zalouser.dmPolicy (new.json5:1:37)" in done.stdout
    own = "title: x\nconfig: '{ channels: 1 }'\nsteps: [{wait: 1}]\n"
    (tmp_path / "own.yaml").write_text(own)
    done = rehearse(environ, "--scenario", str(tmp_path / "own.yaml"))
    assert done.returncode == 1
    assert "own-config.json5:1:" in done.stdout
    (tmp_path / "new.json5").write_text("{ channels: { zalouser: { enabled: false } } }")
    done = rehearse(environ, "--config", str(tmp_path / "new.json5"))
    assert done.returncode == 1
    assert "no enabled account" in done.stdout
    assert gone(environ)
    assert folders(environ) == []


@pytest.fixture
def waiting(environ: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A rehearsal whose gateway runs, in a step that takes long."""
    file = tmp_path / "long.yaml"
    file.write_text("title: Long\nsteps:\n  - {do: pause}\n  - {wait: 30}\n", encoding="utf-8")
    command = [OPENCLAW, "rehearse", "--scenario", str(file)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, stdout=pipe, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "pause" in line:
                break
        assert len(rehearsed_processes(environ)) == 3
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.long
def test_a_signal_stops_everything_and_removes_the_folder(
    number: signal.Signals, waiting: subprocess.Popen[str], environ: dict[str, str]
) -> None:
    waiting.send_signal(number)
    said, _ = waiting.communicate(timeout=PATIENCE)
    assert (waiting.returncode, said.splitlines()[-1]) == (2, "Stopped.")
    assert rehearsed_processes(environ) == []
    assert folders(environ) == []


@pytest.mark.long
def test_nothing_outlives_a_killed_rehearsal(waiting: subprocess.Popen[str], environ: dict[str, str]) -> None:
    waiting.kill()
    waiting.wait()
    assert gone(environ)
    assert len(folders(environ)) == 1
    done = rehearse(environ, "--scenario", "own-phone", "--keep")
    assert done.returncode == 0, done.stdout
    (kept,) = re.findall(r"Kept: (.*)", done.stdout)
    assert folders(environ) == [Path(kept)]
    assert (Path(kept) / "own-phone" / "gateway.out").is_file()


def test_a_mistake_in_what_was_asked_is_one_line(environ: dict[str, str], state: Path) -> None:
    (state / "config.json5").write_text("{ channels: { zalouser: { enabled: 'yes' } } }")
    for words, said in (
        (("--scenario", "kicker"), "did you mean 'kicked'?"),
        (("--scenario", "none.yaml"), "none.yaml: No such file"),
        (("--interactive", "--json"), "--interactive stands alone"),
        (("--channel", "zalo"), "unknown channel 'zalo'"),
    ):
        done = rehearse(environ, *words)
        assert done.returncode == 1, done.stdout
        assert said in done.stdout
        assert "Traceback" not in done.stdout
