"""Lists of tools in the config: what they come to, names that do not exist, and agents out of hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages.clawlane.tests.test_config_agents import loaded, problems

from clawlane.config.agents import AgentTools
from clawlane.config.settings import GroupTools
from clawlane.config.tool_names import Action, ToolPermissions, is_known

MODEL = "agents: { defaults: { model: 'openai/gpt' }, list: [{ id: 'a', %s }] }"
OPEN = "channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], %s } }"


def tools(*allow: str, also: tuple[str, ...] = (), deny: tuple[str, ...] = ()) -> AgentTools:
    written = {"allow": allow} if allow else {}
    return AgentTools.model_validate({**written, "alsoAllow": also, "deny": deny})


def test_by_default_every_tool_may_be_used_and_no_other_conversation() -> None:
    permissions = ToolPermissions.of(AgentTools())
    assert all(permissions.action("zalouser", action) for action in Action)
    assert permissions.server_tool("docs__search")
    assert not permissions.reaches_out("zalouser")


def test_an_empty_list_allows_nothing() -> None:
    nothing, one = AgentTools(allow=()), GroupTools(allow=("zalouser.react",))
    for permissions in (ToolPermissions.of(nothing), ToolPermissions.of(tools("*"), GroupTools(allow=()))):
        assert not any(permissions.action("zalouser", action) for action in Action)
        assert not permissions.server_tool("docs__search")
    assert ToolPermissions.of(nothing, one).action("zalouser", Action.REACT)


@pytest.mark.parametrize(
    ("lists", "send", "react", "anywhere", "docs"),
    [
        (tools("zalouser"), True, True, False, False),
        (tools("*"), True, True, False, True),
        (tools("zalouser.*"), True, True, False, False),
        (tools("Zalouser.React"), False, True, False, False),
        (tools("zalouser.send:anywhere"), True, False, True, False),
        (tools(also=("zalouser:anywhere",)), True, True, True, True),
        (tools(also=("zalouser.send:anywhere",), deny=("zalouser:anywhere",)), True, True, False, True),
        (tools(also=("zalouser.send:anywhere",), deny=("*:anywhere",)), True, True, False, True),
        (tools(also=("zalouser:anywhere",), deny=("zalouser.send",)), False, True, False, True),
        (tools(also=("zalouser:anywhere",), deny=("zalouser",)), False, False, False, True),
        (tools(deny=("bundle-mcp",)), True, True, False, False),
        (tools(deny=("docs",)), True, True, False, False),
        (tools(deny=("docs__sea*",)), True, True, False, False),
        (tools(deny=("*",)), False, False, False, False),
        (tools("exec"), False, False, False, False),
        (tools("docs__search"), False, False, False, True),
    ],
)
def test_what_lists_come_to(lists: AgentTools, send: bool, react: bool, anywhere: bool, docs: bool) -> None:
    permissions = ToolPermissions.of(lists)
    assert permissions.action("zalouser", Action.SEND) is send
    assert permissions.action("zalouser", Action.REACT) is react
    assert permissions.anywhere("zalouser", Action.SEND) is anywhere
    assert not permissions.anywhere("zalouser", Action.REACT)
    assert permissions.server_tool("docs__search") is docs


def test_a_group_stands_in_for_the_agents_list_and_every_denial_holds() -> None:
    agent = tools("zalouser", deny=("zalouser.link",))
    group = GroupTools(allow=("zalouser.react",), alsoAllow=("zalouser.send:anywhere", "zalouser.link"))
    permissions = ToolPermissions.of(agent, group)
    allowed = [action for action in Action if permissions.action("zalouser", action)]
    assert allowed == [Action.SEND, Action.REACT]
    assert permissions.anywhere("zalouser", Action.SEND)


@pytest.mark.parametrize(
    "entry",
    ["zalouser", "zalouser.send", "ZALOUSER.*", "*", "zalouser:anywhere", "bundle-mcp", "docs", "do*"],
)
def test_known_names(entry: str) -> None:
    assert is_known(entry, ["zalouser"], ["docs"])


@pytest.mark.parametrize(
    "entry", ["zaluser", "zalouser.sned", "zalouser.react:anywhere", "dosc__search", "zaluser.*", ""]
)
def test_unknown_names(entry: str) -> None:
    assert not is_known(entry, ["zalouser"], ["docs"])


def test_a_tool_that_does_not_exist_is_an_error_at_its_place(tmp_path: Path) -> None:
    group = "groups: { '5511': { tools: { deny: ['zalouser.sned'] } } }"
    agent = MODEL % "tools: { alsoAllow: ['zaluser'] }"
    config = f"{{ channels: {{ zalouser: {{ {group} }} }}, {agent} }}"
    assert problems(tmp_path, config) == [
        "channels.zalouser.groups['5511'].tools.deny[0]: there is no tool 'zalouser.sned'",
        "agents.list[0].tools.alsoAllow[0]: there is no tool 'zaluser'",
    ]


def test_a_tool_that_only_openclaw_has_is_a_warning(tmp_path: Path) -> None:
    agent = MODEL % "tools: { allow: ['exec', 'group:fs', 'zalouser'] }"
    config = loaded(tmp_path, f"{{ {agent} }}")
    assert [one.message for one in config.warnings] == [
        "OpenClaw has the tool 'exec', clawlane does not",
        "OpenClaw has the tool 'group:fs', clawlane does not",
    ]


WIDE = "tools: { alsoAllow: ['zalouser.send:anywhere'] }"


def test_strangers_do_not_reach_an_agent_that_writes_elsewhere(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, f"{{ {OPEN % ''}, {MODEL % WIDE} }}")
    assert "agents.list[0].tools lets this agent write to other conversations" in problem
    assert "channels.zalouser.dmPolicy, line 1: 'open' lets strangers reach it" in problem
    loaded(tmp_path, f"{{ {OPEN % ''}, {MODEL % f'{WIDE}, allowStrangers: true'} }}")


def test_nor_one_that_a_group_lets_write_elsewhere(tmp_path: Path) -> None:
    group = f"groups: {{ '5511': {{ {WIDE} }} }}"
    [problem] = problems(tmp_path, f"{{ {OPEN % group}, {MODEL % ''} }}")
    assert "channels.zalouser.groups['5511'].tools lets this agent write" in problem


def test_nor_any_agent_without_limits(tmp_path: Path) -> None:
    unpaced = "pacing: { enabled: false }"
    [problem] = problems(tmp_path, f"{{ {OPEN % unpaced}, {MODEL % ''} }}")
    assert "with `channels.zalouser.pacing.enabled: false` nothing limits what this agent sends" in problem
    loaded(tmp_path, f"{{ {OPEN % unpaced} }}")  # an echo
    loaded(tmp_path, f"{{ channels: {{ zalouser: {{ {unpaced} }} }}, {MODEL % ''} }}")
