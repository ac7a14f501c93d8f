"""Logging in where the code runs out at Zalo's, and one Zalo account on two accounts, by the simulator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from demo.stage import Operator, Simulator, running

_LOGIN = ("channels", "login", "--channel", "zalouser", "--accept-risk")


@pytest.fixture
def installed(operator: Operator) -> Operator:
    assert operator.run("plugins", "install", "@openclaw/zalouser").returncode == 0
    return operator


def login(operator: Operator, zalo: Simulator, *steps: str, account: str = "") -> tuple[int, str]:
    """The exit code and the output of a login during which the phone takes these steps."""
    words = (*_LOGIN, *(("--account", account) if account else ()))
    with running(operator.command(*words), operator.env, subprocess.STDOUT) as process:
        zalo.wait("qrshown")
        for step in steps:
            zalo.do(step)
        assert process.stdout is not None
        told = process.stdout.read()
        return process.wait(60), told


@pytest.mark.parametrize("steps", [("/expire",), ("/scan", "/expire")])
def test_a_code_that_runs_out_at_zalos_has_expired(
    installed: Operator, zalo: Simulator, state: Path, steps: tuple[str, ...]
) -> None:
    code, told = login(installed, zalo, *steps)
    assert code == 1
    assert told.splitlines()[-1] == (
        "error: the QR code expired before it was scanned and confirmed; "
        "try again: openclaw channels login --channel zalouser"
    )
    assert list((state / "qr").iterdir()) == []
    assert not (state / "vault").exists()


def test_one_zalo_account_on_two_accounts_is_refused_and_the_first_goes_on(
    installed: Operator, zalo: Simulator, state: Path
) -> None:
    (state / "config.json5").write_text("{ channels: { zalouser: { accounts: { shop: {}, home: {} } } } }")
    assert login(installed, zalo, "/scan", "/confirm", account="shop")[0] == 0
    sealed = {path.name: path.read_bytes() for path in (state / "vault").glob("*.session")}
    code, told = login(installed, zalo, "/scan", "/confirm", account="home")
    assert code == 1
    assert "is linked on zalouser/shop already" in told
    assert {path.name: path.read_bytes() for path in (state / "vault").glob("*.session")} == sealed
    found = json.loads(installed.run("doctor", "--json").stdout)["findings"]
    assert "one_user_twice" not in {one["code"] for one in found}
