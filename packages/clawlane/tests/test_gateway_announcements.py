"""What the log says of accounts at a start: each by itself, or together where there are many."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from packages.clawlane.tests.test_ops_pause import Installed

from clawlane.clock import now_ms
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.announcements import announce_accounts
from clawlane.store.database import open_store


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (3, "zalouser/a2: dmPolicy is pairing (built-in)"),
        (12, "11 accounts (zalouser/a1, zalouser/a10, zalouser/a11, …): dmPolicy is pairing (built-in)"),
    ],
)
async def test_what_is_the_same_for_many_accounts_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, count: int, line: str
) -> None:
    accounts = {f"a{number}": {} for number in range(count)}
    accounts["a0"] = {"dmPolicy": "disabled"}
    paths = Paths(tmp_path / "state", tmp_path / "config.json5")
    paths.config_file.write_text(json.dumps({"channels": {"zalouser": {"accounts": accounts}}}))
    config = load(paths, Installed(paths), {})
    caplog.set_level(logging.INFO)
    async with open_store(paths.store, paths.lock_file, now_ms) as store:
        announce_accounts(config, store, list(map(str, config.accounts)))
    assert line in caplog.messages
    assert sum("dmPolicy is disabled" in told for told in caplog.messages) == 1
    assert sum("dmPolicy is pairing" in told for told in caplog.messages) == (1 if count > 10 else 2)
