"""Channels that OpenClaw has and clawlane does not: said so, and never a nudge to the personal one."""

from __future__ import annotations

from pathlib import Path

import pytest

from clawlane.config.errors import ConfigError
from clawlane.config.load import load
from clawlane.config.openclaw import NOT_SUPPORTED, suggest_channel
from clawlane.config.paths import Paths
from clawlane.plugins.errors import BadSpec
from clawlane.plugins.registry import Registry
from clawlane.plugins.target import find_target

OTHERS = (
    "zalo", "zl", "Zalo", "zalo-bot", "zalo_oa", "telegram", "tg", "whatsapp", "discord", "slack", "signal",
    "imessage", "bluebubbles", "msteams", "teams", "matrix", "mattermost", "googlechat", "line", "feishu",
    "irc", "nostr", "tlon", "twitch", "nextcloud-talk", "synology-chat", "qqbot", "webchat", "voice-call",
)  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_in_the_config(tmp_path: Path, name: str) -> None:
    paths = Paths(tmp_path, tmp_path / "config.json5")
    paths.config_file.write_text(f"{{ channels: {{ '{name}': {{ enabled: true }} }} }}")
    with pytest.raises(ConfigError) as caught:
        load(paths, Registry(paths), {})
    (problem,) = caught.value.problems
    assert (problem.message, problem.hint.split(";")[0]) == (NOT_SUPPORTED, "remove it")


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("spec", ["{}", "@openclaw/{}", "npm:@openclaw/{}@2026.11.1", "@openclaw/{}@latest"])
def test_as_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, spec: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadSpec) as caught:
        find_target(spec.format(name))
    assert str(caught.value).endswith(NOT_SUPPORTED)
    assert "zalouser" not in f"{caught.value}{caught.value.help}"


@pytest.mark.parametrize("name", OTHERS)
def test_as_the_channel_of_a_command(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSpec) as caught:
        Registry(Paths(tmp_path, tmp_path / "config.json5")).find(name)
    assert str(caught.value) == f"'{name}': {NOT_SUPPORTED}"
    assert "zalouser" not in caught.value.help


@pytest.mark.parametrize("name", ["zalousr", "zaluser", "zalo-user", "zalouser2"])
def test_a_slip_of_the_pen_is_still_helped(name: str) -> None:
    assert suggest_channel(name, ["zalouser"]) == "did you mean 'zalouser'?"


@pytest.mark.parametrize("name", ["zalo", "zalos", "zalox", "zalopersonal", "user", "zalo-bots"])
def test_what_may_be_another_channel_is_no_slip(name: str) -> None:
    assert suggest_channel(name, ["zalouser"]) == ""


def test_a_versioned_name_of_the_official_plugin_leads_to_it() -> None:
    with pytest.raises(BadSpec) as caught:
        find_target("@openclaw/zalouser@2026.11.1")
    assert caught.value.help == "did you mean '@openclaw/zalouser'?"
