"""The commands of docs/rehearsal.md and of the simulator's page, run as they are printed there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import clawlane_zalouser
from clawlane.rehearsal.scenario import VERBS, Outcome, load
from docs.shell_blocks import blocks, commands
from end_to_end.test_rehearse import RULES, environ, gone, rehearse, state
from end_to_end.test_sim import Running, Terminal, sim

PAGE = "docs/rehearsal.md"
ROOT = Path(__file__).parents[2]
__all__ = ["environ", "sim", "state"]


def test_every_scenario_verb_and_outcome_is_in_its_table() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    shipped = {one.stem for one in (Path(clawlane_zalouser.__file__).parent / "scenarios").glob("*.yaml")}
    named = set(re.findall(r"`([a-z_-]+)`", page))
    assert shipped <= named
    assert set(VERBS) <= named
    assert {str(one) for one in Outcome} <= named
    assert len(shipped) >= 12


def test_the_scenario_it_shows_is_one(tmp_path: Path) -> None:
    (text,) = blocks(PAGE, "yaml")
    (tmp_path / "customer.yaml").write_text(text, encoding="utf-8")
    assert load(tmp_path / "customer.yaml").title == "A customer asks in the group"


@pytest.mark.long
def test_its_commands_work_as_written(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = blocks(PAGE, "yaml")
    Path("customer.yaml").write_text(text, encoding="utf-8")
    for name in ("new.json5", "shop.json5"):
        Path(name).write_text(RULES.replace("'Chị Hoa'", "'Hoa'"), encoding="utf-8")
    for command in commands(PAGE):
        _, _, *words = shlex.split(command)
        done = rehearse(environ, *words, given="chào anh\n/quit\n")
        assert done.returncode == 0, f"{command}\n{done.stdout}"
    assert gone(environ)


@pytest.mark.long
def test_the_people_of_a_simulator_do_as_its_page_says(sim: Running, environ: dict[str, str]) -> None:
    terminal = Terminal({**environ, **sim.exports})
    assert terminal.run("plugins", "install", "@openclaw/zalouser").returncode == 0
    typed = [line for line in commands("docs/simulator.md") if line.startswith("openclaw")]
    start, scan, *others, drop, world = typed
    assert (start, scan) == ("openclaw sim --scan", "openclaw sim scan")
    assert (drop, world) == ("openclaw sim drop", "openclaw sim world")
    for command in (*others, world):
        done = terminal.run(*shlex.split(command)[1:])
        assert done.returncode == 0, f"{command}\n{done.stdout}"
    for command, lacks in ((scan, "no QR code was shown"), (drop, "no client is listening")):
        assert lacks in terminal.run(*shlex.split(command)[1:]).stdout
