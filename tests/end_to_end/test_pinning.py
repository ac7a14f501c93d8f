"""Names in the config: looked up once, pinned for good, and written as ids by `doctor --fix`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import account, listening, person

CONFIG = """\
// the family's bot
{{ channels: {{ zalouser: {{
    dmPolicy: 'allowlist', groupPolicy: 'allowlist',
    allowFrom: [ {sender} ], // who may write
    groups: {{ {group}: {{ requireMention: false }} }},
}} }} }}
"""


@pytest.fixture
def config(state: Path) -> Path:
    return state / "config.json5"


def group(zalo: Simulator, name: str, *members: str) -> str:
    return str(zalo.do("/group", name=name, members=members)["gid"])


def names(operator: Operator) -> dict[str, dict[str, Any]]:
    """What the status says about each name."""
    return {one["entry"]: one for one in account(operator)["names"]}


def counters(operator: Operator) -> dict[str, int]:
    """The decisions so far, by reason."""
    return dict(account(operator)["counters"])


def ended(operator: Operator) -> dict[str, Any]:
    done = operator.run("doctor", "--json")
    return dict(json.loads(done.stdout))


def test_names_are_pinned_once_and_survive_renames_and_restarts(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    lan = person(zalo, "Đặng Lan")
    work = group(zalo, "Work Chat", lan)
    config.write_text(CONFIG.format(sender="'đặng lan'", group="'WORK CHAT'"))
    gateway.start()
    gateway.said(f"'WORK CHAT' is pinned to {work}")
    assert names(linked)["đặng lan"]["ids"] == [lan]

    zalo.do("/rename", group=work, by=lan, name="Something Else")
    group(zalo, "Work Chat", person(zalo, "Người Lạ", friend=False))
    gateway.stop()
    listening(gateway)

    assert names(linked)["WORK CHAT"]["ids"] == [work]


def test_a_strangers_group_does_not_get_in_by_a_name_that_nobody_had(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    stranger = person(zalo, "Người Lạ", friend=False)
    lair = group(zalo, "Lair", stranger)
    config.write_text(CONFIG.format(sender="'*'", group="'Work Chat'"))
    gateway.start()
    gateway.said("'Work Chat' was not found")

    for dropped, name in enumerate(("Work Chat", "work chat", "Work-Chat!"), start=1):
        zalo.do("/rename", group=lair, by=stranger, name=name)
        gateway.stop()
        listening(gateway)
        zalo.do("/say", **{"from": stranger, "group": lair, "text": "hi"})
        gateway.said("group_not_allowlisted")
        assert counters(linked) == {"group_not_allowlisted": dropped}


def test_only_the_pinned_group_gets_in_whatever_the_two_are_called(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    stranger, lan = person(zalo, "Người Lạ", friend=False), person(zalo, "Đặng Lan")
    lair, work = group(zalo, "Lair", stranger), group(zalo, "Work Chat", lan)
    config.write_text(CONFIG.format(sender="'*'", group="'Work Chat'"))
    gateway.start()
    gateway.said(f"'Work Chat' is pinned to {work}")
    zalo.do("/rename", group=work, by=lan, name="Somewhere")
    zalo.do("/rename", group=lair, by=stranger, name="Work Chat")

    zalo.do("/say", **{"from": stranger, "group": lair, "text": "let me in"})
    zalo.do("/say", **{"from": lan, "group": work, "text": "chào"})

    assert zalo.wait("sent")["thread_id"] == work
    assert counters(linked) == {"group_admitted": 1, "group_not_allowlisted": 1}


@pytest.mark.long
def test_what_nobody_or_several_are_called_is_final_until_it_is_asked_for_again(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    two = [group(zalo, "Work Chat"), group(zalo, "work chat")]
    config.write_text(CONFIG.format(sender="'Nobody Yet'", group="'Work Chat'"))
    gateway.start()
    assert two[1] in gateway.said("is ambiguous")
    gateway.stop()
    late = person(zalo, "Nobody Yet")

    listening(gateway)
    assert names(linked)["Nobody Yet"]["state"] == "unresolved"
    assert names(linked)["Work Chat"]["ids"] == two
    gateway.stop()

    done = linked.run("doctor", "--fix")
    assert f"'{late}'" in config.read_text()
    assert "'Work Chat'" in config.read_text()
    assert done.returncode == 1


def test_a_name_that_left_the_config_is_looked_up_anew_when_it_comes_back(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    lan = person(zalo, "Đặng Lan")
    first = group(zalo, "Work Chat", lan)
    for key, said in (("'Work Chat'", first), ("'*'", "is ready")):
        config.write_text(CONFIG.format(sender="", group=key))
        gateway.start()
        gateway.said(said)
        gateway.stop()
    zalo.do("/rename", group=first, by=lan, name="Old Chat")
    second = group(zalo, "Work Chat")

    config.write_text(CONFIG.format(sender="", group="'Work Chat'"))
    gateway.start()
    gateway.said(f"'Work Chat' is pinned to {second}")


@pytest.mark.long
def test_doctor_names_every_entry_with_its_line_and_what_to_write(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    lan, work = person(zalo, "Đặng Lan"), group(zalo, "Work Chat")
    config.write_text(
        CONFIG.format(sender=f"'Nobody', '{work}', '8200 0000 0000 0000 777'", group=f"'{lan}'")
    )
    assert linked.run("directory", "peers", "list").returncode == 0
    assert linked.run("directory", "groups", "list").returncode == 0
    gateway.start()
    gateway.said("'Nobody' was not found")
    gateway.stop()

    done = linked.run("doctor")
    told = {one["code"]: one for one in ended(linked)["findings"]}

    assert done.returncode == 1
    unresolved = told["name_unresolved"]
    assert (unresolved["path"], unresolved["line"]) == ("channels.zalouser.allowFrom[0]", 4)
    assert "openclaw directory peers list" in told["name_unresolved"]["fix"]
    assert work in told["group_in_senders"]["fix"]
    assert lan in told["sender_in_groups"]["fix"]
    assert told["name_like_id"]["fix"] == "write '8200000000000000777'"
    for one in told.values():
        assert one["text"] in done.stdout


def test_fix_writes_ids_beside_a_running_gateway_and_keeps_everything_else(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    lan, work = person(zalo, "Đặng Lan"), group(zalo, "Nhóm Làm")
    before = CONFIG.format(sender="/* chị */ 'Đặng Lan'", group='"nhom-lam"')
    config.write_text(before)
    config.chmod(0o600)
    gateway.start()
    gateway.said("is pinned to")

    done = linked.run("doctor", "--fix")

    assert config.read_text() == before.replace("'Đặng Lan'", f"'{lan}'").replace("nhom-lam", work)
    assert config.stat().st_mode & 0o777 == 0o600
    assert config.with_name("config.json5.bak").read_text() == before
    assert f"+    allowFrom: [ /* chị */ '{lan}' ]" in done.stdout
    assert linked.run("doctor", "--fix").returncode == 0


def test_without_a_login_fix_says_what_to_run_and_leaves_the_file(operator: Operator, config: Path) -> None:
    assert operator.run("plugins", "install", "@openclaw/zalouser").returncode == 0
    before = CONFIG.format(sender="'Đặng Lan'", group="'*'")
    config.write_text(before)
    done = operator.run("doctor", "--fix")
    assert "openclaw channels login --channel zalouser" in done.stdout
    assert config.read_text() == before
