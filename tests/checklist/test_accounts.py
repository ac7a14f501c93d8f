"""Several accounts, and what an old setup left behind: rows S73, S74, S80, S83 and S84."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checklist.desk import Desk
from end_to_end.steps import log_in

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long


@pytest.mark.row("S73", "S74")
def test_each_account_has_the_session_of_its_profile(bare: Desk) -> None:
    accounts = "home: { profile: 'first' }, work: { profile: 'second' }"
    bare.write(f"{{ channels: {{ zalouser: {{ defaultAccount: 'work', accounts: {{ {accounts} }} }} }} }}")
    bare.install()
    other = bare.zalo.do("/account", name="Công ty Hoa Mai")
    assert log_in(bare.operator, bare.zalo, "--accept-risk", "--account", "home").returncode == 0
    done = log_in(bare.operator, bare.zalo, "--accept-risk", "--account", "work", user=other["uid"])
    assert done.returncode == 0, done.stdout
    assert len(list((bare.state / "vault").glob("*.session"))) == 2
    assert "Công ty Hoa Mai" in bare.ok("directory", "self", "--channel", "zalouser")


@pytest.mark.row("S80")
def test_leftovers_of_the_external_programs_are_named(bare: Desk, tmp_path: Path) -> None:
    old = tmp_path / ".openclaw" / "credentials" / "zalouser" / "credentials.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    bare.operator.env.update(HOME=str(tmp_path), ZCA_PROFILE="first")
    codes = {one["code"] for one in bare.json("doctor")["findings"]}
    assert {"old_credentials", "old_variable"} <= codes


@pytest.mark.row("S83")
def test_the_configuration_surface_is_a_page_and_a_schema(bare: Desk) -> None:
    schema = json.loads(bare.ok("config", "schema", "--json"))
    page = (ROOT / "docs" / "config-reference.md").read_text(encoding="utf-8")
    for key in ("dmPolicy", "groupPolicy", "requireMention", "allowFrom"):
        assert key in json.dumps(schema)
        assert key in page


@pytest.mark.row("S84")
def test_the_documentation_names_what_it_compares_with() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    for version in ("2026.3.2", "2026.9"):
        assert version in page
    assert "docs/channels/zalouser.md" in page
