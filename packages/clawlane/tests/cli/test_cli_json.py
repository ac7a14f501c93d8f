"""What commands print for programs: one style of keys, and one shape of what several of them tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import pytest

from clawlane.cli.main import cli
from json_shapes import shaped

_LINES = {
    "agent ask": "agent ask hello",
    "agent list": "agent list",
    "alarms ack": "alarms ack 7",
    "alarms list": "alarms list --all",
    "alarms show": "alarms show 7",
    "alerts drop": "alerts drop",
    "alerts list": "alerts list",
    "alerts retry": "alerts retry",
    "alerts test": "alerts test",
    "backup": "backup lane.backup --force",
    "channels add": "channels add --channel parrot --account work --accept-risk --yes",
    "channels capabilities": "channels capabilities",
    "channels dead-letters drop": "channels dead-letters drop 7",
    "channels dead-letters list": "channels dead-letters list",
    "channels dead-letters resubmit": "channels dead-letters resubmit 7",
    "channels list": "channels list --all",
    "channels login": "channels login --force --accept-risk",
    "channels logout": "channels logout",
    "channels logs": "channels logs --channel parrot",
    "channels status": "channels status --probe",
    "config apply": "config apply",
    "config file": "config file",
    "config get": "config get channels.parrot --effective",
    "config import": "config import nothing.json",
    "config set": "config set channels.parrot.dmPolicy open --dry-run",
    "config unset": "config unset channels.parrot.dmPolicy --dry-run",
    "config validate": "config validate",
    "console sign-out": "console sign-out",
    "debug": "debug --for 1s",
    "directory groups list": "directory groups list",
    "directory groups members": "directory groups members 9001",
    "directory peers list": "directory peers list",
    "directory self": "directory self",
    "doctor": "doctor",
    "drafts approve": "drafts approve 7",
    "drafts drop": "drafts drop 7",
    "drafts edit": "drafts edit 7 --text hello",
    "drafts list": "drafts list --expired",
    "drafts revive": "drafts revive 7",
    "drafts show": "drafts show 7",
    "export": "export --person 7",
    "forget": "forget --person 7 --dry-run",
    "gateway restart": "gateway restart",
    "gateway status": "gateway status",
    "gateway stop": "gateway stop",
    "health": "health",
    "import": "import empty-home --dry-run",
    "logs": "logs",
    "message react": "message react user:7 1 like",
    "message send": "message send user:7 hello",
    "message undo": "message undo --last",
    "onboard": "onboard --channel parrot --accept-risk --yes --no-login",
    "outbox drop": "outbox drop 7",
    "outbox list": "outbox list --all",
    "outbox resend": "outbox resend 7",
    "pacing": "pacing",
    "pairing approve": "pairing approve parrot AAAA",
    "pairing approved": "pairing approved",
    "pairing list": "pairing list",
    "pairing reject": "pairing reject parrot 7 --account default",
    "pairing revoke": "pairing revoke parrot 7",
    "pause": "pause --list",
    "plugins disable": "plugins disable parrot",
    "plugins enable": "plugins enable parrot",
    "plugins info": "plugins info parrot",
    "plugins install": "plugins install @openclaw/zalouser",
    "plugins list": "plugins list",
    "plugins uninstall": "plugins uninstall parrot",
    "policy explain": "policy explain --from 7",
    "rehearse": "rehearse --list",
    "restore": "restore lane.backup --list",
    "resume": "resume",
    "audit show": "audit show",
    "audit verify": "audit verify",
    "security audit": "security audit",
    "sent": "sent",
    "session revoke": "session revoke --yes",
    "session show": "session show",
    "sessions list": "sessions list",
    "sessions reset": "sessions reset --all",
    "sessions show": "sessions show dm:7",
    "store backup": "store backup nowhere/store.sqlite",
    "store info": "store info",
    "store migrate": "store migrate --to sqlite",
    "store reset": "store reset",
    "store rollback": "store rollback --yes",
    "support-bundle": "support-bundle --yes --output nowhere/lane.tar.gz",
    "uninstall": "uninstall --yes",
    "upgrade accept": "upgrade accept",
    "upgrade show": "upgrade show",
    "verify": "verify --report",
    "webhooks drop": "webhooks drop 1",
    "webhooks list": "webhooks list",
    "webhooks retry": "webhooks retry",
    "webhooks test": "webhooks test",
    "why": "why --last 5",
}
"""One call of each command; what they say beside a running gateway is held where its stories are told."""

_ENDS = {
    "channels logout",
    "session revoke",
    "plugins disable",
    "plugins enable",
    "plugins uninstall",
    "store reset",
}
"""What comes last, because it takes something away from the others."""

_OTHERWISE = {
    "config schema",
    *("cluster drain", "cluster move", "cluster status"),
    *("sim drop", "sim person", "sim say", "sim scan", "sim world"),
}
"""A JSON Schema, what a simulator has, in its own words, and what needs a database: stories hold that."""


def commands(group: click.Group = cli, *words: str) -> Iterator[str]:
    """The commands that take `--json`, by their words."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        found = group.get_command(ctx, name)
        if isinstance(found, click.Group):
            yield from commands(found, *words, name)
        elif found is not None and any("--json" in one.opts for one in found.params):
            yield " ".join((*words, name))


def test_each_command_for_programs_is_held_to_the_shapes() -> None:
    assert {*commands()} == {*_LINES, *_OTHERWISE}


def test_what_commands_say_has_the_shapes_that_all_have(perch) -> None:
    perch.link()
    perch.script("qr", "scanned", "confirmed", "43")
    for words in sorted(_LINES, key=_ENDS.__contains__):
        told = perch(f"{_LINES[words]} --json").json
        assert any("ok" in one for one in told), words


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "default"},
        {"accounts": [{"account": "parrot/default"}]},
        {"accounts": {"default": {}}},
        {"rows": [{"user_id": "42"}]},
        {"user": "42"},
        {"risk": "experimental, unofficial"},
        {"risk": {"text": "A parrot is loud.", "accepted_ms": None, "expendable": ""}},
        {"time": "2026-11-28 15:58:02,973"},
        {"camelCase": 1},
    ],
    ids=repr,
)
def test_another_shape_is_found(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        shaped(wrong)
