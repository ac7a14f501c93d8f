"""`channels logout|status|list` and `pairing`, where no gateway runs."""

from __future__ import annotations

import pytest
from msgspec.structs import fields

from clawlane.ops.account_status import AccountStatus


def test_logout_forgets_the_session_and_says_so(perch) -> None:
    perch.link()
    assert perch("channels logout --channel parrot").out == (
        "Logged out parrot/default: its session is removed from this machine.\n"
    )
    assert perch.vault().identity() is None


def test_logout_of_nobody_is_no_error(perch) -> None:
    told = perch("channels logout --channel parrot")
    assert (told.code, told.out) == (
        0,
        "Nobody was logged in on parrot/default; there was nothing to clear.\n",
    )


def test_an_unknown_account_is_an_error_that_names_the_known(perch) -> None:
    perch.configure("{ accounts: { work: {}, home: {} } }")
    for command in ("login", "logout", "status"):
        told = perch(f"channels {command} --channel pol --account wrk")
        assert (told.code, told.err) == (
            1,
            "error: parrot has no account 'wrk'; its accounts are: home, work\n",
        )


def test_status_without_a_gateway_tells_what_is_known(perch) -> None:
    perch.configure("{ dmPolicy: 'allowlist', accounts: { work: {}, home: {} } }")
    perch.link("home")
    told = perch("channels status")
    assert told.code == 5
    assert "Gateway: not running; start it: openclaw gateway run" in told.out
    assert "Parrot [parrot] (experimental, unofficial)" in told.out
    assert "as Nguyễn Văn An (42)" in told.out
    assert "→ openclaw channels login --channel parrot --account work" in told.out
    assert "allowlist (from channels.parrot.dmPolicy, line 1)" in told.out
    assert "allowlist (built-in; set it with channels.parrot.groupPolicy)" in told.out


def test_status_names_each_conversation_where_something_else_may_leave(perch) -> None:
    friend, other = "1471383327500481391", "1471383327500481392"
    perch.configure(
        f"{{ outbound: 'approve', dms: {{ '{friend}': {{ outbound: 'auto' }},"
        f" '{other}': {{ outbound: 'approve' }} }},"
        " groups: { Work: { outbound: 'off' }, Quiet: {} } }"
    )
    told = perch("channels status").out
    assert "outbound   approve (from channels.parrot.outbound, line 1)" in told
    assert f"auto (from channels.parrot.dms['{friend}'].outbound, line 1)" in told
    assert "off (from channels.parrot.groups.Work.outbound, line 1)" in told
    assert other not in told
    assert "groups.Quiet" not in told


def test_status_names_a_rehearsal(perch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "REHEARSAL" not in perch("channels status").out
    monkeypatch.setenv("PARROT_CAGE", "127.0.0.1:4443")
    assert "REHEARSAL: a simulator on 127.0.0.1:4443" in perch("channels status").out


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ("ok", "probe      ok: An (42), 7 ms"),
        ("expired", "probe      session expired: error_code 102"),
        ("down", "probe      failed: error_code 102"),
    ],
)
def test_a_probe_asks_the_platform_also_without_a_gateway(
    perch, monkeypatch: pytest.MonkeyPatch, found: str, told: str
) -> None:
    perch.link()
    monkeypatch.setenv("PARROT_PROBE", found)
    assert told in perch("channels status --probe").out


def test_status_in_json_carries_the_exit_code_and_the_risk_record(perch) -> None:
    perch.link()
    (told,) = perch("channels status --json").json
    assert (told["ok"], told["exit_code"], told["running"]) == (False, 5, False)
    account = told["channels"]["parrot"]["accounts"]["parrot/default"]  # type: ignore[index]
    assert account["risk"]["expendable"] == "not asked"
    assert account["user"] == {"id": "42", "name": "Nguyễn Văn An"}


def test_status_without_a_gateway_has_every_key_and_makes_no_store(perch) -> None:
    (told,) = perch("channels status --json").json
    account = told["channels"]["parrot"]["accounts"]["parrot/default"]
    made_anew = {"identity", "consent", "probe"}
    assert account.keys() == {one.name for one in fields(AccountStatus)} - made_anew | {"user", "risk"}
    assert account["outbox"] == {"queued": 0, "unknown": 0}
    assert account["pairing"] == {"pending": 0, "silent": 0, "held": 0}
    no_config = {
        "error": None,
        "changed": False,
        "revision": "",
        "waiting": [],
        "waiting_revision": "",
        "applied_ms": None,
        "again_ms": None,
    }
    assert (told["gateway"], told["config"]) == (None, no_config)
    assert told["rules"]["source"] == "file"
    assert not perch.paths.store.exists()


def test_status_in_json_says_by_a_code_why_nothing_runs(perch) -> None:
    perch.configure("{ accounts: { work: {}, home: {}, den: {} } }")
    perch.link("home")
    (sealed,) = perch.paths.vault_dir.glob("*home.session")
    sealed.with_name(sealed.name.replace("home", "den")).write_bytes(b"torn")
    (told,) = perch("channels status --json").json
    accounts = told["channels"]["parrot"]["accounts"]  # type: ignore[index]
    codes = {name.partition("/")[2]: account["code"] for name, account in accounts.items()}
    assert codes == {"work": "not_logged_in", "home": "gateway_down", "den": "session_unreadable"}


def test_status_of_a_channel_without_a_block_says_that_it_is_off(perch) -> None:
    perch.paths.config_file.write_text("{}")
    told = perch("channels status --channel parrot")
    assert (told.code, told.err) == (5, "error: the config has no block for parrot, so it is off\n")


def test_the_list_names_the_accounts_and_with_all_what_else_there_is(perch) -> None:
    perch.configure("{ accounts: { work: { enabled: false }, home: {} } }")
    perch.link("home")
    title = "Parrot [parrot] (experimental, unofficial)"
    assert perch("channels list").out.splitlines() == [
        f"{title} home: enabled, linked as Nguyễn Văn An (42)",
        f"{title} work: disabled, not linked",
        "Rules: from the file (no gateway runs)",
    ]
    assert perch("channels list --all").out.splitlines()[-3:-1] == [
        "Zalo Personal [zalouser] (experimental, unofficial): "
        "not installed; openclaw plugins install @openclaw/zalouser",
        "  The official way is a Zalo Bot (Bot API; OpenClaw has it as channel 'zalo').",
    ]


def test_nobody_waits_before_anybody_wrote(perch) -> None:
    assert perch("pairing list parrot").out == "Nobody is waiting on parrot.\n"
    assert perch("pairing list --channel pol --json").json == [
        {"ok": True, "channel": "parrot", "requests": []}
    ]


def test_an_unknown_code_is_one_line_with_the_command(perch) -> None:
    told = perch("pairing approve parrot abcd2345")
    assert told.code == 1
    assert told.err.count("\n") == 1
    assert "openclaw pairing list parrot" in told.err


def test_an_approval_needs_a_code(perch) -> None:
    assert perch("pairing approve").code == 1


def test_the_only_channel_is_meant_where_none_is_named(perch) -> None:
    assert perch("channels logout").code == 0
