"""The end of a session: on the platform, on this machine, and what is told about the phone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import asked, listening, log_in, status
from json_shapes import shaped

ON_PHONE = "Settings, Account and security, Login devices"


def revoked(operator: Operator, code: int) -> dict[str, Any]:
    done = operator.run("session", "revoke", "--yes", "--json")
    assert done.returncode == code, done.stdout
    return dict(shaped(json.loads(done.stdout)))


def revokes_in_the_record(operator: Operator) -> list[str]:
    entries = asked(operator, "audit", "show", "--kind", "login")["entries"]
    return [one["details"]["result"] for one in entries if one["what"] == "revoke"]


@pytest.mark.long
def test_a_session_is_ended_on_the_platform_and_only_then_it_is_said(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    zalo.do("/fault", does="status", call="logOut", status=503)
    told = revoked(linked, 1)
    assert (told["result"], told["cleared"]) == ("failed", False)
    assert ON_PHONE in told["on_phone"]
    gateway.said_times("is ready", 2)
    assert status(linked)[0] == 0, "it goes on"

    told = revoked(linked, 0)
    assert (told["result"], told["cleared"]) == ("ended", True)
    assert linked.run("session", "show").returncode == 3
    assert revoked(linked, 3)["result"] == "not_logged_in"
    assert revokes_in_the_record(linked) == ["failed", "ended"]
    assert linked.run("audit", "verify").returncode == 0


@pytest.mark.long
def test_a_platform_that_still_accepts_the_session_is_told_with_the_way_on_the_phone(
    linked: Operator, zalo: Simulator
) -> None:
    body = '{"error_code": 0, "error_message": "", "data": ""}'
    zalo.do("/fault", does="status", call="logOut", status=200, body=body)
    done = linked.run("session", "revoke", "--yes")
    assert done.returncode == 1
    assert "still accepts the session" in done.stdout
    assert ON_PHONE in " ".join(done.stdout.split())
    assert linked.run("session", "show").returncode == 3
    refused = linked.run("session", "revoke")
    assert (refused.returncode, "say so with --yes" in refused.stdout) == (1, True)


@pytest.mark.long
def test_a_logout_and_a_login_that_fails_after_the_phone_say_where_the_device_is_removed(
    installed: Operator, zalo: Simulator
) -> None:
    zalo.do("/fault", does="error", call="getServerInfo", code=1)
    failed = log_in(installed, zalo)
    assert failed.returncode == 1
    assert "the phone may list this login" in " ".join(failed.stdout.lower().split())
    assert ON_PHONE in " ".join(failed.stdout.split())
    declined = log_in(installed, zalo, phone=("/scan", "/decline"))
    assert (declined.returncode, ON_PHONE in " ".join(declined.stdout.split())) == (1, False)

    assert log_in(installed, zalo).returncode == 0
    told = asked(installed, "channels", "logout")
    assert ON_PHONE in told["on_phone"]
    assert log_in(installed, zalo).returncode == 0
    assert ON_PHONE in " ".join(installed.run("channels", "logout").stdout.split())
