"""A config that is in force: the running gateway follows its file, and restarts only what an edit touches."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from clawlane.access.decision import Decision
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.ops.client import ask_gateway
from clawlane.ops.config import Applied, Apply
from clawlane.ops.operation import Caller
from clawlane.plugins.registry import Registry
from clawlane.store.reader import reading
from clawlane.store.why_search import Wanted
from demo.stage import Gateway, Operator, Record, Simulator
from end_to_end.steps import ACCEPT, account, all_sent, answers, listening, log_in, person, say

QUICK = "acks: 'off', pacing: { gap: '0s', gapJitter: '0s' }"
IN_FORCE = "is in force"


class Desk:
    """A running gateway, its config file, and the people who write."""

    def __init__(self, operator: Operator, zalo: Simulator, state: Path, gateway: Gateway) -> None:
        self.operator, self.zalo, self.gateway = operator, zalo, gateway
        self.file = state / "config.json5"
        self.paths = Paths(state, self.file)
        self.applied = 0

    def text(self, block: str, rest: str = "") -> str:
        return f"{{\n  channels: {{ zalouser: {{ {block} }} }},\n  {rest}\n}}\n"

    def start(self, block: str, rest: str = "") -> None:
        self.file.write_text(self.text(block, rest))
        self.applied = 0
        listening(self.gateway)

    def edit(self, block: str, rest: str = "") -> None:
        """Rename an edited file over the config, and wait until it is in force."""
        self.write(self.text(block, rest))
        self.applied += 1
        self.gateway.said_times(IN_FORCE, self.applied)

    def write(self, text: str) -> None:
        beside = self.file.with_name("edited")
        beside.write_text(text)
        os.replace(beside, self.file)

    def status(self) -> tuple[int, dict[str, Any]]:
        done = self.operator.run("channels", "status", "--json")
        return done.returncode, json.loads(done.stdout)

    def apply(self) -> Applied:
        self.applied += 1
        return ask_gateway(self.paths, Apply(), Caller.CLI)

    def logins(self) -> list[str]:
        return [str(one["account"]) for one in self.zalo.since(0) if one["kind"] == "login"]

    def connects(self) -> int:
        return sum(one["kind"] == "connected" for one in self.zalo.since(0))

    def reason(self, message: str) -> str:
        told = json.loads(self.operator.run("why", message, "--json").stdout)
        return str(told["messages"][0]["decisions"][-1]["reason"])

    def decided(self, text: str) -> Record:
        return self.zalo.wait("sent", lambda record: record["text"] == f"echo: {text}")


@pytest.fixture
def desk(linked: Operator, zalo: Simulator, state: Path, recording: Gateway) -> Desk:
    return Desk(linked, zalo, state, recording)


def test_an_edit_of_access_counts_at_once_and_touches_no_connection(desk: Desk) -> None:
    desk.start(f"dmPolicy: 'open', {QUICK}")
    friend = person(desk.zalo)
    say(desk.zalo, friend, "một")
    assert answers(desk.zalo, 1) == ["echo: một"]
    connects = desk.connects()
    desk.edit(f"dmPolicy: 'disabled', {QUICK}")
    closed = say(desk.zalo, friend, "hai")
    desk.gateway.said("dm_disabled")
    desk.edit(f"dmPolicy: 'open', responsePrefix: '[bot] ', {QUICK}")
    say(desk.zalo, friend, "ba")
    assert answers(desk.zalo, 1) == ["[bot] echo: ba"]
    assert desk.connects() == connects
    assert "dm_disabled" in desk.operator.run("why", closed).stdout
    code, told = desk.status()
    assert (code, told["config"]["error"], told["config"]["changed"]) == (0, None, False)


def test_a_broken_edit_keeps_the_last_good_config_until_it_is_mended(desk: Desk) -> None:
    desk.start(f"dmPolicy: 'open', {QUICK}")
    friend = person(desk.zalo)
    desk.write("{\n  channels: { zalouser: { dmPolicy: 'clsed' } },\n}\n")
    desk.gateway.said("channels.zalouser.dmPolicy (config.json5:2:37): 'clsed' is not one of")
    code, told = desk.status()
    assert (code, told["config"]["changed"]) == (2, True)
    assert "(config.json5:2:37)" in told["config"]["error"]
    assert "Config: broken now" in desk.operator.run("channels", "status").stdout
    told = json.loads(desk.operator.run("doctor", "--json").stdout)
    assert "config.json5:2:37" in told["rules"]["error"]
    assert [one["line"] for one in told["findings"] if one["severity"] == "error"] == [2], "told once"
    say(desk.zalo, friend, "còn mở")
    assert answers(desk.zalo, 1) == ["echo: còn mở"]
    os.kill(desk.gateway.pid, signal.SIGHUP)
    desk.edit(f"dmPolicy: 'open', historyLimit: 3, {QUICK}")
    desk.gateway.said("the config file can be used again")
    assert (desk.status()[0], desk.status()[1]["config"]["error"]) == (0, None)
    refused = [line for line in desk.gateway.printed() if "cannot be used; " in line]
    assert len(refused) == 1, "said once per revision, however often one looks"
    desk.file.unlink()
    desk.gateway.said("the file is gone")
    assert desk.status()[0] == 2
    say(desk.zalo, friend, "vẫn mở")
    assert answers(desk.zalo, 1) == ["echo: vẫn mở"]


@pytest.mark.long
def test_an_edit_that_needs_a_key_file_counts_by_itself_once_that_is_there(
    linked: Operator, zalo: Simulator, state: Path, gateway: Gateway
) -> None:
    desk = Desk(linked, zalo, state, gateway)
    desk.start(f"dmPolicy: 'open', {QUICK}")
    key = state / "key"
    brain = f"{{ kind: 'command', command: ['true'], env: {{ KEY: {{ file: '{key}' }} }} }}"
    agents = f"agents: {{ defaults: {{ brain: {brain}, allowStrangers: true }} }},"
    desk.write(desk.text(f"dmPolicy: 'open', {QUICK}", agents))
    desk.gateway.said(f"the file {key} cannot be read")
    code, told = desk.status()
    assert (code, told["config"]["again_ms"] > told["config"]["applied_ms"]) == (2, True)
    assert "; tried again in " in " ".join(desk.operator.run("channels", "status").stdout.split())
    key.touch(mode=0o600)
    key.write_text("secret")
    desk.gateway.said("the config file can be used again")
    desk.gateway.said(IN_FORCE)
    assert desk.status()[1]["config"]["error"] is None
    assert "secret" not in "\n".join(desk.gateway.printed())


@pytest.mark.long
def test_only_the_account_starts_again_whose_connection_an_edit_touches(
    desk: Desk, operator: Operator, zalo: Simulator
) -> None:
    other = str(zalo.do("/account", name="Tài Khoản Hai")["uid"])
    block = "defaultAccount: 'default', dmPolicy: 'open', " + QUICK
    desk.file.write_text(desk.text(f"{block}, accounts: {{ default: {{}}, two: {{}} }}"))
    assert log_in(operator, zalo, ACCEPT, "--account", "two", user=other).returncode == 0
    desk.gateway.start()
    for name in ("default", "two"):
        desk.gateway.said(f"zalouser/{name} is ready")
    before = desk.logins()
    desk.edit(f"{block}, accounts: {{ default: {{}}, two: {{ zaloHosts: ['files.example.vn'] }} }}")
    desk.gateway.said_times("zalouser/two is ready", 2)
    assert desk.logins()[len(before) :] == [other]
    desk.edit(f"{block}, accounts: {{ default: {{}}, two: {{ enabled: false }} }}")
    desk.gateway.said("zalouser/two: switched off in the config")
    desk.gateway.said("zalouser/two: is disabled by the config")
    found = desk.status()[1]["channels"]["zalouser"]["accounts"]
    two, default = found["zalouser/two"], found["zalouser/default"]
    assert (two["enabled"], two["phase"], default["phase"]) == (False, "stopped", "ready")
    desk.edit(f"{block}, accounts: {{ default: {{}} }}")
    assert list(desk.status()[1]["channels"]["zalouser"]["accounts"]) == ["zalouser/default"]
    desk.edit(f"{block}, accounts: {{ default: {{}}, two: {{}} }}")
    desk.gateway.said_times("zalouser/two is ready", 3)
    assert desk.logins()[len(before) :] == [other, other]
    say(zalo, person(zalo), "chào")
    assert answers(zalo, 1) == ["echo: chào"]


def test_what_is_queued_does_not_leave_once_the_lane_is_closed(desk: Desk) -> None:
    slow = "acks: 'off', pacing: { gap: '1h', gapJitter: '0s' }"
    desk.start(f"dmPolicy: 'open', {slow}")
    friend, busy = person(desk.zalo), person(desk.zalo, "Lê Văn Bận")
    stranger = person(desk.zalo, "Kẻ Lạ", friend=False)
    say(desk.zalo, friend, "một")
    assert answers(desk.zalo, 1) == ["echo: một"]
    held = say(desk.zalo, friend, "hai")
    desk.gateway.said("TURN 2 ")
    desk.edit(f"dmPolicy: 'pairing', allowFrom: ['{friend}', '{busy}'], {slow}")
    say(desk.zalo, stranger, "cho vào với")
    desk.gateway.said("dm_pairing_required")
    late = say(desk.zalo, busy, "ba SLOW")
    desk.gateway.said("TURN 3 ")
    desk.edit(f"dmPolicy: 'disabled', {QUICK}")
    desk.gateway.said("was not sent: the sender is no longer admitted")
    desk.gateway.said("was not sent: the sender is no longer sent a code")
    listed = json.loads(desk.operator.run("outbox", "list", "--all", "--json").stdout)["messages"]
    assert sorted((one["state"], one["reason"]) for one in listed if one["state"] != "sent") == [
        ("cancelled", "the sender is no longer sent a code"),
        ("refused", "the sender is no longer admitted"),
    ]
    assert "no longer admitted" in desk.operator.run("why", held).stdout
    desk.gateway.said("turn 4: the sender is no longer admitted")
    assert "revoked_before_run" in desk.operator.run("why", late).stdout
    assert all_sent(desk.zalo) == ["echo: một"]


def test_under_ask_what_narrows_counts_at_once_and_what_widens_waits(desk: Desk) -> None:
    ask = "gateway: { reload: 'ask' }"
    friend, other, third = (person(desk.zalo, name) for name in ("Một", "Hai", "Ba"))
    desk.start(f"dmPolicy: 'allowlist', allowFrom: ['{friend}', '{other}'], {QUICK}", ask)
    desk.write(desk.text(f"dmPolicy: 'allowlist', allowFrom: ['{other}', '{third}'], {QUICK}", ask))
    desk.gateway.said("waits for: openclaw config apply")
    first = desk.status()[1]["config"]["revision"]
    for sender, text in ((friend, "cũ"), (other, "cả hai"), (third, "mới")):
        say(desk.zalo, sender, text)
    assert answers(desk.zalo, 1) == ["echo: cả hai"]
    desk.gateway.said_times("dm_not_allowlisted", 2)
    code, told = desk.status()
    assert (code, told["config"]["changed"], told["config"]["error"]) == (0, True, None)
    assert any("answered" in sentence for sentence in told["config"]["waiting"])
    findings = json.loads(desk.operator.run("doctor", "--json").stdout)["findings"]
    assert any(one["code"] == "config_waits" for one in findings)
    assert "waits for: openclaw config apply" in desk.operator.run("channels", "status").stdout
    applied = desk.apply()
    assert applied.revision != first
    assert (applied.restarted, len(applied.exposure)) == ([], 2)
    say(desk.zalo, third, "giờ thì được")
    assert answers(desk.zalo, 1) == ["echo: giờ thì được"]
    narrower = f"dmPolicy: 'allowlist', allowFrom: ['{other}'], {QUICK}"
    desk.edit(narrower, ask)
    assert desk.status()[1]["config"]["waiting"] == []
    desk.write(desk.text(narrower.replace("']", "', 'Trần Thị Lan']"), ask))
    desk.gateway.said("Trần Thị Lan (no id yet)")
    desk.write(desk.text(narrower))
    desk.gateway.said("edits that widen access no longer wait")
    desk.write(desk.text(narrower, ask))
    desk.applied += 1
    desk.gateway.said_times(IN_FORCE, desk.applied)
    assert desk.status()[1]["config"]["waiting"] == []


@pytest.mark.long
def test_names_pacing_and_the_log_follow_the_file(desk: Desk) -> None:
    desk.start(f"dmPolicy: 'allowlist', {QUICK}")
    lan = str(next(one["uid"] for one in desk.zalo.world()["people"] if one["name"] == "Trần Thị Lan"))
    desk.edit(f"dmPolicy: 'allowlist', allowFrom: ['Trần Thị Lan'], {QUICK}")
    desk.gateway.said("is pinned to " + lan)
    say(desk.zalo, lan, "một")
    assert answers(desk.zalo, 1) == ["echo: một"]
    strict = "acks: 'off', pacing: { gap: '0s', gapJitter: '0s', thread: { minute: 1 } }"
    desk.edit(f"dmPolicy: 'open', {strict}")
    assert account(desk.operator)["names"] == []
    say(desk.zalo, lan, "hai")
    desk.gateway.said("held: pacing.thread.minute (1)")
    desk.edit(f"dmPolicy: 'open', {QUICK}", "logging: { level: 'debug' }")
    assert answers(desk.zalo, 1) == ["echo: hai"]
    desk.gateway.said("DEBUG")


@dataclass
class Flips:
    """Which config was in force when: the texts in the order of their saves, by revision."""

    policies: dict[str, AccessPolicy] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def saved(self, desk: Desk, text: str) -> None:
        copy = desk.file.with_name("copy.json5")
        copy.write_text(text)
        paths = replace(desk.paths, config_file=copy)
        config = load(paths, Registry(desk.paths), {})
        self.policies[config.source.revision] = AccessPolicy.of(config, config.accounts[0])
        self.order.append(config.source.revision)


@pytest.mark.long
def test_two_hundred_messages_are_decided_by_ten_flips_and_none_by_a_mixture(desk: Desk) -> None:
    fast = "acks: 'off', pacing: { enabled: false }"
    opened = desk.text(
        f"dmPolicy: 'open', groupAllowFrom: ['*'], groups: {{ '*': {{ requireMention: false }} }}, {fast}"
    )
    closed = desk.text(f"dmPolicy: 'disabled', groupPolicy: 'disabled', historyLimit: 0, {fast}")
    broken = "{ channels: { zalouser: { dmPolicy: 'opn' } } }"
    flips = Flips()
    flips.saved(desk, opened)
    desk.file.write_text(opened)
    listening(desk.gateway)
    people = [person(desk.zalo, f"Người {number}") for number in range(6)]
    group = str(desk.zalo.do("/group", name="Nhóm Đông", members=people)["gid"])
    said: dict[str, tuple[str, str]] = {}

    def speak(number: int) -> None:
        sender, where = people[number % len(people)], group if number % 3 == 0 else ""
        more = {"group": where} if where else {}
        said[say(desk.zalo, sender, f"tin {number}", **more)] = (sender, where)

    effects = 0
    with ThreadPoolExecutor(4) as talkers:
        for flip in range(10):
            talking = [talkers.submit(speak, 20 * flip + number) for number in range(20)]
            talking[flip % 7].result()  # the edit falls somewhere into what is said
            text = (closed, broken, opened, broken)[flip % 4]
            desk.write(text)
            if text is broken:
                desk.gateway.said_times("the config file cannot be used", 1 + flip // 2)
            else:
                flips.saved(desk, text)
                effects += 1
                desk.gateway.said_times(IN_FORCE, effects)
            for one in talking:
                one.result()
    assert len(said) == 200
    made = decisions(desk.paths, 200)
    own_id = str(desk.status()[1]["channels"]["zalouser"]["accounts"]["zalouser/default"]["user"]["id"])
    for message_id, decision in made:
        sender, where = said[message_id]
        thread = Thread(ThreadKind.GROUP, where) if where else Thread(ThreadKind.DM, sender)
        message = Inbound("default", message_id, thread, sender, "", "tin", 1)
        assert decision == decide(message, flips.policies[decision.revision], Grants(own_id), 1)
    at = 0
    for revision in (one.revision for _, one in made):
        while flips.order[at] != revision:
            at += 1
    assert {one.reason for _, one in made} == {"dm_open", "dm_disabled", "group_admitted", "group_disabled"}


def decisions(paths: Paths, count: int) -> list[tuple[str, Decision]]:
    """The decisions about so many messages, in the order of reading, once all are there."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with reading(paths.store) as reader:
            found = [one for one in reader.search(Wanted(), 2 * count).messages if one.made]
        if len(found) >= count:
            return [(one.message_id, one.made[0].decision) for one in reversed(found)]
        time.sleep(0.1)
    raise AssertionError(f"only {len(found)} messages were decided")
