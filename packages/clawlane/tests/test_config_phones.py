"""Telephone numbers in the place of ids: recognised however they are written, named, never advised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from clawlane.channel import Manifest
from clawlane.config.errors import ConfigError
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.config.phones import is_phone_number

ZALO = Manifest("zalouser", "Zalo Personal", ("zlu",), "clawlane_zalouser.settings:ZaloUserSettings", "x:X")
FIND = "write the id; find it by the person's name: openclaw directory peers list --channel zalouser"


class Zalo:
    def manifests(self) -> tuple[Manifest, ...]:
        return (ZALO,)

    def broken(self) -> Mapping[str, Exception]:
        return {}

    def installable(self) -> Mapping[str, str]:
        return {}


def loaded(folder: Path, text: str) -> Config:
    paths = Paths(folder, folder / "config.json5")
    paths.config_file.write_text(text, encoding="utf-8")
    return load(paths, Zalo(), {})


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    return str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        "0987654322",
        "84987654323",
        "+84987654321",
        "+84 98 765 4321",
        "(+84) 98-765-43-21",
        "0987.654.321",
        "0084987654321",
        "tel:+84987654321",
        "sđt 0987 654 321",
        "zalo: 0987654321",
        "\u202a+84 98 765 4321\u202c",
        "\uff0b\uff18\uff14987654321",
        "٠٩٨٧٦٥٤٣٢١",
        "+14155550123",
        "19001234",
    ],
)
def test_a_telephone_number_is_recognised(written: str) -> None:
    assert is_phone_number(written, 15)


@pytest.mark.parametrize(
    "written",
    [
        "820000000000000",
        "8200000000000000001",
        "8200 0000 0000 0000 001",
        "id:8200000000000000001",
        "Lan",
        "Lan 0987654321",
        "*",
        "",
        "+",
        "113",
        "Nhóm 12",
    ],
)
def test_ids_and_names_are_none(written: str) -> None:
    assert not is_phone_number(written, 15)


def test_where_ids_may_be_short_only_a_plus_tells() -> None:
    assert is_phone_number("+84987654321", 1)
    assert not is_phone_number("84987654321", 1)


def test_every_list_of_the_config_is_looked_at(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """{
        channels: { zalouser: {
            allowFrom: ['+84987654321', 84987654323, 'accessGroup:team', '8200000000000000001'],
            groups: { '0987654324': { allowFrom: ['1', '+84987654329'] } },
            accounts: { work: { groupAllowFrom: ['zlu:0987654325'] }, 'a.b': { allowFrom: ['0987654326'] } },
        } },
        accessGroups: { team: { members: { '*': ['0987654327'], telegram: ['12345678'] } } },
        commands: { ownerAllowFrom: ['0987654328'] },
        }""",
    )
    told = {one.path: (one.line, one.message.split("'")[1], one.code) for one in config.warnings}
    assert told == {
        "channels.zalouser.allowFrom[0]": (3, "+84987654321", "phone_number"),
        "channels.zalouser.allowFrom[1]": (3, "84987654323", "phone_number"),
        "channels.zalouser.groups['0987654324']": (4, "0987654324", "phone_number"),
        "channels.zalouser.groups['0987654324'].allowFrom[1]": (4, "+84987654329", "phone_number"),
        "channels.zalouser.accounts.work.groupAllowFrom[0]": (5, "0987654325", "phone_number"),
        "channels.zalouser.accounts['a.b'].allowFrom[0]": (5, "0987654326", "phone_number"),
        "accessGroups.team.members['*'][0]": (7, "0987654327", "phone_number"),
        "commands.ownerAllowFrom[0]": (8, "0987654328", "phone_number"),
    }


def test_the_way_to_the_id_is_told_for_the_account(tmp_path: Path) -> None:
    (one,) = loaded(
        tmp_path, "{ channels: { zalouser: { accounts: { work: { allowFrom: ['0987654325'] } } } } }"
    ).warnings
    assert str(one).endswith(f"so it matches nobody; {FIND} --account work --query NAME")


def test_a_number_for_a_group_leads_to_the_groups(tmp_path: Path) -> None:
    (one,) = loaded(tmp_path, "{ channels: { zalouser: { groups: { '0987654325': {} } } } }").warnings
    assert "openclaw directory groups list --channel zalouser --query NAME" in one.hint


@pytest.mark.parametrize(
    "block",
    [
        "allowFrom: ['user:84987654321']",
        "allowFrom: ['user: +84 987 654 321']",
        "allowFrom: [+84987654321]",
        "groups: { 'user:84987654321': {} }",
        "groupAllowFrom: ['zalouser:user:0987654321']",
    ],
)
def test_a_number_is_never_what_to_write(tmp_path: Path, block: str) -> None:
    told = complaint(tmp_path, f"{{ channels: {{ zalouser: {{ {block} }} }} }}")
    assert "looks like a telephone number" in told
    assert "write '" not in told
    assert "alone: '" not in told
    assert FIND in told
