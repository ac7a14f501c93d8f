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
    config = load(paths, Registry(paths), {})
    assert [(one.path.startswith("channels"), one.message, one.hint) for one in config.warnings] == [
        (True, NOT_SUPPORTED, "")
    ]
    assert not config.channels


FOREIGN = """{
  $schema: 'x', meta: { lastTouchedVersion: 'x' }, browser: { enabled: true }, skills: {}, cron: [],
  hooks: {}, plugins: { entries: {} }, env: { vars: { A: 'b' } }, auth: {}, wizard: {}, ui: 7, talk: null,
  channels: {
    defaults: { contextVisibility: 'all', groupPolicy: 'disabled' },
    modelByChannel: { telegram: {} },
    telegram: { botToken: '1:x', dmPolicy: 7 },
  },
  agents: { defaults: { workspace: '~/x', sandbox: {} }, list: [{ id: 'main', heartbeat: {} }] },
  bindings: [{ agentId: 'main', match: { channel: 'telegram', guildId: '1' } }],
  models: { mode: 'merge' },
  tools: { exec: {}, web: {}, deny: ['browser'] },
  messages: { ackReaction: 'x', queue: {}, tts: {}, groupChat: { visibleReplies: 'automatic' } },
  commands: { native: 'auto', bash: true, allowFrom: {} },
  session: { scope: 'per-sender', mainKey: 'main' },
  accessGroups: { family: { type: 'message.senders', members: { '*': ['7'] } } },
  mcp: { apps: {} },
  gateway: { port: 18789, mode: 'local', auth: { token: 'x' }, reload: { mode: 'hybrid' } },
  logging: { redactSensitive: 'tools' }, secrets: { defaults: {}, providers: {} },
}"""


def test_a_config_full_of_other_features_is_valid(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "config.json5")
    paths.config_file.write_text(FOREIGN)
    config = load(paths, Registry(paths), {})
    told = {one.path for one in config.warnings}
    assert all(one.message.startswith("OpenClaw has ") for one in config.warnings), config.warnings
    assert told >= {"meta", "browser", "cron", "plugins", "ui", "talk", "env", "channels.telegram"}
    assert told >= {"channels.defaults.contextVisibility", "channels.modelByChannel", "tools.exec"}
    assert told >= {"messages.queue", "messages.groupChat.visibleReplies", "commands.bash", "gateway.auth"}
    assert told >= {"accessGroups.family.type", "secrets.defaults", "secrets.providers"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ chanels: {} }", "chanels (config.json5:1:3): unknown key; did you mean 'channels'?"),
        ("{ agent: {} }", "agent (config.json5:1:3): unknown key; did you mean 'agents'?"),
        ("{ messages: { inbund: {} } }", "unknown key; did you mean 'inbound'?"),
        ("{ commands: { ownerAlowFrom: [] } }", "unknown key; did you mean 'ownerAllowFrom'?"),
        ("{ channels: { defaults: { groupPolcy: 'open' } } }", "unknown key; did you mean 'groupPolicy'?"),
        ("{ gateway: { relaod: 'ask' } }", "unknown key; did you mean 'reload'?"),
        ("{ logging: { levl: 'debug' } }", "unknown key; did you mean 'level'?"),
        ("{ timezon: 'UTC' }", "unknown key; did you mean 'timezone'?"),
        ("{ $include: './more.json' }", "clawlane does not; write what they say into this file"),
    ],
)
def test_a_slip_in_a_key_of_ours_is_still_an_error(tmp_path: Path, text: str, told: str) -> None:
    paths = Paths(tmp_path, tmp_path / "config.json5")
    paths.config_file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(paths, Registry(paths), {})
    assert str(caught.value).endswith(told)


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
