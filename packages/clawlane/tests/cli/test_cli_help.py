"""Every command from outside: its help, pages without a network, and what shells complete."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib.resources import files

import click
import pytest

from clawlane.cli.help import TOPICS
from clawlane.cli.main import cli, run
from clawlane.cli.output import columns

_BOX = ("channels add", "channels login", "channels logout", "channels status", "channels list")
"""Commands about a channel whose help has to say what it is."""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command, by its words behind `openclaw`."""

    def below(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
        yield " ".join(words), command
        if isinstance(command, click.Group):
            ctx = click.Context(command)
            for name in command.list_commands(ctx):
                found = command.get_command(ctx, name)
                assert found is not None
                yield from below(found, (*words, name))

    yield from below(cli, ())


ALL = dict(commands())


def _returns(command: click.Command) -> object:
    """What a command gives: an exit code of its own, or None for 0 and 1 alone."""
    if command.callback is None or isinstance(command, click.Group):
        return None
    given = inspect.unwrap(command.callback).__annotations__.get("return")
    return None if given == "None" else given


@pytest.mark.parametrize("words", ALL, ids=lambda words: words or "openclaw")
def test_every_command_has_a_help_that_fits_80_columns(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*words.split(), "-h"], "openclaw") == 0
    short = capsys.readouterr().out
    assert run([*words.split(), "--help"], "openclaw") == 0
    assert capsys.readouterr().out == short
    assert [line for line in short.splitlines() if columns(line) > 80] == []
    assert short.startswith(f"Usage: openclaw {words}".rstrip())


@pytest.mark.parametrize("words", [w for w, found in ALL.items() if not isinstance(found, click.Group)])
def test_every_command_shows_an_example_of_itself(words: str) -> None:
    example = rf"^ +(\(.*; |.* && |\w+=\S+ )?openclaw {words}\b"
    assert re.search(example, ALL[words].help or "", re.M), f"{words} has no example"


@pytest.mark.parametrize("words", [*_BOX, "channels capabilities", "verify"])
def test_what_is_about_a_channel_says_what_that_is(words: str) -> None:
    assert "experimental, unofficial" in " ".join((ALL[words].help or "").split())


_OWN_CODES = [words for words, found in ALL.items() if _returns(found) is not None]


@pytest.mark.parametrize("words", _OWN_CODES)
def test_exit_codes_stand_in_the_help_of_a_command_and_on_the_page(words: str) -> None:
    page = files("clawlane.cli").joinpath("topics", "exit-codes.txt").read_text(encoding="utf-8")
    assert re.search(rf"(^|, ){words}(,| \(|  |$)", page, re.M), f"{words} is not on the page"
    assert re.search(r"^ *Exit code\b", ALL[words].help or "", re.M), f"{words} does not say them"


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_is_a_page_that_fits_a_terminal(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", topic], "openclaw") == 0
    text = capsys.readouterr().out
    page = files("clawlane.cli").joinpath("topics", f"{topic}.txt").read_text(encoding="utf-8")
    assert text.startswith(page)
    lines = page.splitlines()
    assert len(lines) <= 40
    assert max(map(columns, lines)) <= 80


@pytest.mark.parametrize("topic", TOPICS)
def test_the_commands_of_a_page_exist(topic: str) -> None:
    page = files("clawlane.cli").joinpath("topics", f"{topic}.txt").read_text(encoding="utf-8")
    for line in page.splitlines():
        _, found, rest = line.partition("openclaw ")
        words = rest.split()
        known = [n for n in range(1, len(words) + 1) if " ".join(words[:n]) in ALL]
        assert not found or known, line


def test_help_knows_commands_too_and_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "channels", "status"], "openclaw") == 0
    assert "Usage: openclaw channels status" in capsys.readouterr().out
    assert run(["help"], "openclaw") == 0
    assert all(topic in capsys.readouterr().out for topic in list(TOPICS)[:1])
    assert run(["help", "nothing"], "openclaw") == 1
    assert "topics: getting-started" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_for_this_program(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell], "openclaw") == 0
    assert f"_OPENCLAW_COMPLETE={shell}_complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("openclaw pai", ["pairing"]),
        ("openclaw channels lo", ["login", "logout", "logs"]),
        ("openclaw channels login --channel ", ["parrot"]),
        ("openclaw channels login --channel parrot --account ", ["default"]),
        ("openclaw channels login --channel zalouser --account ", []),
        ("openclaw plugins inf", ["info"]),
    ],
)
def test_shells_complete_commands_channels_and_accounts(
    perch, line: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    perch.link()
    capsys.readouterr()
    perch.setenv("COMP_WORDS", line)
    perch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    perch.setenv("_OPENCLAW_COMPLETE", "bash_complete")
    with pytest.raises(SystemExit, match="0"):
        run([], "openclaw")
    found = [one.partition(",")[2] for one in capsys.readouterr().out.splitlines() if one]
    assert found == expected


def test_accounts_of_a_database_are_completed_from_the_config(
    perch, capsys: pytest.CaptureFixture[str]
) -> None:
    perch.configure(
        "{ accounts: { shop: {}, home: {} } }", "store: { url: 'postgresql://lane@127.0.0.1:1/lane' }"
    )
    perch.setenv("COMP_WORDS", "openclaw channels login --account ")
    perch.setenv("COMP_CWORD", "4")
    perch.setenv("_OPENCLAW_COMPLETE", "bash_complete")
    with pytest.raises(SystemExit, match="0"):
        run([], "openclaw")
    assert capsys.readouterr().out.split() == ["plain,home", "plain,shop"]


def test_the_risk_is_in_what_programs_read(perch) -> None:
    (listed,) = perch("channels list --json").json
    assert listed["channels"]["parrot"]["risk"]["text"].startswith("A parrot is loud")
    perch.link()
    (status,) = perch("channels status --json").json
    account = status["channels"]["parrot"]["accounts"]["parrot/default"]
    assert account["risk"]["text"].startswith("A parrot is loud")
    assert account["risk"]["expendable"] == "not asked"
    assert account["risk"]["accepted_ms"]
    perch.script("qr", "scanned", "confirmed", "42")
    steps = perch("channels login --channel parrot --force --json").json
    (linked,) = (step for step in steps if step["step"] == "linked")
    assert linked["risk"]["text"].startswith("A parrot is loud")
    assert linked["risk"]["expendable"] == "not asked"
