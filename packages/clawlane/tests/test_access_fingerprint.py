"""The digest of who may write: stable over edits that let in the same people, new for all others."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from packages.clawlane.tests.test_ops_pause import Installed

from clawlane.access.fingerprint import ELSEWHERE, fingerprint
from clawlane.access.in_force import Rules
from clawlane.access.policy import AccessPolicy
from clawlane.config.choices import DmPolicy
from clawlane.config.load import load
from clawlane.config.paths import Paths

BEFORE = """{
  channels: { zalouser: {
    dmPolicy: 'allowlist', allowFrom: ['111', '222'],
    groupPolicy: 'allowlist', groupAllowFrom: ['*'],
    groups: { '900': {}, 'Work Chat': { requireMention: true } },
  } },
}"""


def digest(folder: Path, text: str) -> str:
    paths = Paths(folder / "state", folder / "config.json5")
    paths.config_file.write_text(text)
    config = load(paths, Installed(paths), {})
    return fingerprint(Rules.of(config, config.channels["zalouser"].accounts[0]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{\n  channels", "{\n  // who may write\n\n  channels"),
        ("['111', '222']", "['222', '111']"),
        (
            "'900': {}, 'Work Chat': { requireMention: true }",
            "'Work Chat': {}, '900': { requireMention: true }",
        ),
        ("dmPolicy", "historyLimit: 5, acks: 'off', backlogMaxAge: '5m', dmPolicy"),
        ("channels: {", "messages: { groupChat: { historyLimit: 9 } }, channels: {"),
    ],
)
def test_what_lets_in_the_same_people_has_the_same_digest(tmp_path: Path, old: str, new: str) -> None:
    assert old in BEFORE
    assert digest(tmp_path, BEFORE) == digest(tmp_path, BEFORE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'allowlist', allowFrom", "'pairing', allowFrom"),
        ("'111', '222'", "'111'"),
        ("groupAllowFrom: ['*']", "groupAllowFrom: ['111']"),
        ("groupAllowFrom: ['*'],", ""),
        ("'900': {}", "'901': {}"),
        ("'900': {}", "'900': { allow: false }"),
        ("'900': {}", "'900': { requireMention: false }"),
        ("'900': {}", "'900': { allowFrom: ['111'] }"),
        ("groupPolicy: 'allowlist'", "groupPolicy: 'open'"),
        ("dmPolicy", "pairing: { reply: 'silent' }, dmPolicy"),
        ("channels: {", "messages: { groupChat: { mentionPatterns: ['bot'] } }, channels: {"),
        ("channels: {", "commands: { ownerAllowFrom: ['111'] }, channels: {"),
    ],
)
def test_what_lets_in_other_people_has_another_digest(tmp_path: Path, old: str, new: str) -> None:
    assert old in BEFORE
    assert digest(tmp_path, BEFORE) != digest(tmp_path, BEFORE.replace(old, new))


def test_an_edit_that_waits_counts_only_if_it_keeps_somebody_out_already() -> None:
    pairing, opened = AccessPolicy(), AccessPolicy(dm=DmPolicy.OPEN)
    alone = fingerprint(Rules(pairing))
    assert fingerprint(Rules(pairing, opened)) == alone
    both = fingerprint(Rules(pairing, opened, narrowed=True))
    assert both not in (alone, fingerprint(Rules(opened)))


def test_what_is_left_out_are_fields_of_a_policy() -> None:
    assert {one.name for one in fields(AccessPolicy)} >= ELSEWHERE
