"""Logging in where the code runs out at Zalo's, and one Zalo account on two accounts, by the simulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import ACCEPT, log_in


@pytest.mark.parametrize("steps", [("/expire",), ("/scan", "/expire")])
def test_a_code_that_runs_out_at_zalos_has_expired(
    installed: Operator, zalo: Simulator, state: Path, steps: tuple[str, ...]
) -> None:
    done = log_in(installed, zalo, phone=steps)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "error: the QR code expired before it was scanned and confirmed; "
        "try again: openclaw channels login --channel zalouser"
    )
    assert list((state / "qr").iterdir()) == []
    assert not (state / "vault").exists()


@pytest.mark.long
def test_one_zalo_account_on_two_accounts_is_refused_and_the_first_can_be_brought_back(
    installed: Operator, zalo: Simulator, state: Path, gateway: Gateway
) -> None:
    accounts = "{ shop: { dmPolicy: 'open' }, home: {} }"
    (state / "config.json5").write_text(f"{{ channels: {{ zalouser: {{ accounts: {accounts} }} }} }}")
    assert log_in(installed, zalo, ACCEPT, "--account", "shop").returncode == 0
    gateway.start()
    gateway.said("zalouser/shop is ready")
    sealed = {path.name: path.read_bytes() for path in (state / "vault").glob("*.session")}
    done = log_in(installed, zalo, ACCEPT, "--account", "home")
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert "Do not scan with the phone of zalouser/shop (" in told
    assert "is linked on zalouser/shop already" in told
    assert {path.name: path.read_bytes() for path in (state / "vault").glob("*.session")} == sealed
    gateway.said("zalouser/shop is replaced: Zalo ended this session (close code 3003)")
    again = "channels login --channel zalouser --account shop --force"
    assert f"bring it back: openclaw {again}" in told
    assert log_in(installed, zalo, "--account", "shop", "--force").returncode == 0
    gateway.said_times("zalouser/shop is ready", 2)
    found = json.loads(installed.run("doctor", "--json").stdout)["findings"]
    assert "one_user_twice" not in {one["code"] for one in found}
