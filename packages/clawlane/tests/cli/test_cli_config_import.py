"""`config import`: what of a config of OpenClaw is taken over, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from clawlane.config.edit import backup_of

GIVEN = """\
// OpenClaw
{
  meta: { lastTouchedVersion: 'x' }, // gone
  agents: { defaults: { workspace: '~/x', timeoutSeconds: 30 }, list: [{ id: 'main', sandbox: {} }] },
  channels: {
    telegram: { botToken: '123:abc' },
    // the lane
    parrot: {
      allowFrom: [1471383327500481391, 'Lan'], // friends
      nonsense: 1,
      proxy: 'http://me:hunter2@host:1',
      groups: { '*': { requireMention: true, skills: [] } },
    },
  },
}
"""
KEPT = """\
// OpenClaw
{
  agents: { defaults: { timeoutSeconds: 30 }, list: [{ id: 'main' }] },
  channels: {
    // the lane
    parrot: {
      allowFrom: ['1471383327500481391', 'Lan'], // friends
      proxy: 'http://me:hunter2@host:1',
      groups: { '*': { requireMention: true } },
    },
  },
}
"""


@pytest.fixture
def given(perch, tmp_path: Path) -> Path:
    perch.paths.config_file.unlink()
    file = tmp_path / "openclaw.json"
    file.write_text(GIVEN)
    return file


def test_what_is_known_is_kept_and_the_rest_named(perch, given: Path) -> None:
    told = perch(f"config import {given} --json").json[0]
    assert perch.paths.config_file.read_text() == KEPT
    assert perch.paths.config_file.stat().st_mode & 0o777 == 0o600
    assert [(one["path"], one["line"]) for one in told["left_out"]] == [
        ("meta", 3),
        ("agents.defaults.workspace", 4),
        ("agents.list[0].sandbox", 4),
        ("channels.telegram", 6),
        ("channels.parrot.nonsense", 10),
        ("channels.parrot.groups['*'].skills", 12),
    ]
    assert given.read_text() == GIVEN
    assert perch("config validate").code == 0


def test_a_dry_run_prints_the_config_without_secrets(perch, given: Path) -> None:
    told = perch(f"config import {given} --dry-run")
    assert told.out == KEPT.replace("hunter2", "…")
    assert "left out: channels.telegram (line 6): OpenClaw has this channel" in told.err
    assert not perch.paths.config_file.exists()


def test_a_folder_in_the_place_of_the_config_is_named(perch, given: Path) -> None:
    perch.paths.config_file.mkdir()
    told = perch(f"config import {given}")
    place = perch.paths.config_file
    assert told.err == f"error: {place} is not a file; move it away, or set CLAWLANE_CONFIG\n"


def test_a_config_that_is_there_is_replaced_by_force_alone(perch, given: Path) -> None:
    perch.configure("{}")
    before = perch.paths.config_file.read_text()
    told = perch(f"config import {given}")
    assert (told.code, "--force" in told.err) == (1, True)
    assert perch.paths.config_file.read_text() == before
    assert perch(f"config import {given} --force").code == 0
    assert perch.paths.config_file.read_text() == KEPT
    assert backup_of(perch.paths.config_file).read_text() == before


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (
            "{ env: {},\n channels: { parrot: { dmPolicy: 'everyone', nonsense: 1 } } }",
            "channels.parrot.dmPolicy (openclaw.json:2:34): 'everyone' is not one of",
        ),
        ("{ channels: ", "openclaw.json:1:"),
        (
            "{ channels: {\n $include: './channels.json5' } }",
            "channels.$include (openclaw.json:2:2): OpenClaw reads further files here, clawlane does not",
        ),
    ],
)
def test_a_value_that_means_nothing_here_is_for_the_operator(
    perch, given: Path, text: str, word: str
) -> None:
    given.write_text(text)
    told = perch(f"config import {given}")
    assert (told.code, word in told.err) == (1, True)
    assert not perch.paths.config_file.exists()


def test_a_file_that_is_not_there_is_an_error(perch, tmp_path: Path) -> None:
    told = perch(f"config import {tmp_path / 'nothing.json'} --dry-run")
    assert (told.code, "there is no such file" in told.err) == (1, True)
