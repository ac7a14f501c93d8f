"""Loading the configuration: what the seed's files mean, and how mistakes are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from clawlane.channel import Account, Manifest
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.errors import ConfigError
from clawlane.config.load import Config, load
from clawlane.config.origin import Layer
from clawlane.config.paths import Paths

PERSONAL = Manifest(
    id="zalouser",
    label="Zalo Personal",
    aliases=("zlu",),
    settings="clawlane.config.settings:ChannelSettings",
    runtime="unused:Unused",
)


class OneChannel:
    """A state directory in which one plugin is installed, or none."""

    def __init__(self, installed: bool = True) -> None:
        self._manifests = (PERSONAL,) if installed else ()

    def manifests(self) -> tuple[Manifest, ...]:
        return self._manifests

    def broken(self) -> Mapping[str, Exception]:
        return {}

    def installable(self) -> Mapping[str, str]:
        return {} if self._manifests else {"zalouser": "@openclaw/zalouser"}


class Loading:
    def __init__(self, folder: Path) -> None:
        self.paths = Paths(folder, folder / "config.json5")

    def __call__(self, text: str, environ: Mapping[str, str] | None = None, installed: bool = True) -> Config:
        self.paths.config_file.write_text(text, encoding="utf-8")
        return load(self.paths, OneChannel(installed), environ or {})

    def channel(self, block: str, environ: Mapping[str, str] | None = None, more: str = "") -> Config:
        return self(f"{{ channels: {{ zalouser: {block} }}, {more} }}", environ)

    def complaints(self, text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self(text)
        return [str(problem) for problem in caught.value.problems]

    def complaint(self, block: str, more: str = "") -> str:
        """The one thing that is wrong with a block, without its place in the file."""
        (told,) = self.complaints(f"{{ channels: {{ zalouser: {block} }}, {more} }}")
        path, _, rest = told.partition(" (config.json5:")
        return f"{path}: {rest.partition('): ')[2]}"


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    return Loading(tmp_path)


def only(config: Config) -> Account:
    (account,) = config.channels["zalouser"].accounts
    return account


def test_no_file_is_no_channel_and_no_complaint(tmp_path: Path) -> None:
    config = load(Paths(tmp_path, tmp_path / "config.json5"), OneChannel(), {})
    assert config.channels == {}
    assert config.warnings == ()


def test_the_starting_block_of_the_seed_loads_as_written(loading: Loading) -> None:
    config = loading(
        """{
channels: {
zalouser: {
enabled: true,
dmPolicy: 'pairing',
groupPolicy: 'disabled',
},
},
}"""
    )
    settings = only(config).settings
    assert (settings.dm_policy, settings.group_policy) == (DmPolicy.PAIRING, GroupPolicy.DISABLED)
    assert config.warnings == ()


def test_the_block_that_closes_groups_loads_as_written(loading: Loading) -> None:
    config = loading("{\nchannels: {\nzalouser: {\ngroupPolicy: 'disabled',\n},\n},\n}")
    assert only(config).settings.group_policy is GroupPolicy.DISABLED


def test_the_narrow_block_of_the_seed_loads_as_written(loading: Loading) -> None:
    config = loading(
        """{
channels: {
zalouser: {
groupPolicy: 'allowlist',
groupAllowFrom: ['1471383327500481391'],
groups: {
'*': { allow: true, requireMention: true },
'Work Chat': { allow: true, requireMention: false },
},
},
},
}"""
    )
    settings = only(config).settings
    assert settings.group_allow_from == ("1471383327500481391",)
    assert {key: entry.require_mention for key, entry in settings.groups.items()} == {
        "*": True,
        "Work Chat": False,
    }
    assert config.warnings == ()


def test_built_in_values_are_the_closed_ones(loading: Loading) -> None:
    settings = only(loading.channel("{}")).settings
    assert settings.dm_policy is DmPolicy.PAIRING
    assert settings.group_policy is GroupPolicy.ALLOWLIST
    assert settings.group_allow_from is None
    assert settings.backlog_max_age == timedelta(minutes=15)


def test_entries_of_sender_lists_become_exact_ids_and_names(loading: Loading) -> None:
    block = "{ allowFrom: [1471383327500481391, ' 22 ', 'ZLU: 33', 'zalouser:44', '*', 'Chị Hoa', '22'] }"
    assert only(loading.channel(block)).settings.allow_from == (
        "1471383327500481391", "22", "33", "44", "*", "Chị Hoa",
    )  # fmt: skip


def test_an_access_group_stands_for_its_members_of_this_channel_and_of_all(loading: Loading) -> None:
    groups = "accessGroups: { vip: { members: { zalouser: ['zlu:1'], '*': [2], telegram: ['3'] } } }"
    config = loading.channel("{ allowFrom: ['accessGroup:vip', '4'] }", more=groups)
    assert only(config).settings.allow_from == ("1", "2", "4")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("null", "an entry is an id, a name or '*'; remove this one"),
        ("' '", "an entry must not be empty; write an id, a name or '*', or remove it"),
        ("'zlu:'", "an entry must not be empty; write an id, a name or '*', or remove it"),
        ("0x1F", "0x1F is not an id; write the id as plain digits, best in quotes"),
        ("1e20", "1e20 is not an id; write the id as plain digits, best in quotes"),
        ("12.0", "12.0 is not an id; write the id as plain digits, best in quotes"),
        ("-5", "-5 is not an id; write the id as plain digits, best in quotes"),
        ("true", "true is not an id; write the id as plain digits, best in quotes"),
        ("'user:5'", "'user:' does not belong in a sender list; write the id alone: '5'"),
        ("'group:5'", "a group does not belong in a sender list; write it as a key of `groups`"),
        ("'accessGroup:vip'", "there is no access group 'vip'; define it under accessGroups"),
    ],
)
def test_an_entry_that_is_no_sender_is_told_with_what_to_write(
    loading: Loading, entry: str, told: str
) -> None:
    assert loading.complaint(f"{{ allowFrom: ['1', {entry}] }}") == f"channels.zalouser.allowFrom[1]: {told}"


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (
            "{ dmPolicy: 'everyone' }",
            "channels.zalouser.dmPolicy: 'everyone' is not one of pairing, allowlist, open, disabled",
        ),
        ("{ enabled: 'yes' }", "channels.zalouser.enabled: must be true or false, not a text"),
        ("{ historyLimit: -1 }", "channels.zalouser.historyLimit: must be 0 or more"),
        ("{ historyLimit: '5' }", "channels.zalouser.historyLimit: must be a whole number, not a text"),
        (
            "{ backlogMaxAge: 15 }",
            "channels.zalouser.backlogMaxAge: must be a time such as '15m', '30s', '2h' or '1d'",
        ),
        ("{ mediaMaxMb: 0 }", "channels.zalouser.mediaMaxMb: must be more than 0"),
        ("{ groups: [] }", "channels.zalouser.groups: must be an object: { … }, not a list"),
        ("{ grupPolicy: 'open' }", "channels.zalouser.grupPolicy: unknown key; did you mean 'groupPolicy'?"),
        (
            "{ groups: { '777': { allowFrom: null } } }",
            "channels.zalouser.groups['777'].allowFrom: null is not allowed here; write a value, or remove"
            " the key",
        ),
        (
            "{ groups: { '777': { allowFrom: ['group:888'] } } }",
            "channels.zalouser.groups['777'].allowFrom[0]: a group does not belong in a sender list; write it"
            " as a key of `groups`",
        ),
        (
            "{ groupAllowFrom: null }",
            "channels.zalouser.groupAllowFrom: null is not allowed here; write a value, or remove the key",
        ),
        (
            "{ groups: { 'Work Chat': { foo: 1 } } }",
            "channels.zalouser.groups['Work Chat'].foo: "
            "unknown key; known here: allow, allowFrom, enabled, outbound, requireMention, tools",
        ),
        (
            "{ botToken: 'secret-value' }",
            "channels.zalouser.botToken: this channel has no such key; "
            "this channel logs in by QR code: openclaw channels login --channel zalouser",
        ),
        ("null", "channels.zalouser: must be an object: { … }; remove it to switch the channel off"),
    ],
)
def test_a_mistake_is_one_line_with_path_and_remedy(loading: Loading, block: str, told: str) -> None:
    assert loading.complaint(block) == told


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(loading: Loading) -> None:
    told = loading.complaints("{\n  chanels: {},\n  channels: { zalouser: {\n    dmPolicy: 'opn' } },\n}")
    assert told == [
        "chanels (config.json5:2:3): unknown key; did you mean 'channels'?",
        "channels.zalouser.dmPolicy (config.json5:4:15): "
        "'opn' is not one of pairing, allowlist, open, disabled; "
        "did you mean 'open'?",
    ]


def test_a_mistake_in_the_channel_is_told_once_however_many_accounts_inherit_it(loading: Loading) -> None:
    told = loading.complaint("{ dmPolicy: 'x', accounts: { a: {}, b: {} } }")
    assert told.startswith("channels.zalouser.dmPolicy: ")


def test_a_mistake_in_an_account_is_told_where_it_stands(loading: Loading) -> None:
    told = loading.complaint("{ dmPolicy: 'open', accounts: { Work: { dmPolicy: 'x' } } }")
    assert told.startswith("channels.zalouser.accounts.Work.dmPolicy: ")


def test_keys_that_do_nothing_are_accepted_with_a_warning(loading: Loading) -> None:
    config = loading.channel("{ configWrites: true, accounts: { a: { messagePrefix: 'x' } } }")
    assert [problem.path for problem in config.warnings] == [
        "channels.zalouser.configWrites",
        "channels.zalouser.accounts.a.messagePrefix",
    ]


def test_a_channel_whose_plugin_is_absent_is_off_with_a_warning(loading: Loading) -> None:
    config = loading("{ channels: { zalouser: { what: 1 } } }", installed=False)
    assert config.channels == {}
    assert str(config.warnings[0]).endswith("install it: openclaw plugins install @openclaw/zalouser")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("zalousr", "did you mean 'zalouser'?"),
        ("zlu", "write 'zalouser'"),
        ("parrot", "known: zalouser"),
    ],
)
def test_an_unknown_channel_is_an_error_with_a_hint(loading: Loading, name: str, hint: str) -> None:
    (told,) = loading.complaints(f"{{ channels: {{ {name}: {{}} }} }}")
    assert told.endswith(f"unknown channel; {hint}")


@pytest.mark.parametrize(
    ("block", "defaults", "value", "layer"),
    [
        ("{ accounts: { a: { groupPolicy: 'open' } }, groupPolicy: 'disabled' }", "", "open", Layer.ACCOUNT),
        ("{ accounts: { a: {} }, groupPolicy: 'disabled' }", "", "disabled", Layer.CHANNEL),
        ("{}", "defaults: { groupPolicy: 'open' }", "open", Layer.DEFAULTS),
        ("{}", "", "allowlist", Layer.BUILT_IN),
    ],
)
def test_a_value_knows_who_set_it(
    loading: Loading, block: str, defaults: str, value: str, layer: Layer
) -> None:
    config = loading(f"{{ channels: {{ zalouser: {block}, {defaults} }} }}")
    effective = config.effective(only(config), "groupPolicy")
    assert (effective.value, effective.origin.layer) == (value, layer)
    assert only(config).settings.group_policy == value


def test_a_mistake_in_the_defaults_is_told_there_and_nowhere_else(loading: Loading) -> None:
    told = loading.complaints("{ channels: { zalouser: {}, defaults: { groupPolicy: 'x' } } }")
    assert [line.partition(" ")[0] for line in told] == ["channels.defaults.groupPolicy"]


def test_loading_never_touches_the_file(loading: Loading) -> None:
    loading.complaints("{ a: 1 }")
    file = loading.paths.config_file
    assert (file.read_text(), list(file.parent.iterdir())) == ("{ a: 1 }", [file])


def test_a_sealing_key_is_named_in_one_place(loading: Loading) -> None:
    config = loading("{ secrets: { keyFile: '/k/lane', providers: {} } }", {"CLAWLANE_KEY_FILE": "/k/lane"})
    assert config.root.secrets.key_file == "/k/lane"
    assert [one.path for one in config.warnings] == ["secrets.providers"]
    with pytest.raises(ConfigError, match="CLAWLANE_KEY_FILE names another file: /k/other; say it in one"):
        loading("{ secrets: { keyFile: '/k/lane' } }", {"CLAWLANE_KEY_FILE": "/k/other"})
    with pytest.raises(ConfigError, match=r"secrets\.keyFile .*must be a whole path"):
        loading("{ secrets: { keyFile: 'lane' } }")


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("maxAccounts: 0", "node.maxAccounts: must be 1 or more"),
        ("maxAccounts: 99999999999999999999", "node.maxAccounts: must be 100000 or less"),
        (
            "name: '-a'",
            "node.name: must have letters, digits, '.', '_' and '-' only, first a letter or digit",
        ),
        ("labels: { 'a b': 'c' }", "node.labels['a b']: as a name it must have letters, digits, '.', '_'"),
    ],
)
def test_what_no_node_can_be_is_said_where_it_stands(loading: Loading, block: str, told: str) -> None:
    assert loading.complaint("{}", f"node: {{ {block} }}").startswith(told)
