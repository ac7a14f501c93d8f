"""A login on one machine, and a gateway on another that runs the account: they share a database and a key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.clawlane.tests import postgres_server

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import answers, asked, listening, log_in, person, say

pytestmark = pytest.mark.long

CONFIG = """{
  store: { url: 'URL' }, secrets: { keyFile: 'KEY' },
  channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], pacing: { enabled: false } } },
}"""


@pytest.fixture
def config_text(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "key").write_text("07" * 32)
    url = postgres_server.server().database(tmp_path)
    yield CONFIG.replace("URL", url).replace("KEY", str(tmp_path / "key"))
    postgres_server.take_back()


def test_a_session_is_where_the_gateway_is(
    installed: Operator, state: Path, config_text: str, zalo: Simulator, tmp_path: Path
) -> None:
    done = log_in(installed, zalo)
    assert done.returncode == 0, done.stdout
    assert [one.name for one in state.iterdir() if one.name in ("vault", "consent")] == []
    with Gateway(installed) as first:
        listening(first)
        say(zalo, person(zalo, "Lan"), "here")
        assert answers(zalo, 1) == ["here"]
        first.stop()
    codes = len([one for one in zalo.since(0) if one["kind"] == "qrshown"])

    there = tmp_path / "there"
    there.mkdir(mode=0o700)
    (there / "config.json5").write_text(config_text)
    (there / "plugins.json").write_bytes((state / "plugins.json").read_bytes())
    other = Operator.at(there, zalo.network)
    with Gateway(other) as second:
        listening(second)
        say(zalo, person(zalo, "Minh"), "there")
        assert answers(zalo, 1) == ["there"]
        shown = asked(other, "session", "show")
        assert (shown["linked"], shown["key_set_by"]) == (True, "secrets.keyFile")
        name = config_text.partition("@/")[2].partition("?")[0]
        assert (shown["file"], shown["database"].rpartition("/")[2]) == ("", name)
        assert "database    " in other.run("session", "show").stdout
        second.stop()
    assert len([one for one in zalo.since(0) if one["kind"] == "qrshown"]) == codes

    (tmp_path / "key").write_text("08" * 32)
    refused = other.run("gateway", "run")
    assert refused.returncode == 1
    assert "is not the one that sealed the sessions in" in refused.stdout.replace("\n", " ")
    assert "Traceback" not in refused.stdout
