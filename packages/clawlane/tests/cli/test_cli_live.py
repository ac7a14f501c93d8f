"""Commands beside a running gateway: both are processes of their own, as in daily life."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo import stage

_OPENCLAW = str(Path(sys.executable).with_name("openclaw"))
_OF_THE_RUN = frozenset(("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"))
"""How the tests are run, which is nothing to a gateway."""

_LOADING = """
import sys
from clawlane.cli.main import run
heavy, *words = sys.argv[1:]
code = run(words, "openclaw")
sys.exit(code or " ".join(name for name in heavy.split() if name in sys.modules) or 0)
"""
"""Runs a command, and fails with the names of what it should not have loaded."""

_LIBRARIES = "aiohttp cryptography json5 parrot_channel pydantic"

ASK = "gateway: { reload: 'ask' }"
"""What keeps an edit that widens access waiting."""


@contextmanager
def gateway(until: str) -> Iterator[subprocess.Popen[str]]:
    """A gateway process, entered once it has said `until`."""
    env = {name: value for name, value in os.environ.items() if name not in _OF_THE_RUN}
    process = stage.start_process(
        [_OPENCLAW, "gateway", "run"],
        new_modules=True,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    reading = process.stdout.fileno()
    said = b""
    try:
        while until.encode() not in said:
            assert select.select([reading], [], [], 30)[0], said.decode()
            chunk = os.read(reading, 65536)
            assert chunk, said.decode()
            said += chunk
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()


@pytest.mark.parametrize(
    ("state", "said", "code"),
    [
        ("ready", "is ready", 0),
        ("ready outbound", "is ready", 2),
        ("degraded", "is degraded", 2),
        ("needs_login auth", "is needs_login", 3),
        ("replaced", "is replaced", 4),
    ],
)
def test_the_exit_code_of_status_tells_how_the_account_is(perch, state: str, said: str, code: int) -> None:
    perch.link()
    perch.setenv("PARROT_STATE", state)
    with gateway(said):
        assert perch("channels status").code == code


def test_an_account_that_nobody_linked_is_3_with_the_command(perch) -> None:
    with gateway("needs_consent"):
        told = perch("channels status")
    assert told.code == 3
    assert "→ openclaw channels login --channel parrot" in told.out


def test_a_config_file_that_changes_under_the_gateway_is_told(perch) -> None:
    perch.configure("{}", ASK)
    perch.link()
    with gateway("is ready"):
        (well,) = perch("channels status --json").json
        perch.configure("{ name: 'Lane', dmPolicy: 'open' }", ASK)
        (changed,) = perch("channels status --json").json
        (listed,) = (told["channels"]["parrot"] for told in perch("channels list --json").json)
        perch.configure("{ dmPolicy: 'ask' }")
        (broken,) = perch("channels status --json").json
        unlisted = perch("channels list --json")
        doctor = perch("doctor")
    assert (well["config"]["error"], well["config"]["changed"]) == (None, False)
    assert (changed["exit_code"], changed["config"]["error"], changed["config"]["changed"]) == (0, None, True)
    assert changed["config"]["revision"] == well["config"]["revision"], "a widening waits"
    assert listed["accounts"]["parrot/default"]["name"] == "Lane", "the list is that of the file"
    assert (broken["exit_code"], broken["config"]["changed"]) == (2, True)
    assert "'ask' is not one of" in broken["config"]["error"]
    assert (unlisted.code, unlisted.json[0]["issues"][0]["path"]) == (1, "channels.parrot.dmPolicy")
    assert (doctor.code, "'ask' is not one of" in doctor.out) == (1, True)


def test_disabled_accounts_alone_are_3(perch) -> None:
    perch.configure("{ enabled: false }")
    with gateway("is disabled"):
        told = perch("channels status")
    assert (told.code, "default (profile default): disabled" in told.out) == (3, True)


def test_a_stranger_is_listed_approved_once_and_named(perch) -> None:
    perch.link()
    perch.setenv("PARROT_HEARS", "77")
    with gateway("dm_pairing_required"):
        (listed,) = perch("pairing list parrot --json").json
        (request,) = listed["requests"]
        assert (request["sender_id"], request["sender_name"]) == ("77", "Chị Hoa")
        heads, row, *_ = perch("pairing list parrot").out.splitlines()
        assert heads.split() == ["CODE", "ID", "NAME", "FRIEND", "ASKED", "LEFT", "TOLD"]
        assert row.startswith(f"{request['code']}  77  Chị Hoa")
        approved = perch(f"pairing approve parrot {request['code'].lower()}")
        assert approved.out == "Approved: Chị Hoa (77) may now write to parrot/default.\n"
        assert perch("pairing approved").out.splitlines()[0].split() == ["ID", "NAME", "APPROVED"]
        again = perch(f"pairing approve parrot {request['code']}")
    assert (again.code, "was used before" in again.err) == (1, True)


def test_a_request_can_be_approved_after_the_gateway_stopped(perch) -> None:
    perch.link()
    perch.setenv("PARROT_HEARS", "77")
    with gateway("dm_pairing_required"):
        ((request,),) = (row["requests"] for row in perch("pairing list parrot --json").json)
    assert perch(f"pairing approve parrot {request['code']}").code == 0


def test_logout_stops_the_account_and_login_starts_it_again(perch) -> None:
    perch.link()
    with gateway("is ready"):
        assert perch("channels logout").code == 0
        assert perch("channels status").code == 3
        perch.script("qr", "42")
        assert "The running gateway starts the account now" in perch("channels login").out


def test_a_new_plugin_says_that_the_gateway_needs_a_restart(perch) -> None:
    with gateway("started in"):
        told = perch("plugins install @openclaw/zalouser")
    assert "a gateway is running; to use the plugin: openclaw gateway restart" in told.out


_HEAVY = ("pydantic", "aiohttp", "json5", "cryptography", "parrot_channel", "rich")
_SLOW = ("asyncio", "sqlite3", "logging", "shutil", "clawlane.messages", "clawlane.channel")
"""What the commands that are timed by `make bench` do without as well: many small classes add up."""

_TIMED = ("why", "pairing list", "channels status")
_IMPORTS = """
import sys
from clawlane.cli.main import run
code = run(sys.argv[1:], "openclaw")
print(code, *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


_BESIDE = {
    "why": 0,
    "why --json": 0,
    "why m1": 1,
    "policy explain --from 77": 0,
    "config get --effective channels.parrot.dmPolicy": 0,
    "pairing list": 0,
    "pairing list pol --json": 0,
    "pairing approve ABCD2345": 1,
    "directory peers list": 1,  # a parrot has no directory; it is the gateway that says so
    "channels status": 0,
    "channels status --channel pol --json": 0,
}
"""Commands that ask the gateway, and the codes that they end with."""


def test_beside_a_gateway_a_command_imports_nothing_heavy(perch) -> None:
    perch.link()
    with gateway("is ready"):
        for command, code in _BESIDE.items():
            script = _IMPORTS.format(heavy=_HEAVY + _SLOW if command.startswith(_TIMED) else _HEAVY)
            words = [sys.executable, "-c", script, *command.split()]
            told = subprocess.run(words, capture_output=True, text=True, check=True)
            assert told.stderr.splitlines()[-1] == str(code), command


def test_explain_tells_apart_the_config_of_the_gateway_and_of_the_file(perch) -> None:
    perch.configure("{}", ASK)
    perch.link()
    ask = "policy explain --from 78"
    with gateway("is ready"):
        assert perch(ask).out.endswith("Rules: from the file; the running gateway uses the same\n")
        perch.configure("{ dmPolicy: 'open' }", ASK)
        told = perch(ask)
        assert told.out.startswith("admit (dm_open)")
        assert "the running gateway decides otherwise: challenge (dm_pairing_required)" in told.out
        assert "Rules: from the file; " in told.out
        (as_json,) = perch(f"{ask} --json").json
        assert (as_json["reason"], as_json["rules"]["differs"]) == ("dm_open", True)
        perch.configure("{ dmPolicy: 'x' }")
        broken, (as_json,) = perch(ask), perch(f"{ask} --json").json
    assert (broken.code, broken.err.count("error: channels.parrot.dmPolicy (config.json5:1:")) == (1, 1)
    assert [one["path"] for one in as_json["issues"]] == ["channels.parrot.dmPolicy"]


def test_effective_values_are_those_of_the_gateway_beside_a_file_that_cannot_be_used(perch) -> None:
    perch.link()
    ask = "config get --effective channels.parrot.dmPolicy"
    with gateway("is ready"):
        same = perch(ask)
        perch.configure("{ dmPolicy: 'x' }")
        told, (as_json,) = perch(ask), perch(f"{ask} --json").json
        doctor, status = perch("doctor").out, perch("channels status").out
    for said in (doctor, status):
        assert said.count("'x' is not one of") == 1
        assert "the file cannot be used, and the gateway keeps the last good one\n" in said
    assert same.out.endswith("Rules: from the running gateway; the file says the same\n")
    assert told.out.startswith(
        "pairing\nFrom: built-in\nRules: from the running gateway; the file cannot be "
    )
    rules = as_json["rules"]
    assert (rules["source"], rules["differs"], rules["running"]) == ("gateway", True, True)
    assert rules["error"].startswith("channels.parrot.dmPolicy (config.json5:1:")


def test_what_opens_waits_for_apply_where_the_config_says_so(perch) -> None:
    perch.paths.config_file.write_text("{ gateway: { reload: 'ask' }, channels: { parrot: {} } }")
    perch.link()
    ask = "config get --effective channels.parrot.dmPolicy"
    with gateway("is ready"):
        written = perch("config set channels.parrot.dmPolicy open")
        waiting = perch(ask)
        unguarded = perch("config set gateway.reload auto --dry-run")
        added = perch("channels add --account work --accept-risk --expendable yes --yes --no-login --json")
        missing = [perch(f"{line} --account work") for line in ("channels status", "pause", "pairing list")]
        back = perch("config unset channels.parrot.accounts --json").json[0]["gateway"]
        (reviewed,) = perch("channels status --json").json
        status_waits = perch("channels status").out
        late = perch("config apply --revision 0123456789abcdef")
        still = perch(ask)
        applied = perch(f"config apply --revision {reviewed['config']['waiting_revision']}")
        after = perch(ask)
        (again,) = perch("config apply --json").json
        (status,) = perch("channels status --json").json
    assert (late.code, "is not the one of revision 0123456789abcdef" in late.err) == (1, True)
    assert still.out == waiting.out
    assert written.out.endswith("at once; the rest waits for: openclaw config apply\n")
    assert unguarded.out.endswith(
        "Nothing was written (--dry-run). It would wait for: openclaw config apply\n"
    )
    assert added.json[-1]["next"][:2] == [
        "openclaw config apply",
        "openclaw channels login --channel parrot --account work",
    ]
    for one in missing:
        where = (
            "error: parrot has the account 'work' in the file only: that edit waits; run: openclaw config "
        )
        assert (one.code, one.err) == (1, f"{where}apply\n")
    assert (back["running"], back["verdict"], back["waits"]) == (True, "waits", True)
    waits = "the file lets more in, which waits for: openclaw config apply"
    assert f"Rules: from the running gateway; {waits}\n" in status_waits
    assert waiting.out == f"pairing\nFrom: built-in\nRules: from the running gateway; {waits}\n"
    assert applied.out.splitlines()[-1] == f"In force: {perch.paths.config_file}"
    assert "anybody is answered without a pairing code" in applied.out
    assert after.out.startswith(
        "open\nFrom: channels.parrot.dmPolicy, line 1\nRules: from the running gateway; the"
    )
    assert (again["applied"], again["exposure"]) == (True, [])
    assert (status["rules"]["source"], status["rules"]["differs"]) == ("gateway", False)


def test_apply_without_a_gateway_only_checks_the_file(perch) -> None:
    told = perch("config apply")
    assert (told.code, told.out) == (0, "No gateway runs; the next start applies the file.\n")
    perch.configure("{ dmPolicy: 'x' }")
    broken = perch("config apply")
    assert (broken.code, "'x' is not one of" in broken.err) == (1, True)
    perch.paths.config_file.unlink()
    gone = perch("config apply")
    assert gone.err == f"error: there is no config file {perch.paths.config_file}; run: openclaw onboard\n"


def test_why_asks_the_gateway_and_answers_as_it_does_without_one(perch) -> None:
    perch.link()
    perch.setenv("PARROT_HEARS", "77")
    with gateway("dm_pairing_required"):
        beside, as_json = perch("why"), perch("why --json").json
    assert "challenge (dm_pairing_required)" in beside.out
    alone = perch("why")
    assert (_ageless(alone.out), perch("why --json").json) == (_ageless(beside.out), as_json)


def _ageless(told: str) -> str:
    """Both answers are of the same moment, and one is asked for later."""
    return re.sub(r"\(\d+ s ago\)", "(ago)", told)


def test_a_store_is_not_reset_beside_a_gateway(perch) -> None:
    with gateway("started in") as running:
        told = perch("store reset --forget")
        assert (told.code, f"(pid {running.pid}); stop it first" in told.err) == (1, True)
        assert "this would forget: 0 senders approved by pairing" in perch("store reset").err


def test_a_second_gateway_is_refused_with_the_pid_of_the_first(perch) -> None:
    with gateway("started in") as first:
        told = perch("gateway run")
    assert told.code == 1
    assert f"pid {first.pid}" in told.err


def test_commands_load_nothing_heavy_while_a_gateway_does_the_work(perch) -> None:
    perch.link()
    with gateway("is ready"):
        for command in (
            "pause --for 30m",
            "resume --account default",
            "outbox list --all",
            "channels dead-letters list --account default",
        ):
            words = [sys.executable, "-c", _LOADING, _LIBRARIES, *command.split()]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), command


def test_what_is_asked_most_loads_neither_asyncio_nor_the_store(perch) -> None:
    perch.link()
    heavy = f"{_LIBRARIES} asyncio sqlite3 clawlane.messages clawlane.channel"
    with gateway("is ready"):
        for command in ("channels status", "gateway status", "health", "pairing list", "why --last 5"):
            words = [sys.executable, "-c", _LOADING, heavy, *command.split()]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), command
