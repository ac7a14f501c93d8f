"""Installing and logging in: rows S16 to S23."""

from __future__ import annotations

from pathlib import Path

import pytest

from checklist.desk import Desk

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long


@pytest.mark.row("S17")
def test_the_official_name_is_installed_without_a_network(bare: Desk) -> None:
    assert "zalouser" in bare.ok("plugins", "install", "@openclaw/zalouser")
    [one] = [one for one in bare.json("plugins", "list")["plugins"] if one["id"] == "zalouser"]
    assert one["status"] == "installed"


@pytest.mark.row("S18", "S19")
def test_a_folder_is_installed_and_the_login_works(bare: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    bare.ok("plugins", "install", "./extensions/zalouser")
    bare.write("{ channels: { zalouser: { enabled: true } } }")
    bare.log_in()
    assert bare.account()["linked"] is True
    assert list((bare.state / "vault").glob("*.session"))


@pytest.mark.row("S19", "S24")
def test_the_channel_has_a_second_name(bare: Desk) -> None:
    assert bare.ok("directory", "self", "--channel", "zlu")


@pytest.mark.row("S22")
def test_a_token_is_refused(bare: Desk) -> None:
    before = (bare.state / "config.json5").read_bytes()
    told = bare.refused("config", "set", "channels.zalouser.botToken", "x")
    assert "QR code" in told
    assert (bare.state / "config.json5").read_bytes() == before


@pytest.mark.row("S23", "S61")
def test_the_status_tells_login_receiving_and_sending_apart(bare: Desk) -> None:
    bare.listen()
    account = bare.account("--probe")
    assert (account["auth"], account["inbound"]) == ("ok", "ok")
    assert account["outbound"] in ("ok", "unknown")
    assert account["probe"]["ok"] is True


@pytest.mark.row("S16")
def test_the_gateway_runs_without_the_plugin(bare: Desk) -> None:
    if bare.gateway.runs:
        bare.gateway.stop()
    bare.ok("plugins", "disable", "zalouser")
    bare.gateway.start()
    bare.gateway.said("started in")
    assert bare.json("channels", "status")["channels"] == {}
    bare.gateway.stop()
    bare.ok("plugins", "enable", "zalouser")
    bare.listen()
    assert bare.account()["phase"] == "ready"
