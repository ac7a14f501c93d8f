"""Agents, bindings, models and keys in the config."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from clawlane.config import openclaw
from clawlane.config.agents import AgentEntry, Agents, Binding, EndpointBrain, Models, lacking_keys
from clawlane.config.errors import ConfigError
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.config.routing import Bindings, session_key, settled
from clawlane.config.secrets import Secret, SecretMissing
from clawlane.messages import Thread, ThreadKind
from clawlane_zalouser.manifest import MANIFEST


class Installed:
    def manifests(self) -> list[Any]:
        return [MANIFEST]

    def installable(self) -> dict[str, str]:
        return {}

    def broken(self) -> dict[str, Exception]:
        return {}


def loaded(folder: Path, text: str) -> Config:
    (folder / "config.json5").write_text(text)
    return load(Paths(folder, folder / "config.json5"), Installed(), {})


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        loaded(folder, text)
    return [f"{one.path}: {one.message}" for one in raised.value.problems]


ENDPOINT = "{ kind: 'endpoint', url: 'http://127.0.0.1:1/v1' }"


def test_without_a_word_about_agents_there_is_one_that_echoes(tmp_path: Path) -> None:
    [agent] = loaded(tmp_path, "{}").agents
    assert (agent.id, agent.brain.kind) == ("main", "echo")


def test_a_model_alone_is_an_agent_of_kind_model(tmp_path: Path) -> None:
    config = loaded(tmp_path, "{ agents: { defaults: { model: 'openai/gpt' }, list: [{ id: 'a' }] } }")
    [agent] = config.agents
    assert (agent.brain.kind, agent.place) == ("model", "agents.list[0].model")


def test_an_agent_has_the_defaults_for_what_it_does_not_say(tmp_path: Path) -> None:
    text = f"""{{ agents: {{ defaults: {{ brain: {ENDPOINT}, timeoutSeconds: 9, instructions: 'a' }},
      list: [{{ id: 'a', instructions: 'b' }}, {{ id: 'c', brain: {{ kind: 'echo' }} }}] }} }}"""
    first, second = loaded(tmp_path, text).agents
    assert (first.settings.timeout_seconds, first.settings.instructions) == (9, "b")
    assert (first.brain.kind, first.place) == ("endpoint", "agents.defaults.brain")
    assert (second.brain.kind, second.place) == ("echo", "agents.list[1].brain")


@pytest.mark.parametrize(
    ("agents", "problem"),
    [
        ("{ defaults: { brian: {} } }", "agents.defaults.brian: unknown key"),
        ("{ defaults: { brain: {} } }", "agents.defaults.brain: needs a `kind` that is one of"),
        ("{ defaults: { brain: { kind: 'ai' } } }", "agents.defaults.brain: needs a `kind` that is one of"),
        ("{ defaults: { brain: { kind: 'endpoint' } } }", "agents.defaults.brain.url: "),
        (
            "{ defaults: { brain: { kind: 'endpoint', url: 'x' } } }",
            "agents.defaults.brain.url: must be a URL",
        ),
        (
            "{ defaults: { brain: { kind: 'endpoint', url: 'http://a:b@c' } } }",
            "agents.defaults.brain.url: must not",
        ),
        (
            "{ defaults: { brain: { kind: 'command', command: 'ls' } } }",
            "agents.defaults.brain.command: must be a list",
        ),
        ("{ defaults: { brain: { kind: 'command', command: [] } } }", "agents.defaults.brain.command: "),
        (
            "{ defaults: { brain: { kind: 'acp', command: ['x'], shell: 1 } } }",
            "agents.defaults.brain.shell: unknown key",
        ),
        ("{ defaults: { timeoutSeconds: 0 } }", "agents.defaults.timeoutSeconds: must be 1 or more"),
        ("{ defaults: { model: 'gpt' } }", "agents.defaults.model: 'gpt' is not a model"),
        ("{ defaults: { model: 'opnai/gpt' } }", "agents.defaults.model: there is no provider 'opnai'"),
        ("{ list: [{ id: 'a' }, { id: 'a' }] }", "agents.list[1].id: there is another agent 'a'"),
        (
            "{ list: [{ id: 'a', default: true }, { id: 'b', default: true }] }",
            "agents.list[1].default: only one",
        ),
        ("{ list: [{ id: '' }] }", "agents.list[0].id: an agent needs a name"),
        ("{ list: {} }", "agents.list: must be a list"),
        ("[]", "agents: must be an object"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(tmp_path: Path, agents: str, problem: str) -> None:
    [found] = problems(tmp_path, f"{{ agents: {agents} }}")
    assert found.startswith(problem)


def test_a_binding_names_an_agent_that_exists(tmp_path: Path) -> None:
    binding = "{ agentId: 'marie', match: { channel: 'zalouser' } }"
    text = f"{{ agents: {{ list: [{{ id: 'maria' }}] }}, bindings: [{binding}] }}"
    assert problems(tmp_path, text) == ["bindings[0].agentId: there is no agent 'marie'"]


def test_keys_that_only_openclaw_knows_are_named_and_dropped(tmp_path: Path) -> None:
    text = """{ agents: { defaults: { workspace: '~/x', heartbeat: { every: '30m' } },
        list: [{ id: 'a', identity: { name: 'A', emoji: '🦞' }, sandbox: {}, tools: { profile: 'x' } }] },
      models: { mode: 'merge', providers: { x: { baseUrl: 'http://x', models: [{ id: 'm', cost: {} }] } } },
      session: { dmScope: 'per-peer' },
      bindings: [{ type: 'route', agentId: 'a', match: { channel: 'zalouser', guildId: '1' } }] }"""
    told = {
        one.path
        for one in loaded(tmp_path, text).warnings
        if one.message == "OpenClaw has this key, clawlane does not"
    }
    assert told == {
        "agents.defaults.workspace",
        "agents.defaults.heartbeat",
        "agents.list[0].identity.emoji",
        "agents.list[0].sandbox",
        "agents.list[0].tools.profile",
        "models.mode",
        "models.providers.x.models[0].cost",
        "session.dmScope",
        "bindings[0].type",
        "bindings[0].match.guildId",
    }


def test_what_is_lacking_is_never_also_served() -> None:
    for model, lacking in (
        (AgentEntry, openclaw.AGENT_KEYS),
        (Models, openclaw.MODELS_KEYS),
        (Agents, frozenset()),
    ):
        served = {field.alias or name for name, field in model.model_fields.items()}
        assert not served & lacking
    assert list(lacking_keys({"agents": [], "models": None, "bindings": {}, "session": "x"})) == []


def test_a_key_in_the_file_itself_is_a_warning_without_the_key(tmp_path: Path) -> None:
    text = """{ agents: { defaults: { brain: { kind: 'endpoint', url: 'http://x', apiKey: 'sk-s3cret',
      headers: { Authorization: 'Bearer s3cret', 'X-Team': 'blue', 'X-Auth': '${TOKEN}' } } } },
      models: { providers: { y: { apiKey: 'sk-s3cret' } } } }"""
    warnings = loaded(tmp_path, text).warnings
    assert [one.path for one in warnings] == [
        "agents.defaults.brain.apiKey",
        "agents.defaults.brain.headers.Authorization",
        "models.providers.y.apiKey",
    ]
    assert "s3cret" not in "".join(map(str, warnings))


REACH = {
    "open DMs": ("dmPolicy: 'open', allowFrom: ['*']", "channels.zalouser.dmPolicy"),
    "everybody": ("allowFrom: ['*']", "channels.zalouser.allowFrom"),
    "open groups": ("groupPolicy: 'open'", "channels.zalouser.groupPolicy"),
    "everybody in one group": (
        "groupAllowFrom: ['2'], groups: { '1': { allowFrom: ['*'] } }",
        "channels.zalouser.groups['1'].allowFrom",
    ),
    "everybody in groups": ("groupAllowFrom: ['*'], groups: { '1': {} }", "channels.zalouser.groupAllowFrom"),
}
DANGEROUS = {
    "command": "{ kind: 'command', command: ['x'] }",
    "acp": "{ kind: 'acp', command: ['x'] }",
    "operator endpoint": "{ kind: 'endpoint', url: 'http://x', session: ['x-openclaw-session-key'] }",
}


@pytest.mark.parametrize("brain", DANGEROUS)
@pytest.mark.parametrize("reach", REACH)
def test_strangers_reach_no_agent_with_the_operators_rights(tmp_path: Path, brain: str, reach: str) -> None:
    channel, path = REACH[reach]
    defaults = f"defaults: {{ brain: {DANGEROUS[brain]} %s }}"
    text = f"{{ channels: {{ zalouser: {{ {channel} }} }}, agents: {{ {defaults} }} }}"
    [found] = problems(tmp_path, text % "")
    assert found.startswith("agents.defaults.brain: ")
    assert path in found
    loaded(tmp_path, text % ", allowStrangers: true")


@pytest.mark.parametrize(
    "channel",
    [
        "",
        "allowFrom: ['123456789012345678']",
        "enabled: false, groupPolicy: 'open'",
        "groupAllowFrom: ['*'], groups: { '1': { allowFrom: ['2'] } }",
        "groups: { '1': { allowFrom: ['*'], allow: false } }",
    ],
)
@pytest.mark.parametrize("brain", DANGEROUS)
def test_a_closed_lane_may_have_any_agent(tmp_path: Path, brain: str, channel: str) -> None:
    defaults = f"defaults: {{ brain: {DANGEROUS[brain]} }}"
    text = f"{{ channels: {{ zalouser: {{ {channel} }} }}, agents: {{ {defaults} }} }}"
    loaded(tmp_path, text)


def test_an_agent_that_only_one_person_reaches_may_do_anything(tmp_path: Path) -> None:
    text = """{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'] } },
      agents: { list: [
        { id: 'safe', default: true }, { id: 'mine', brain: { kind: 'command', command: ['x'] } }] },
      bindings: [{ agentId: 'mine', match: { channel: 'zalouser', peer: { kind: 'dm', id: '1' } } }] }"""
    assert [agent.id for agent in loaded(tmp_path, text).agents] == ["safe", "mine"]


@pytest.mark.parametrize("dms", ["dmPolicy: 'disabled', allowFrom: ['*']", "allowFrom: ['*']"])
def test_an_open_list_of_senders_counts_in_groups_too(tmp_path: Path, dms: str) -> None:
    text = f"""{{ channels: {{ zalouser: {{ {dms}, groups: {{ '5': {{}} }} }} }},
      agents: {{ list: [
        {{ id: 'safe', default: true }}, {{ id: 'mine', brain: {{ kind: 'command', command: ['x'] }} }}] }},
      bindings: [{{ agentId: 'mine', match: {{ channel: 'zalouser',
        peer: {{ kind: 'group', id: '5' }} }} }}] }}"""
    [found] = problems(tmp_path, text)
    assert "channels.zalouser.allowFrom, line 1: '*' lets strangers reach it" in found
    loaded(tmp_path, text.replace("groups:", "groupAllowFrom: ['123456789012345678'], groups:"))


@pytest.mark.parametrize("reach", REACH)
def test_what_strangers_can_have_of_an_agent_is_a_warning(tmp_path: Path, reach: str) -> None:
    channel, path = REACH[reach]
    text = (
        f"{{ channels: {{ zalouser: {{ {channel} }} }}, agents: {{ defaults: {{ model: 'openai/x' %s }} }} }}"
    )
    told = [
        str(one) for one in loaded(tmp_path, text % "").warnings if one.path.startswith("agents.defaults")
    ]
    assert len(told) == 2
    assert all(path in one for one in told)
    assert "`fetchUrls: false`" in told[0]
    assert "deny: ['zalouser.friends', 'zalouser.groups', 'zalouser.members']" in told[1]
    said = (
        text
        % ", fetchUrls: false, tools: { deny: ['zalouser.friends', 'zalouser.groups', 'zalouser.members'] }"
    )
    assert not [one for one in loaded(tmp_path, said).warnings if one.path.startswith("agents.defaults")]


def bindings(*matches: dict[str, Any]) -> Bindings:
    made = [Binding.model_validate({"agentId": f"a{n}", "match": match}) for n, match in enumerate(matches)]
    return Bindings(made, "default", {"zalouser": "default"})


DM, GROUP = Thread(ThreadKind.DM, "1"), Thread(ThreadKind.GROUP, "1")
PEER = {"channel": "zalouser", "peer": {"kind": "direct", "id": "1"}}


@pytest.mark.parametrize(
    ("matches", "account", "thread", "agent"),
    [
        ([], "default", DM, "default"),
        ([{"channel": "telegram"}], "default", DM, "default"),
        ([{"channel": "zalouser"}], "default", DM, "a0"),
        ([{"channel": "zalouser"}], "work", DM, "default"),
        ([{"channel": "zalouser", "accountId": "*"}], "work", DM, "a0"),
        (
            [{"channel": "zalouser", "accountId": "*"}, {"channel": "zalouser", "accountId": "work"}],
            "work",
            DM,
            "a1",
        ),
        ([{"channel": "zalouser"}, PEER], "default", DM, "a1"),
        ([{"channel": "zalouser"}, PEER], "default", GROUP, "a0"),
        ([PEER], "work", DM, "default"),
        ([PEER, PEER], "default", DM, "a0"),
        ([{"channel": "zalouser", "peer": {"kind": "group", "id": "1"}}], "default", GROUP, "a0"),
    ],
)
def test_the_most_specific_binding_wins(
    matches: list[dict[str, Any]], account: str, thread: Thread, agent: str
) -> None:
    assert bindings(*matches).agent("zalouser", account, thread) == agent


def test_a_session_has_one_name() -> None:
    assert session_key("main", "zalouser/default", DM) == "agent:main:zalouser:default:dm:1"


def test_keys_come_from_variables_and_private_files(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    key.chmod(0o600)
    brain = EndpointBrain.model_validate(
        {
            "url": "http://x",
            "apiKey": {"file": str(key)},
            "headers": {"a": "Bearer ${TOKEN}", "b": {"env": "TOKEN"}},
        }
    )
    assert brain.api_key is not None
    environ = {"TOKEN": "t0ken"}
    assert brain.api_key.read({}) == "s3cret"
    assert brain.headers["a"].read(environ) == "Bearer t0ken"
    assert brain.headers["b"].read(environ) == "t0ken"
    assert "s3cret" not in repr(brain)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (b"s3cret", 0o644, "other users can read"),
        (b"", 0o600, "must hold one secret"),
        (b"s3cret\ns3cret", 0o600, "must hold one secret"),
        (b"\xff\xfe", 0o600, "holds no text"),
        (b"x" * 20_000, 0o600, "larger than 16 kB"),
    ],
)
def test_a_key_file_that_cannot_be_trusted_is_refused(
    tmp_path: Path, content: bytes, mode: int, words: str
) -> None:
    key = tmp_path / "key"
    key.write_bytes(content)
    key.chmod(mode)
    with pytest.raises(SecretMissing, match=words) as raised:
        Secret(file=str(key)).read({})
    assert "s3cret" not in str(raised.value)


def test_a_key_file_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(SecretMissing, match="not a regular file"):
        Secret(file=str(tmp_path / "key")).read({})


@pytest.mark.parametrize("place", ["", "nowhere"])
def test_a_key_that_is_not_there_is_missing(tmp_path: Path, place: str) -> None:
    with pytest.raises(SecretMissing):
        Secret(file=str(tmp_path / place)).read({})
    with pytest.raises(SecretMissing, match="NO_KEY is not set"):
        Secret(env="NO_KEY").read({"NO_KEY": " "})


def test_each_agent_is_settled_from_its_own_words() -> None:
    agents = Agents.model_validate({"list": [{"id": "a", "maxInputChars": 5}]})
    assert settled(agents)[0].settings.max_input_chars == 5
