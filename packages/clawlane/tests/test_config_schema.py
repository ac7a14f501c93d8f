"""The JSON Schema of the config: what it takes and refuses, and that it says something about every key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from clawlane.channel import Manifest
from clawlane.config.descriptions import DESCRIPTIONS
from clawlane.config.json_schema import config_schema
from clawlane.config.reference import Key, at_or_below, keys, schema_at
from clawlane.config.source import parse_source

ANY = Manifest("any", "Any Chat", (), "clawlane.config.settings:ChannelSettings", "", frozenset())
SCHEMA = config_schema([ANY], {"zalouser": "@openclaw/zalouser"})
CHECK = Draft202012Validator(SCHEMA)
KEYS = {one.path: one for one in keys(SCHEMA)}


def data(text: str) -> Any:
    return parse_source(Path("c"), text.encode()).data


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{ channels: { any: { enabled: true, dmPolicy: 'pairing', groupPolicy: 'disabled', }, }, }",
        """{ channels: { any: {
            groupPolicy: 'allowlist',
            groupAllowFrom: ['1471383327500481391', 1471383327500481391],
            groups: { '*': { allow: true, requireMention: true }, 'Work Chat': { allow: false } },
        } } }""",
        "{ channels: { defaults: { groupPolicy: 'open' }, zalouser: { anything: 1 } } }",
        "{ channels: { any: { defaultAccount: 'a', accounts: { a: { pacing: { gap: '2s' } }, b: {} } } } }",
        "{ agents: { defaults: { model: 'openai/gpt-5', workspace: '~/x' } }, $schema: './s.json' }",
        "{ agents: { list: [{ id: 'a', model: { primary: 'openai/x', fallbacks: ['openai/y'] } }] } }",
        """{ agents: { defaults: { brain: { kind: 'endpoint', url: 'http://127.0.0.1:1/v1',
            apiKey: { env: 'KEY' }, session: 'user' } } } }""",
        "{ models: { providers: { openai: { apiKey: '${KEY}', headers: { a: { file: '/k' } } } } } }",
        "{ mcp: { servers: { docs: { command: 'x', env: { A: 'b' } } } } }",
    ],
)
def test_what_the_loader_takes_is_taken(text: str) -> None:
    assert [error.message for error in CHECK.iter_errors(data(text))] == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{ chanels: {} }", []),
        ("{ channels: { other: {} } }", ["channels"]),
        ("{ channels: { any: { dmPolicy: 'everyone' } } }", ["channels", "any", "dmPolicy"]),
        ("{ channels: { any: { botToken: 'x' } } }", ["channels", "any"]),
        ("{ channels: { any: { groupAllowFrom: null } } }", ["channels", "any", "groupAllowFrom"]),
        ("{ channels: { any: { groups: { a: { foo: 1 } } } } }", ["channels", "any", "groups", "a"]),
        ("{ channels: { any: { backlogMaxAge: 15 } } }", ["channels", "any", "backlogMaxAge"]),
        ("{ channels: { any: { pacing: { gap: 'soon' } } } }", ["channels", "any", "pacing", "gap"]),
        (
            "{ channels: { any: { accounts: { a: { accounts: {} } } } } }",
            ["channels", "any", "accounts", "a"],
        ),
        ("{ bindings: [{ agentId: 'a' }] }", ["bindings", 0]),
    ],
)
def test_what_the_loader_refuses_is_refused(text: str, path: list[str | int]) -> None:
    assert [list(error.absolute_path) for error in CHECK.iter_errors(data(text))] == [path]


def test_every_key_says_what_it_means() -> None:
    assert [one.path for one in KEYS.values() if not one.description] == []


def test_no_key_is_described_that_does_not_exist() -> None:
    models = {name: set(one.get("properties", {})) for name, one in SCHEMA["$defs"].items()}
    models |= {"Root": set(SCHEMA["properties"])}
    models["ChildBrain"] = models["AcpBrain"]  # what two kinds have in common
    for name, described in DESCRIPTIONS.items():
        assert set(described) <= models.get(name, set(described)), name


@pytest.mark.parametrize(
    ("path", "type_", "default"),
    [
        ("channels.any.dmPolicy", "pairing, allowlist, open, disabled", '"pairing"'),
        ("channels.any.allowFrom", "list of ids, names", "[]"),
        ("channels.any.backlogMaxAge", "time, such as 15m", '"15m"'),
        ("channels.any.groups.<group>.requireMention", "true, false", ""),
        ("channels.any.pacing.account.minute", "whole number", "15"),
        ("session.reset.atHour", "whole number 0–23", ""),
        ("agents.defaults.model", "text or object", ""),
        ("agents.list[].default", "true, false", "false"),
    ],
)
def test_a_key_is_a_row(path: str, type_: str, default: str) -> None:
    assert (KEYS[path].type, KEYS[path].default) == (type_, default)


def test_blocks_of_several_kinds_say_which() -> None:
    found = [one for one in keys(SCHEMA) if one.path == "agents.defaults.brain.url"]
    assert found == [
        Key(
            "agents.defaults.brain.url",
            "text",
            "",
            "Its address; `/chat/completions` is added.",
            needed=True,
            kind="endpoint",
        ),
        Key(
            "agents.defaults.brain.url",
            "text",
            "",
            "An address with `https://`; `http://` for this machine only.",
            needed=True,
            kind="webhook",
        ),
    ]


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        (("channels", "any", "dmPolicy"), "open", "everyone"),
        (("channels", "any", "accounts", "work", "allowFrom"), ["7"], "7"),
        (("channels", "any", "groups", "9001"), {"requireMention": False}, {"mention": False}),
        (("channels", "any", "groups", 9001, "allow"), True, "yes"),
        (("agents", "list", 0, "brain"), {"kind": "echo"}, {"kind": "parrot"}),
    ],
)
def test_a_part_of_it_checks_what_stands_there(path: tuple[str | int, ...], value: Any, wrong: Any) -> None:
    part = schema_at(SCHEMA, path)
    assert part is not None
    assert len(part.get("$defs", {})) < len(SCHEMA["$defs"])
    check = Draft202012Validator(part)
    assert (check.is_valid(value), check.is_valid(wrong)) == (True, False)


def test_what_is_no_key_has_no_part() -> None:
    for path in (("nothing",), ("channels", "any", "dmPolicy", "x"), ("gateway", 0)):
        assert (schema_at(SCHEMA, path), at_or_below(KEYS.values(), path)) == (None, [])


def test_names_of_the_operator_fit_their_placeholder() -> None:
    found = at_or_below(KEYS.values(), ("channels", "any", "accounts", "work", "groups", "9001", "allow"))
    assert [one.path for one in found] == ["channels.any.groups.<group>.allow"]
