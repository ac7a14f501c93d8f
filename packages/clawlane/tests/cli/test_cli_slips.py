"""What an operator who slips is told: one user on two accounts, broken configs, narrow terminals."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from clawlane.cli.output import columns, print_table, wrapped

_TWO = "{ accounts: { work: {}, home: {} } }"


def test_one_user_on_two_accounts_is_refused_and_nothing_is_replaced(perch) -> None:
    perch.configure(_TWO)
    perch.link("work")
    perch.script("qr", "43")
    assert perch("channels login --channel parrot --account home --accept-risk").code == 0
    before = asyncio.run(perch.vault("home").read())
    perch.script("qr", "42")
    told = perch("channels login --channel parrot --account home --accept-risk --force")
    assert told.code == 1
    assert told.err == (
        "error: Nguyễn Văn An (42) is linked on parrot/work already; on two accounts each would end the "
        "other's session. Nothing was changed on parrot/home, but the scan has ended the session of "
        "parrot/work: it does not connect again by itself; bring it back: openclaw channels login --channel "
        "parrot --account work --force; for parrot/home scan with the phone of another account, or first: "
        "openclaw channels logout --channel parrot --account work\n"
    )
    before_the_scan = (
        "Do not scan with the phone of parrot/work (Nguyễn Văn An, 42): a scan ends that session."
    )
    assert before_the_scan in " ".join(told.out.split())
    assert perch.vault("home").identity() == ("43", "Nguyễn Văn An")
    assert asyncio.run(perch.vault("home").read()) == before
    assert perch.vault("work").identity() == ("42", "Nguyễn Văn An")


def test_the_same_account_may_log_in_again(perch) -> None:
    perch.configure(_TWO)
    perch.link("work")
    perch.script("qr", "42")
    assert perch("channels login --channel parrot --account work --accept-risk --force").code == 0


def test_after_a_logout_the_user_may_move(perch) -> None:
    perch.configure(_TWO)
    perch.link("work")
    assert perch("channels logout --channel parrot --account work").code == 0
    perch.link("home")


def test_one_user_on_two_accounts_is_found_by_doctor(perch) -> None:
    perch.configure("{ accounts: { work: {} } }")
    perch.link("work")
    perch.configure("{ accounts: { home: {} } }")
    perch.link("home")
    perch.configure(_TWO)
    (told,) = perch("doctor --json").json
    (one,) = [one for one in told["findings"] if one["code"] == "one_user_twice"]
    assert (one["severity"], one["concerns"]) == ("error", ["parrot/home", "parrot/work"])
    assert "openclaw channels logout --channel parrot --account work" in one["fix"]
    perch.configure("{ accounts: { work: { enabled: false }, home: {} } }")
    (told,) = perch("doctor --json").json
    assert "one_user_twice" not in {one["code"] for one in told["findings"]}


# logout


@pytest.mark.parametrize(
    "config", ["{ channels: ", "{ channels: { parrot: { dmPolicy: 3 } } }", "[]", "{ x: 1 }"]
)
def test_logout_works_with_a_broken_config(perch, config: str) -> None:
    perch.link()
    perch.paths.config_file.write_text(config)
    told = perch("channels logout --channel parrot")
    assert told.code == 0
    assert told.out == "Logged out parrot/default: its session is removed from this machine.\n"
    assert told.err.startswith("warning: the config does not load (")
    assert told.err.endswith("this was about the profile 'default'\n")
    assert perch.vault().identity() is None


def test_logout_reads_the_profile_from_what_is_left_of_the_config(perch) -> None:
    perch.configure("{ accounts: { Work: { profile: 'shop' }, home: {} } }")
    perch.link("work")
    perch.configure("{ dmPolicy: 'x', accounts: { Work: { profile: 'shop' }, home: {} } }")
    assert perch("channels logout --channel parrot --account work").code == 0
    assert perch.vault("shop").identity() is None


def test_logout_asks_which_session_is_meant_where_nothing_can_be_read(perch) -> None:
    perch.configure("{ accounts: { work: {} } }")
    perch.link("work")
    perch.configure(_TWO)
    perch.script("qr", "43")
    assert perch("channels login --channel parrot --account home --accept-risk").code == 0
    perch.paths.config_file.write_text("{")
    told = perch("channels logout --channel parrot")
    assert told.code == 1
    assert told.err.endswith("name the profile with --account: home, work\n")
    assert perch("channels logout --channel parrot --account home").code == 0
    assert (perch.vault("home").identity(), perch.vault("work").identity() is None) == (None, False)


def test_logout_works_without_the_plugin(perch) -> None:
    perch.link()
    perch.paths.plugins_file.unlink()
    assert perch("channels logout --channel parrot").code == 0
    assert perch.vault().identity() is None
    assert perch("channels logout --channel parrot").code == 1


# policy explain


def test_policy_explain_before_the_login_answers_as_if_linked(perch) -> None:
    perch.configure("{ groupPolicy: 'open', groupAllowFrom: ['*'] }")
    words = "policy explain --from 7 --group 9"
    assert perch(words).out.startswith("pend (mention_required)")
    told = perch(f"{words} --mention")
    assert told.out.startswith("admit (group_admitted)")
    assert "parrot/default is not linked; this assumes that it is" in told.out
    assert perch(f"{words} --json").json[0]["linked"] is False
    perch.link()
    assert "not linked" not in perch(f"{words} --mention").out
    assert perch(f"{words} --json").json[0]["linked"] is True


# Findings are data


def test_a_path_with_blanks_stays_whole_and_everything_is_said_once(perch) -> None:
    perch.configure(
        "{ groupPolicy: 'allowlist', groups: { 'Work Chat': { allow: false } }, dmPolicy: 'open',"
        " accounts: { work: {}, home: {} } }"
    )
    (told,) = perch("doctor --json").json
    denied = [one for one in told["findings"] if one["code"] == "denial_unresolved"]
    assert [(one["path"], one["line"], one["concerns"]) for one in denied] == [
        ("channels.parrot.groups['Work Chat'].allow", 1, ["parrot/home", "parrot/work"])
    ]
    said = [(one["code"], one["path"], one["text"]) for one in told["findings"]]
    assert len(said) == len(set(said))
    out = perch("doctor").out
    assert out.count("'open' lets anybody write directly") == 1
    assert out.count("'Work Chat' has not been looked up yet") == 1


# Terminals


def test_tables_break_between_words_at_the_terminals_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(("ID", "TEXT"), [("8200000000000000001", "một câu dài hơn chỗ có"), ("2", "ngắn")])
    assert capsys.readouterr().out.splitlines() == [
        "ID                   TEXT",
        "8200000000000000001  một câu dài hơn chỗ",
        "                     có",
        "2                    ngắn",
    ]


def test_a_table_that_cannot_fit_goes_row_by_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_table(("CODE", "ID"), [("ABCDEFGH1234", "8200000000000000001"), ("B", "2")])
    assert capsys.readouterr().out.splitlines() == [
        "CODE  ABCDEFGH1234",
        "ID    8200000000000000001",
        "",
        "CODE  B",
        "ID    2",
    ]


def test_into_a_file_a_table_is_as_wide_as_it_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(("A", "B"), [("x " * 60 + "x", "y")])
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("width", [20, 40, 80])
def test_wrapped_lines_are_never_wider_than_asked(width: int) -> None:
    text = "Zalo may warn, suspend or ban the account 警告 账号 for good " * 3
    lines = list(wrapped(text, width, "  ", "    "))
    assert all(columns(line) <= width for line in lines)
    assert " ".join(" ".join(lines).split()) == text.strip()


@pytest.mark.parametrize("width", ["50", "80"])
def test_what_a_person_reads_fits_the_terminal(perch, width: str) -> None:
    perch.setenv("COLUMNS", width)
    perch.configure("{ dmPolicy: 'open', groupPolicy: 'open', allowFrom: ['Lan', '+84987654321'] }")
    for command in ("channels login --accept-risk --channel parrot", "doctor", "policy explain --from 7"):
        perch.script("expired")
        for line in perch(command).out.splitlines():
            assert columns(line) <= int(width) or max(map(len, line.split())) > int(width) - 12, line


def test_backups_follow_no_link(perch, tmp_path: Path) -> None:
    from clawlane.config.edit import Edit, backup_of, edit
    from clawlane.config.source import read_source

    perch.configure("{ allowFrom: ['Lan'] }")
    target = tmp_path / "precious"
    target.write_text("precious")
    backup_of(perch.paths.config_file).symlink_to(target)
    source = read_source(perch.paths.config_file)
    edit(source, [Edit(("channels", "parrot", "allowFrom", 0), "7")])
    assert target.read_text() == "precious"
    kept = backup_of(perch.paths.config_file)
    assert (kept.is_symlink(), "'Lan'" in kept.read_text()) == (False, True)
    assert perch("config get channels.parrot.allowFrom --json").json[0]["value"] == ["7"]
