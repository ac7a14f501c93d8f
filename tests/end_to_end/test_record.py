"""The record beside a running gateway: what left and what was changed is in it, and it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import answers, asked, listening, nothing_is_on_its_way, person, say

OPEN = "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled' } } }"


@pytest.mark.long
def test_what_happens_is_recorded_and_can_be_proven(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path, tmp_path: Path
) -> None:
    (state / "config.json5").write_text(OPEN)
    listening(gateway)
    lan = person(zalo, "Đặng Lan")
    say(zalo, lan, "mật khẩu là 1234")
    [answer] = answers(zalo, 1)
    nothing_is_on_its_way(linked)
    assert linked.run("pause").returncode == 0
    assert linked.run("resume").returncode == 0

    entries = asked(linked, "audit", "show", "--last", "100")["entries"]
    told = [(one["kind"], one["what"], one["who"]) for one in entries]
    assert ("login", "logged_in", "cli") in told
    assert ("policy", "in_force", "gateway") in told
    assert ("state", "ready", "gateway") in told
    assert ("pause", "pauses.pause", "cli") in told
    [sent] = [one for one in entries if one["kind"] == "send"]
    assert (sent["what"], sent["who"], sent["name"]) == ("sent", "agent", "Đặng Lan")
    assert sent["details"]["thread"] == f"dm:{lan}"
    assert sent["config"] == asked(linked, "channels", "status")["gateway"]["config_revision"]
    assert "1234" not in str(entries)

    text = tmp_path / "answer"
    text.write_text(answer)
    [found] = asked(linked, "audit", "show", "--said", str(text))["entries"]
    assert found["number"] == sent["number"]
    assert linked.run("audit", "verify").returncode == 0
    gateway.kill()
    assert linked.run("audit", "verify").returncode == 0
    assert linked.run("audit", "export", "--out", str(tmp_path / "record.jsonl")).returncode == 0
    assert linked.run("audit", "verify", "--file", str(tmp_path / "record.jsonl")).returncode == 0
