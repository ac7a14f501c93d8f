"""A program that answers: real child processes, ended for real."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from packages.clawlane.tests.child_processes import alive, children_of, stand_still_until, until

from clawlane.agents.child import Program
from clawlane.agents.command import LONGEST_ANSWER, Command
from clawlane.agents.errors import AgentError, AgentFailed, AgentInterrupted, AgentMisconfigured
from clawlane.agents.written_answer import WrittenAnswer

PLACE = "agents.list[0].brain"
ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nowhere",
    "LANG": "C.UTF-8",
    "OPENCLAW_STATE_DIR": "/secret/state",
    "OPENAI_API_KEY": "s3cret",
}
TURN = {"message": "Chào", "session": "agent:main:zalouser:default:dm:1"}


def command(folder: Path, code: str, *, env: dict[str, str] | None = None) -> Command:
    argv = (sys.executable, "-c", code)
    return Command(Program(PLACE, argv, folder / "work", env or {}), timeout_s=60)


@pytest.mark.parametrize(
    ("printed", "answer"),
    [
        ("Chào anh\n", WrittenAnswer("Chào anh")),
        ("", WrittenAnswer("")),
        ('{"text": "xong", "media": ["a.png"], "react": "👍"}', WrittenAnswer("xong", ("a.png",), "👍")),
        ('{"react": "❤️"}', WrittenAnswer("", (), "❤️")),
        ('{"text": "a\\ud83d"}', WrittenAnswer("a?")),
        ("{không phải JSON", WrittenAnswer("{không phải JSON")),
        ("{red}gấp{/red}", WrittenAnswer("{red}gấp{/red}")),
        ('["một"]', WrittenAnswer('["một"]')),
    ],
)
async def test_the_answer_is_what_it_prints(printed: str, answer: WrittenAnswer, tmp_path: Path) -> None:
    assert await command(tmp_path, f"print({printed!r}, end='')").ask(TURN, ENVIRON) == answer


@pytest.mark.parametrize("printed", ['{"text": "s3cret', '{ "text": }', '{"a":' * 100_000])
async def test_json_that_cannot_be_read_is_shown_to_nobody(printed: str, tmp_path: Path) -> None:
    (tmp_path / "printed").write_text(printed)
    code = f"print(open({str(tmp_path / 'printed')!r}).read())"
    with pytest.raises(AgentInterrupted, match="the JSON of the answer cannot be read") as raised:
        await command(tmp_path, code).ask(TURN, ENVIRON)
    assert "s3cret" not in str(raised.value)


async def test_the_turn_comes_as_json_and_the_environment_is_bare(tmp_path: Path) -> None:
    code = "import json, os, sys; print(json.dumps([json.load(sys.stdin), dict(os.environ), os.getcwd()]))"
    answer = await command(tmp_path, code, env={"EXTRA": "1"}).ask(TURN, ENVIRON)
    turn, environ, folder = json.loads(answer.text)
    assert turn == TURN
    environ.pop("LC_CTYPE", None)  # Python sets it for itself
    assert environ == {"PATH": ENVIRON["PATH"], "HOME": "/nowhere", "LANG": "C.UTF-8", "EXTRA": "1"}
    assert Path(folder) == tmp_path / "work"
    assert (tmp_path / "work").stat().st_mode & 0o077 == 0


async def test_input_that_nobody_reads_does_not_matter(tmp_path: Path) -> None:
    turn = {"message": "x" * 5_000_000}
    assert await command(tmp_path, "print('xong')").ask(turn, ENVIRON) == WrittenAnswer("xong")


async def test_a_flood_of_errors_is_forgotten(tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write('s3cret' * 2_000_000); print('xong')"
    assert await command(tmp_path, code).ask(TURN, ENVIRON) == WrittenAnswer("xong")


BAD = {
    "exit": ("import sys; print('em nghĩ'); sys.exit(3)", "ended with exit code 3"),
    "signal": ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
    "flood": (f"print('x' * ({LONGEST_ANSWER} + 10))", "wrote more than 1 MB"),
    "endless": ("while True: print('x' * 1000)", "wrote more than 1 MB"),
    "bytes": ("import sys; sys.stdout.buffer.write(bytes([255, 254]))", "not UTF-8"),
    "keys": ('print(\'{"txt": "em nghĩ"}\')', "must be"),
    "types": ("print('{\"text\": 1}')", "must be"),
    "icon": ("print('{\"react\": \"' + 'x' * 100_000 + '\"}')", "must be an icon"),
    "media": ('print(\'{"media": "a.png"}\')', "must be"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize(("once", "kind"), [(True, AgentInterrupted), (False, AgentFailed)])
async def test_a_bad_answer_is_one_line(
    name: str, once: bool, kind: type[AgentError], tmp_path: Path
) -> None:
    code, text = BAD[name]
    with pytest.raises(kind) as raised:
        await replace(command(tmp_path, code), once=once).ask(TURN, ENVIRON)
    assert text in str(raised.value)
    assert str(raised.value).startswith(PLACE)
    assert "em nghĩ" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("program", ["/no/such/program", "/etc/passwd", "a\0b"])
async def test_a_program_that_does_not_start_is_for_the_operator_to_mend(
    program: str, tmp_path: Path
) -> None:
    broken = Command(Program(PLACE, (program,), tmp_path))
    with pytest.raises(AgentMisconfigured, match=r"agents\.list\[0\]\.brain\.command: .* does not start"):
        await broken.ask(TURN, ENVIRON)


STUBBORN = """
trap '' TERM
sleep 600 &
echo "$$ $!" > pids
mv pids ready
sleep 600
"""


def stubborn(folder: Path, timeout_s: float) -> Command:
    """A program that does not want to end, nor does its child. A shell is quick to begin."""
    return Command(Program(PLACE, ("/bin/sh", "-c", STUBBORN), folder / "work"), timeout_s)


def pids_of(folder: Path) -> list[int]:
    """The program and its child, which run."""
    return [int(pid) for pid in (folder / "work" / "ready").read_text().split()]


async def test_a_program_that_never_ends_is_ended_with_its_children(tmp_path: Path) -> None:
    asking = asyncio.ensure_future(stubborn(tmp_path, timeout_s=3).ask(TURN, ENVIRON))
    await until((tmp_path / "work" / "ready").exists)
    pids = pids_of(tmp_path)
    with pytest.raises(AgentInterrupted, match="ended after 3 s"):
        await asking
    await until(lambda: not any(map(alive, pids)))


async def test_cancelling_ends_it_with_its_children(tmp_path: Path) -> None:
    asking = asyncio.ensure_future(stubborn(tmp_path, timeout_s=60).ask(TURN, ENVIRON))
    await until((tmp_path / "work" / "ready").exists)
    pids = pids_of(tmp_path)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: not any(map(alive, pids)))


async def test_cancelling_while_it_starts_ends_it_with_its_children(tmp_path: Path) -> None:
    asking = asyncio.ensure_future(stubborn(tmp_path, timeout_s=60).ask(TURN, ENVIRON))
    while not children_of(os.getpid(), "trap"):  # noqa: ASYNC110
        await asyncio.sleep(0)
    stand_still_until((tmp_path / "work" / "ready").exists)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    pids = pids_of(tmp_path)
    await until(lambda: not any(map(alive, pids)))


async def test_a_child_that_is_left_behind_is_ended(tmp_path: Path) -> None:
    code = (
        "import subprocess as s, sys; "
        "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']; "
        "print(s.Popen(sleep, stdout=s.DEVNULL, stderr=s.DEVNULL).pid)"
    )
    answer = await command(tmp_path, code).ask(TURN, ENVIRON)
    await until(lambda: not alive(int(answer.text)))
