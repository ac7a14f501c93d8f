"""Who this is for and what it risks: rows S01 to S15."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from checklist.desk import Desk

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long


@pytest.mark.row("S01", "S11")
def test_a_plugin_that_is_absent_and_installing_it_turns_nothing_on(bare: Desk) -> None:
    told = bare.refused("channels", "login", "--channel", "zalouser")
    assert "openclaw plugins install @openclaw/zalouser" in told
    bare.install()
    assert "zalouser" in bare.ok("plugins", "list")
    bare.refused("config", "get", "channels.zalouser.enabled")
    assert "not configured (off)" in bare.ok("channels", "list", "--all")


@pytest.mark.row("S01", "S22")
def test_nothing_asks_for_a_token(bare: Desk) -> None:
    schema = json.loads(bare.ok("config", "schema", "--json"))
    channel = json.dumps(schema["properties"]["channels"]["properties"]["zalouser"])
    assert not re.search(r'"\w*[tT]oken\w*": ?{', channel)


@pytest.mark.row("S02", "S10", "S12", "S14", "S21")
def test_the_login_tells_the_risk_and_keeps_the_answer(bare: Desk) -> None:
    bare.write("{ channels: { zalouser: { enabled: true } } }")
    told = bare.log_in()
    assert "suspend or ban" in told
    assert "Bot API" in told
    for part in ("zalouser", "default", "profile"):
        assert part in told
    assert any(block in told for block in "█▀▄")
    status = bare.account()
    assert status["risk"]["expendable"] == "not asked"
    bare.ok("channels", "login", "--channel", "zalouser", "--expendable", "yes")
    assert bare.account()["risk"]["expendable"] == "yes"
    assert list((bare.state / "consent").iterdir())


@pytest.mark.row("S02", "S39")
def test_the_audit_is_never_clean_of_the_accepted_risk(bare: Desk) -> None:
    found = bare.json("security", "audit")["findings"]
    [lane] = [one for one in found if one["code"] == "unofficial_lane"]
    assert lane["accepted"] is True


@pytest.mark.row("S03")
def test_login_constraints_risk_and_verification_have_a_command_or_a_page(bare: Desk) -> None:
    told = bare.ok("--help")
    for command in ("channels", "doctor", "security", "verify"):
        assert re.search(rf"^ +{command} ", told, re.MULTILINE), command
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in ("getting-started.md", "access.md", "security.md", "verification.md"):
        assert f"({page})" in index


@pytest.mark.row("S04", "S08")
def test_without_a_block_and_an_accepted_risk_nothing_runs(bare: Desk, tmp_path: Path) -> None:
    bare.operator.env["CLAWLANE_STATE_DIR"], before = str(tmp_path), bare.operator.env["CLAWLANE_STATE_DIR"]
    try:
        bare.install()
        listed = bare.json("channels", "list", "--all")["channels"]
        zalouser = listed["zalouser"]
        assert (zalouser["configured"], zalouser["accounts"]) == (False, {})
        (tmp_path / "config.json5").write_text("{ channels: { zalouser: {} } }")
        told = bare.refused("channels", "login", "--channel", "zalouser")
        assert "risk" in told
    finally:
        bare.operator.env["CLAWLANE_STATE_DIR"] = before


@pytest.mark.row("S07", "S15")
def test_the_channel_is_labelled_where_it_is_listed(bare: Desk) -> None:
    for words in ("channels list --all", "plugins info zalouser", "channels status"):
        told = bare.run(*words.split()).stdout
        assert "experimental, unofficial" in told, words
    assert "Bot API" in bare.ok("channels", "list", "--all")


@pytest.mark.row("S08", "S20", "S81")
def test_the_gateway_has_no_other_program_and_needs_none(bare: Desk) -> None:
    bare.operator.env["PATH"], before = "", bare.operator.env["PATH"]
    try:
        bare.listen()
        children = Path(f"/proc/{bare.gateway.pid}/task/{bare.gateway.pid}/children").read_text()
        assert children.split() == []
        program = Path(f"/proc/{bare.gateway.pid}/exe").resolve().name
        assert program.startswith("python")
    finally:
        bare.operator.env["PATH"] = before


@pytest.mark.row("S09")
def test_there_is_a_page_for_when_the_platform_warns_or_bans() -> None:
    page = (ROOT / "docs" / "recovery.md").read_text(encoding="utf-8")
    assert re.search(r"^## .*(ban|warn)", page, re.MULTILINE | re.IGNORECASE)


@pytest.mark.row("S13")
def test_programs_are_told_the_risk_too(bare: Desk) -> None:
    assert bare.account()["risk"]
    assert bare.json("channels", "list")["channels"]["zalouser"]["risk"]
    assert bare.json("plugins", "info", "zalouser")["risk"]


@pytest.mark.row("S12", "S15")
def test_the_official_way_is_named_and_its_name_left_free(bare: Desk) -> None:
    assert "Bot API" in (ROOT / "docs" / "when-not-to-use.md").read_text(encoding="utf-8")
    told = bare.refused("channels", "login", "--channel", "zalo")
    assert "zalo" in told
    assert "zalouser'" not in told, "another channel is not taken for a typo"
