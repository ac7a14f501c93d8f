"""Which accounts a channel block has, and whose profile each one uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from clawlane.config.accounts import BlockError, ChannelAccounts, resolve
from clawlane.config.settings import ChannelSettings


class Settings(ChannelSettings):
    profile_env: ClassVar[tuple[str, ...]] = ("FIRST_PROFILE", "SECOND_PROFILE")


def accounts(block: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> ChannelAccounts:
    return resolve("zalouser", block, Settings, environ or {})


def profiles(block: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    return {account.id: account.profile for account in accounts(block, environ).all}


def complaint(block: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(BlockError) as caught:
        accounts(block, environ)
    ((_, message, _, _),) = caught.value.found
    return message


def test_a_block_without_accounts_is_the_account_default() -> None:
    found = accounts({})
    assert [(account.id, account.enabled) for account in found.all] == [("default", True)]
    assert found.default == "default"


def test_accounts_are_lower_cased_and_default_exists_only_when_named() -> None:
    assert [account.id for account in accounts({"accounts": {"Work": {}, "home": {}}}).all] == [
        "home",
        "work",
    ]


@pytest.mark.parametrize(
    ("block", "default"),
    [
        ({"accounts": {"work": {}, "home": {}}}, "home"),
        ({"accounts": {"work": {}, "default": {}, "a": {}}}, "default"),
        ({"accounts": {"work": {}, "home": {}}, "defaultAccount": "WORK"}, "work"),
    ],
)
def test_the_default_account(block: Mapping[str, Any], default: str) -> None:
    assert accounts(block).default == default


def test_a_default_account_must_exist() -> None:
    assert complaint({"accounts": {"work": {}}, "defaultAccount": "wrk"}) == "there is no account 'wrk'"


def test_own_keys_replace_those_of_the_channel_whole() -> None:
    block = {
        "allowFrom": ["1", "2"],
        "groups": {"a": {}},
        "accounts": {"work": {"allowFrom": ["3"]}, "home": {"groups": {"b": {}}}},
    }
    home, work = accounts(block).all
    assert (work.settings.allow_from, set(work.settings.groups)) == (("3",), {"a"})
    assert (home.settings.allow_from, set(home.settings.groups)) == (("1", "2"), {"b"})


def test_name_profile_and_enabled_of_the_channel_are_not_inherited_as_settings() -> None:
    block = {"name": "Shop", "profile": "p", "accounts": {"work": {}, "home": {"name": "Home"}}}
    assert [account.name for account in accounts(block).all] == ["Home", ""]


def test_a_disabled_channel_disables_every_account() -> None:
    block = {"enabled": False, "accounts": {"work": {"enabled": True}}}
    assert [account.enabled for account in accounts(block).all] == [False]


def test_the_profile_of_the_channel_belongs_to_the_default_account_alone() -> None:
    assert profiles({"profile": "mine", "accounts": {"a": {}, "b": {}}}) == {"a": "mine", "b": "b"}


def test_the_environment_gives_the_default_account_its_profile_when_the_config_does_not() -> None:
    environ = {"FIRST_PROFILE": "", "SECOND_PROFILE": "Env"}
    assert profiles({"accounts": {"a": {}, "b": {}}}, environ) == {"a": "env", "b": "b"}
    assert profiles({"profile": "mine"}, environ) == {"default": "mine"}


def test_an_own_profile_wins() -> None:
    assert profiles({"profile": "mine", "accounts": {"a": {"profile": "own"}}}, {"FIRST_PROFILE": "x"}) == {
        "a": "own"
    }


def test_two_enabled_accounts_on_one_profile_are_refused() -> None:
    told = complaint({"accounts": {"a": {"profile": "P"}, "p": {}}})
    assert told == "the accounts 'a' and 'p' use one profile, 'p'"


def test_a_disabled_account_may_share_a_profile() -> None:
    assert len(accounts({"accounts": {"a": {"profile": "p"}, "p": {"enabled": False}}}).all) == 2


def test_two_keys_that_differ_by_case_are_one_account_and_refused() -> None:
    assert "is the same account as 'Work'" in complaint({"accounts": {"Work": {}, "work": {}}})


@pytest.mark.parametrize("name", ["../up", "", "a b", "Cửa hàng"])
def test_an_account_name_is_made_of_plain_characters(name: str) -> None:
    assert complaint({"accounts": {name: {}}}) == "is not a valid account name"


def test_a_profile_from_the_environment_is_checked_too() -> None:
    assert complaint({}, {"FIRST_PROFILE": "../up"}) == (
        "FIRST_PROFILE in the environment: '../up' is not a valid profile name"
    )


def test_an_account_has_its_own_pairing_text_or_that_of_the_channel() -> None:
    block = {
        "pairing": {"text": "mã {code}", "reply": "silent"},
        "accounts": {"one": {"pairing": {"text": "code {code}"}}, "two": {}},
    }
    one, two = resolve("zalouser", block, ChannelSettings, {}).all
    assert one.settings.pairing.text == "code {code}"
    assert two.settings.pairing.text == "mã {code}"
    assert one.settings.pairing.reply == "code", "the key is replaced whole"
