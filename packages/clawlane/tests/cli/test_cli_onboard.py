"""`onboard` and `channels add` without a terminal: flags that say everything, or what is missing at once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from clawlane.config.source import read_source
from clawlane.zone import machine_zone

_RISK = "--accept-risk --expendable no"
_LINKED = ["qr", "scanned", "confirmed", "42"]
FRIEND, GROUP = "1471383327500481391", "9000000000000000001"


@pytest.fixture
def bare(perch):
    """A state directory with the plugin and without a config."""
    perch.paths.config_file.unlink()
    return perch


def test_flags_alone_set_a_lane_up(bare) -> None:
    bare.script(*_LINKED)
    told = bare(
        f"onboard --channel parrot {_RISK} --dm-policy pairing --allow-from {FRIEND}"
        f" --pairing-reply silent --group-policy allowlist --group {GROUP} --group-allow-from *"
        " --owner-takeover 60m --agent echo --disclosure prefix --reload auto --quiet-hours 22:00-07:00"
        " --timezone Asia/Ho_Chi_Minh"
    )
    assert (told.code, told.err) == (0, "")
    assert read_source(bare.paths.config_file).data == {
        "channels": {
            "parrot": {
                "enabled": True,
                "dmPolicy": "pairing",
                "allowFrom": [FRIEND],
                "pairing": {"reply": "silent"},
                "groupPolicy": "allowlist",
                "groupAllowFrom": ["*"],
                "groups": {GROUP: {"requireMention": True}},
                "outbound": "approve",
                "acks": "on-reply",
                "ownerTakeover": "1h",
                "quietHours": {"from": "22:00", "to": "07:00", "do": "hold"},
                "disclosure": "prefix",
                "pacing": {"warmUp": True},
                "ownerCommands": False,
            }
        },
        "agents": {"defaults": {"brain": {"kind": "echo"}}},
        "gateway": {"reload": "auto"},
        "timezone": "Asia/Ho_Chi_Minh",
    }
    assert stat.S_IMODE(bare.paths.config_file.stat().st_mode) == 0o600
    assert bare.consent() == {"user": "42", "expendable": "no", "how": "--accept-risk"}
    assert bare.vault().identity() == ("42", "Nguyễn Văn An")
    assert bare("config validate").code == 0
    order = ["-- Risk --", "A parrot is loud", "-- Login --", "Linked as", "-- Config --", "Written:"]
    places = [told.out.index(words) for words in (*order, "openclaw gateway run", "openclaw verify")]
    assert places == sorted(places)


def test_what_is_missing_is_named_at_once_and_nothing_is_written(bare) -> None:
    told = bare("onboard --channel parrot --no-login")
    assert told.code == 1
    assert told.err == (
        "error: without a terminal the answers have to be flags; missing: --accept-risk, --expendable yes|no,"
        " --dm-policy pairing|allowlist|open|disabled, --group-policy disabled|allowlist|open,"
        " --agent echo|endpoint|model|acp|command|webhook, --disclosure first|prefix|off,"
        " --reload ask|auto; see: openclaw onboard --help; --yes accepts the defaults where there are any\n"
    )
    assert {one.name for one in bare.paths.state.iterdir()} == {"plugins.json"}


def test_each_policy_needs_what_belongs_to_it(bare) -> None:
    line = f"onboard --channel parrot --no-login {_RISK} --yes"
    told = bare(f"{line} --dm-policy allowlist --group-policy allowlist")
    assert "missing: --allow-from ID|NAME, --group-allow-from ID|NAME|'*', --group ID|NAME" in told.err
    told = bare(f"{line} --dm-policy disabled --pairing-reply code")
    assert told.err.startswith("error: --pairing-reply does not go with the policy that was chosen")
    assert not bare.paths.config_file.exists()


def test_yes_takes_what_is_proposed(bare) -> None:
    assert bare(f"onboard --channel parrot --no-login --yes {_RISK}").code == 0
    data = read_source(bare.paths.config_file).data
    block = data["channels"]["parrot"]
    assert (block["dmPolicy"], block["groupPolicy"]) == ("pairing", "disabled")
    assert block["pairing"] == {"reply": "friends-silent"}
    assert block["ownerTakeover"] == "30m"
    assert block["disclosure"] == "first"
    assert block["pacing"] == {"warmUp": True}
    assert "quietHours" not in block
    assert data.get("timezone", "") == machine_zone()


@pytest.mark.parametrize(
    ("flags", "written"),
    [
        ("--alerts off", None),
        (
            "--alerts webhook --alerts-url https://hook.example/a --alerts-secret-env HOOK",
            {"webhook": {"url": "https://hook.example/a", "secret": "${HOOK}"}},
        ),
        (
            "--alerts webhook --alerts-url http://127.0.0.1:9/a --alerts-secret-file SECRET",
            {"webhook": {"url": "http://127.0.0.1:9/a", "secret": {"file": "SECRET"}}},
        ),
        ("--alerts command --alerts-command /bin/tell", {"command": ["/bin/tell"]}),
    ],
)
def test_how_the_owner_is_told(
    bare, tmp_path: Path, flags: str, written: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("0123456789abcdef0123")
    monkeypatch.setenv("HOOK", "0123456789abcdef0123")
    flags = flags.replace("SECRET", str(secret))
    done = bare(f"onboard --channel parrot --no-login --yes {_RISK} {flags} --owner-commands yes")
    assert (done.code, done.err) == (0, "")
    block = read_source(bare.paths.config_file).data["channels"]["parrot"]
    assert str(block.get("alerts")) == str(written).replace("SECRET", str(secret))
    assert block["ownerCommands"] is True
    text = bare.paths.config_file.read_text()
    assert "0123456789abcdef0123" not in text + done.out
    assert ("openclaw alerts test" in text) == (written is not None)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--alerts-url https://a.example", "--alerts-url without --alerts"),
        ("--alerts webhook --alerts-secret-env A", "--alerts webhook needs --alerts-url"),
        ("--alerts webhook --alerts-url https://a.example", "in a variable or in a file"),
        ("--alerts webhook --alerts-url http://a.example --alerts-secret-env A", "must begin with https://"),
        ("--alerts webhook --alerts-url https://a.example --alerts-secret-env 1a", "do not write the key"),
        ("--alerts command --alerts-command x --alerts-to user:1", "--alerts-to does not go with"),
        ("--alerts thread --alerts-account work --alerts-to 1", "must be 'user:ID' or 'group:ID'"),
    ],
)
def test_flags_about_alerts_that_do_not_fit_write_nothing(bare, flags: str, told: str) -> None:
    done = bare(f"onboard --channel parrot --no-login --yes {_RISK} {flags}")
    assert done.code == 1
    assert told in done.err
    assert not bare.paths.config_file.exists()


def test_the_hosts_of_the_agent_that_was_chosen_are_told(bare) -> None:
    line = f"onboard --channel parrot --no-login --yes {_RISK}"
    told = bare(f"{line} --agent endpoint --agent-url https://models.example/v1").out
    risk, config = told.index("- main: an echo, sent nowhere"), told.index("-- Config --")
    assert risk < config < told.index("- main: models.example (abroad)")
    assert told.count("None of them agreed to that.") == 2


def test_an_echo_is_told_once(bare) -> None:
    told = bare(f"onboard --channel parrot --no-login --yes {_RISK}").out
    assert told.count("None of them agreed to that.") == 1


def test_an_open_policy_has_to_be_confirmed(bare) -> None:
    flags = "--dm-policy open --group-policy disabled --agent echo --reload ask"
    line = f"onboard --channel parrot --no-login {_RISK} {flags}"
    told = bare(line)
    assert told.code == 1
    assert "'open' has to be confirmed" in told.err
    told = bare(f"{line} --yes")
    assert told.code == 0
    assert "critical: channels.parrot.dmPolicy" in told.out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--allow-from *", "'*' means everybody"),
        ("--allow-from group:1", "a group does not belong in a sender list"),
        ("--allow-from Lan", "'Lan' is a name, and names cannot be looked up: nobody is logged in"),
        ("--agent endpoint", "--agent endpoint needs --agent-url"),
        ("--agent endpoint --agent-url ftp://x", "--agent-url: an address must be a URL"),
        ("--agent endpoint --agent-url http://a:b@c/", "must not hold a password"),
        ("--agent endpoint --agent-url http://x --agent-key-env sk-1234", "do not write the key itself"),
        ("--agent endpoint --agent-url http://x --agent-key-file /no/such", "cannot be read"),
        ("--agent webhook --agent-url https://x", "the secret of a webhook is in a variable or in a file"),
        (
            "--agent webhook --agent-url http://x.example --agent-key-env A",
            "http:// is for this machine only",
        ),
        ("--agent echo --agent-url http://x", "--agent-url does not go with --agent echo"),
        ("--agent-url http://x", "--agent-url without --agent"),
        ("--agent model --agent-model gpt", "--agent-model: write it as provider/model"),
        (
            "--timezone Asia/Hanoi",
            "'Asia/Hanoi' is no time zone; did you mean 'Asia/Ho_Chi_Minh'?",
        ),
        ("--quiet-hours 22-7", "--quiet-hours: '22-7' must be a time of day such as '22:00'"),
        ("--quiet-hours 22:00-22:00", "--quiet-hours: '22:00-22:00' 22:00–22:00 begins and ends at one time"),
        ("--account a/b", "'a/b' is not a valid account name"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(bare, flags: str, told: str) -> None:
    found = bare(f"onboard --channel parrot --no-login --yes {_RISK} {flags}")
    assert (found.code, told in found.err) == (1, True), found.err
    assert "sk-1234" not in found.err
    assert not bare.paths.config_file.exists()


def test_a_config_that_is_there_is_never_overwritten(perch) -> None:
    before = "{ channels: { parrot: { dmPolicy: 'disabled' /* ours */ } } }\n"
    perch.paths.config_file.write_text(before)
    line = f"onboard --channel parrot --no-login {_RISK} --yes"
    told = perch(f"{line} --dm-policy open")
    assert told.code == 1
    assert told.err == (
        "error: channels.parrot.dmPolicy is set already, in line 1;"
        " run: openclaw config set channels.parrot.dmPolicy VALUE\n"
    )
    assert perch.paths.config_file.read_text() == before
    told = perch(line)
    assert told.code == 0
    assert "Already set in line 1: dmPolicy: 'disabled'" in told.out
    text = perch.paths.config_file.read_text()
    assert "/* ours */" in text
    assert read_source(perch.paths.config_file).data["channels"]["parrot"] == {
        "dmPolicy": "disabled",
        "groupPolicy": "disabled",
    }
    assert "already says all of this" in perch(line).out
    assert perch.paths.config_file.read_text() == text


def test_yes_does_not_decide_what_people_are_told_for_an_account_that_is_there(perch) -> None:
    perch.configure("{ dmPolicy: 'allowlist', allowFrom: ['7'] }")
    assert perch(f"onboard --channel parrot --no-login --yes {_RISK}").code == 0
    block = read_source(perch.paths.config_file).data["channels"]["parrot"]
    assert "disclosure" not in block
    line = f"onboard --channel parrot --no-login --yes {_RISK} --disclosure off"
    assert perch(line).code == 0
    assert read_source(perch.paths.config_file).data["channels"]["parrot"]["disclosure"] == "off"


def test_a_broken_config_is_not_touched(perch) -> None:
    perch.paths.config_file.write_text("{ channels: ")
    told = perch(f"onboard --channel parrot --no-login --yes {_RISK}")
    assert told.code == 1
    assert "config.json5:1" in told.err
    assert perch.paths.config_file.read_text() == "{ channels: "


def test_one_more_account_is_added_beside_the_first(perch) -> None:
    perch.configure("{ name: 'Home', dmPolicy: 'allowlist', allowFrom: ['7'] /* me */ }")
    perch.link()
    perch.script("qr", "scanned", "confirmed", "43")
    line = f"channels add --channel parrot --account Work {_RISK} --yes"
    told = perch(line)
    assert (told.code, told.err) == (0, "")
    assert "Linked as Nguyễn Văn An (43)" in told.out
    assert "The existing account is now called 'default'; its settings are unchanged." in told.out
    assert perch.vault("work").identity() == ("43", "Nguyễn Văn An")
    assert perch.vault().identity() == ("42", "Nguyễn Văn An")
    block = read_source(perch.paths.config_file).data["channels"]["parrot"]
    assert block["accounts"]["default"] == {"name": "Home"}
    assert block["accounts"]["work"]["allowFrom"] == []
    assert "/* me */" in perch.paths.config_file.read_text()
    listed = {
        one["id"]: one["user"]["id"]
        for one in perch("channels list --json").json[0]["channels"]["parrot"]["accounts"].values()
    }
    assert listed == {"default": "42", "work": "43"}
    told = perch(line)
    assert told.code == 1
    assert "parrot has the account 'work' already" in told.err


def test_adding_without_a_name_asks_for_one(perch) -> None:
    told = perch(f"channels add --channel parrot {_RISK} --yes --no-login")
    assert told.code == 1
    assert "parrot has the account 'default' already; name another one with --account" in told.err


def test_programs_get_the_steps_of_the_login_and_then_one_result(bare) -> None:
    bare.script(*_LINKED)
    told = bare(f"onboard --channel parrot --yes --json {_RISK}")
    steps = [one["step"] for one in told.json]
    assert (told.code, steps[0], steps[-1]) == (0, "begin", "done")
    done = told.json[-1]
    assert done["ok"] is True
    assert (done["risk"]["label"], done["risk"]["expendable"]) == ("experimental, unofficial", "no")
    assert done["user"] == {"id": "42", "name": "Nguyễn Văn An"}
    assert done["config"]["written"] is True
    assert done["next"] == ["openclaw gateway run", "openclaw verify --channel parrot"]


def test_the_plugin_is_installed_and_enables_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perch
) -> None:
    state = tmp_path / "fresh"
    monkeypatch.setenv("CLAWLANE_STATE_DIR", str(state))
    told = perch(f"onboard {_RISK} --yes --no-login --dm-policy allowlist")
    assert told.code == 1
    assert not state.exists()
    told = perch(f"onboard {_RISK} --yes --no-login")
    assert told.code == 0
    assert "Installed: zalouser" in told.out
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_phone_number_is_refused_with_the_way_to_the_id(perch, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "fresh"))
    assert perch("plugins install @openclaw/zalouser").code == 0
    told = perch(f"onboard {_RISK} --yes --no-login --allow-from 0987654321")
    assert told.code == 1
    assert "'0987654321' looks like a telephone number, and no id is one" in told.err
    assert "openclaw directory peers list --channel zalouser --query NAME" in told.err
