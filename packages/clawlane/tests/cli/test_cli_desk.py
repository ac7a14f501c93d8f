"""Commands about the desk itself: health, logs, the stored session, plugins."""

from __future__ import annotations

import json

import pytest
from packages.clawlane.tests.cli.test_cli_live import gateway


def test_health_says_with_5_that_nothing_runs(perch) -> None:
    told = perch("health")
    assert (told.code, told.out) == (5, "gateway: not running; start it: openclaw gateway run\n")
    (as_json,) = perch("health --json").json
    assert (as_json["ok"], as_json["exit_code"], as_json["running"]) == (False, 5, False)


@pytest.mark.parametrize(("state", "said", "code"), [("ready", "is ready", 0), ("degraded", "degraded", 2)])
def test_health_tells_each_account_in_a_line(perch, state: str, said: str, code: int) -> None:
    perch.link()
    perch.setenv("PARROT_STATE", state)
    with gateway(said):
        told = perch("health")
        (as_json,) = perch("health --json").json
        (status,) = perch("channels status --json").json
    assert told.code == code == as_json["exit_code"] == status["exit_code"]
    assert told.out.splitlines()[1].startswith(f"parrot/default: {state}")
    assert as_json["accounts"]["parrot/default"]["phase"] == state


def test_logs_are_lines_for_people_and_are_there_without_a_gateway(perch) -> None:
    assert perch("logs").code == 1
    perch.link()
    with gateway("is ready"):
        pass
    told = perch("logs --lines 100")
    assert told.code == 0
    assert " INFO    parrot/default is ready" in told.out
    assert "INFO    stopped" in told.out
    of_channel = perch("channels logs --channel parrot").out.splitlines()
    assert of_channel
    assert all(" parrot/default" in line for line in of_channel)
    (as_json,) = perch("logs --json --level info --account default").json
    assert {one["account"] for one in as_json["lines"]} == {"parrot/default"}


def test_a_stored_session_is_told_without_any_value(perch) -> None:
    nobody = perch("session show")
    assert nobody.code == 3
    assert "openclaw channels login --channel parrot" in nobody.out
    perch.link()
    told = perch("session show")
    assert told.code == 0
    assert "user        Nguyễn Văn An (42)" in told.out
    assert perch.vault().where in told.out.replace("\n            ", "")
    assert "feathers" not in told.out
    (as_json,) = perch("session show --json").json
    assert (as_json["ok"], as_json["user"]["id"], as_json["described"]) == (True, "42", False)
    assert as_json["saved_ms"]
    assert "feathers" not in json.dumps(as_json)


def test_info_tells_the_label_and_the_risk(perch) -> None:
    told = perch("plugins info parrot")
    assert told.code == 0
    assert "parrot · Parrot (experimental, unofficial)" in told.out
    assert "A parrot is loud. Neighbours may ban it." in told.out
    assert "has a block for it" in told.out
    (as_json,) = perch("plugins info parrot --json").json
    assert (as_json["id"], as_json["status"], as_json["configured"]) == ("parrot", "installed", True)
    assert "Neighbours may ban it." in as_json["risk"]["text"]
    (official,) = perch("plugins info @openclaw/zalouser --json").json
    assert (official["status"], official["risk"], official["configured"]) == ("available", None, False)
    assert perch("plugins info nothing").code == 1


def test_a_disabled_plugin_is_left_out_until_it_is_enabled(perch) -> None:
    perch.link()
    assert perch("plugins disable parrot").out == "disabled: parrot\n"
    assert perch("plugins disable parrot").out == "parrot is disabled already\n"
    (listed,) = perch("plugins list --json").json
    assert {one["id"]: one["status"] for one in listed["plugins"]}["parrot"] == "disabled"
    off = "Parrot [parrot]: disabled; openclaw plugins enable parrot"
    for command in ("channels list", "channels list --all", "channels status"):
        assert off in perch(command).out.splitlines(), command
    fix = "run: openclaw plugins enable parrot"
    for command in ("doctor", "security audit", "config validate", "policy explain --from 42"):
        told = perch(command)
        assert fix in told.out + told.err, command
    assert "no channel is configured" not in perch("doctor").out
    with gateway(" started in "):
        (health,) = perch("health --json").json
        assert health["accounts"] == {}
        assert off in perch("health").out.splitlines()
        refused = perch("channels login --channel parrot")
        assert (refused.code, "openclaw plugins enable parrot" in refused.err) == (1, True)
        (enabled,) = perch("plugins enable parrot --json").json
        assert (enabled["enabled"], enabled["changed"], enabled["restart_needed"]) == (True, True, True)
        assert perch("gateway restart").code == 0
        assert perch("health").code == 0


def test_a_plugin_is_forgotten_unless_it_runs(perch) -> None:
    perch.link()
    with gateway("is ready"):
        refused = perch("plugins uninstall parrot")
        assert refused.code == 1
        assert "parrot/default runs with this plugin; run: openclaw gateway stop" in refused.err
    assert perch("plugins uninstall parrot").code == 0
    assert perch("plugins uninstall parrot").code == 1
    assert perch("channels status").code != 0
    assert perch.vault().identity() == ("42", "Nguyễn Văn An")
