"""What the operator sees, with real processes: `why` and `status` while something goes wrong."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import listening, person, say, until

QUICK = "pacing: { gap: '0s', gapJitter: '0s' }"
CONFIG = """{
  channels: {
    defaults: { groupPolicy: 'open' },
    zalouser: { dmPolicy: 'open', allowFrom: ['*'], KEYS },
  },
}
"""


class Watch:
    """A logged-in account whose agent fails on what ends in `fail`, and what its operator is told."""

    def __init__(self, operator: Operator, zalo: Simulator, state: Path, gateway: Gateway) -> None:
        self.operator, self.zalo, self.gateway, self.state = operator, zalo, gateway, state
        self.lan = person(zalo, "Lan \u202eneE")
        self.group = str(zalo.do("/group", name="Nhóm việc", members=[self.lan])["gid"])
        self.me = zalo.world()["accounts"][0]

    def start(self, keys: str = QUICK) -> None:
        self.write(CONFIG.replace("KEYS", keys))
        listening(self.gateway)

    def write(self, config: str) -> None:
        (self.state / "config.json5").write_text(config)

    def say(self, text: str, **more: object) -> str:
        return say(self.zalo, self.lan, text, **more)

    def why(self, message_id: str) -> str:
        return self.operator.run("why", message_id).stdout

    def turn(self, message_id: str) -> dict[str, Any]:
        told = json.loads(self.operator.run("why", message_id, "--json").stdout)
        return dict(told["messages"][0]["turn"])

    def has_sent(self, message_id: str) -> None:
        """Returns once it is stored that the answer to a message arrived: Zalo's side sees it before that."""
        until(lambda: self.turn(message_id)["standing"] == "sent")

    def status(self) -> tuple[int, dict[str, Any], list[str]]:
        """The exit code, the account, and the codes of its problems."""
        done = self.operator.run("channels", "status", "--json")
        told = json.loads(done.stdout)
        assert told["ok"] is (done.returncode == 0)
        assert told["exit_code"] == done.returncode
        account = told["channels"]["zalouser"]["accounts"]["zalouser/default"]
        assert all(one["text"] and one["command"] for one in account["problems"])
        return done.returncode, account, [one["code"] for one in account["problems"]]


@pytest.fixture
def watch(linked: Operator, zalo: Simulator, state: Path, recording: Gateway) -> Watch:
    return Watch(linked, zalo, state, recording)


def test_why_names_the_inherited_policy_the_people_and_what_was_said(watch: Watch) -> None:
    watch.start()
    asked = watch.say(
        f"@{watch.me['name']} chào\u202e cả nhà\u0007\nhai", group=watch.group, mentions=[watch.me["uid"]]
    )
    aside = watch.say("chuyện riêng", group=watch.group)
    watch.zalo.wait("sent")
    assert watch.operator.run("directory", "groups", "list").returncode == 0
    told = watch.why(asked)
    assert "channels.defaults.groupPolicy (line 3) is 'open'" in told
    assert "requireMention" not in told
    assert f"from Lan neE ({watch.lan}) in group:{watch.group} (Nhóm việc)" in told
    assert "chào cả nhà hai" in told
    assert "\u202e" not in told
    watch.has_sent(asked)
    pended = watch.why(aside)
    assert "pend (mention_required)" in pended
    assert "requireMention (built-in)" in pended
    assert "says: chuyện riêng" in pended


def test_why_says_what_holds_a_reply_and_what_the_config_said_then(watch: Watch) -> None:
    watch.start("pacing: { gap: '0s', gapJitter: '0s', thread: { minute: 1 } }")
    first, second = watch.say("một"), watch.say("hai")
    watch.zalo.wait("sent")
    watch.gateway.said("TURN 2")
    watch.has_sent(first)
    watch.operator.run("pause", "--thread", f"dm:{watch.lan}")
    assert "turn: held: paused until" in watch.why(second)
    watch.operator.run("resume", "--thread", f"dm:{watch.lan}")
    until(lambda: bool(watch.turn(second)["held"]))
    held = watch.turn(second)
    assert (held["standing"], held["held"]["rule"]) == ("held", "pacing.thread.minute (1)")
    assert held["sentence"].startswith("held: pacing.thread.minute (1) until 20")
    watch.write("{ channels: { zalouser: { dmPolicy: 'disabled' } } }")
    assert "config line 4 as it was then: dmPolicy: 'open'; now: dmPolicy: 'disabled'" in watch.why(second)
    watch.gateway.stop()
    assert "turn: the reply waits: the gateway is not running" in watch.why(second)


def test_what_waits_for_a_decision_makes_the_status_degraded(watch: Watch) -> None:
    watch.start(f"{QUICK}, resendUnknown: 'never'")
    code, account, problems = watch.status()
    assert (code, problems, account["storing"]) == (0, [], "ok")
    watch.zalo.do("/fault", does="reset", call="send text")
    lost = watch.say("mất")
    watch.gateway.said("may or may not have arrived")
    assert watch.turn(lost)["standing"] == "needs_decision"
    code, account, problems = watch.status()
    assert (code, problems) == (2, ["needs_decision"])
    text = watch.operator.run("channels", "status").stdout
    assert (
        "1 message may or may not have arrived and waits for your decision; run: openclaw outbox list" in text
    )


def test_a_message_that_is_set_aside_makes_the_status_degraded(watch: Watch) -> None:
    watch.start()
    bad = watch.say("will fail")
    watch.gateway.said("its message is set aside")
    turn = watch.turn(bad)
    assert turn["standing"] == "set_aside"
    assert "openclaw channels dead-letters list" in turn["sentence"]
    code, _, problems = watch.status()
    assert (code, problems) == (2, ["dead_letters"])
    watch.gateway.stop()
    code, _, problems = watch.status()
    assert (code, problems) == (5, ["dead_letters"])


def test_a_full_disk_is_told_until_there_is_room_again(watch: Watch) -> None:
    watch.start()
    resource.prlimit(watch.gateway.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    full = watch.say("hết chỗ")
    watch.gateway.said("the store could not be written")
    code, account, problems = watch.status()
    assert (code, account["storing"], problems) == (2, "broken", ["storing"])
    assert "nothing can be stored, so nothing is answered" in watch.operator.run("channels", "status").stdout
    resource.prlimit(watch.gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    watch.zalo.wait("sent")
    watch.has_sent(full)
    code, account, problems = watch.status()
    assert (code, account["storing"], problems) == (0, "ok", [])


def test_a_config_that_broke_in_mid_run_is_told(watch: Watch) -> None:
    watch.start()
    watch.write("{ channels: { zalouser: { dmPolicy: 'opn' } } }")
    done = watch.operator.run("channels", "status")
    assert done.returncode == 2
    assert "Config: broken now (channels.zalouser.dmPolicy" in done.stdout
    assert "run: openclaw config validate" in done.stdout
    assert watch.operator.run("why", "--last", "1").returncode == 0
    watch.write(CONFIG.replace("KEYS", "acks: 'off'"))
    done = watch.operator.run("channels", "status")
    assert (done.returncode, "broken" in done.stdout) == (0, False)
