"""Questions at a terminal: what keys and typed lines come to."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from clawlane.cli import setup_agent, setup_policies
from clawlane.cli.prompt_options import Option, marked_names, matching
from clawlane.cli.prompts import Keyed, Prompts, Typed, prompts

ENTER, TAB, UP, DOWN, ESCAPE, CTRL_C, CTRL_D = "\r", "\t", "\x1b[A", "\x1b[B", "\x1b", "\x03", "\x04"
WORDS = (Option("a", "first", "The first."), Option("b", "second"), Option("c", "third"))
LAN, HUNG, OTHER = (
    Option("11", "Trần Thị Lan", "id 11", ("Lan Béo",)),
    Option("12", "Đặng Hùng", "id 12"),
    Option("13", "Trần Thị Lan", "id 13"),
)
FRIENDS = (LAN, HUNG, OTHER)


@contextmanager
def keys(*pressed: str) -> Iterator[Prompts]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text("".join(pressed))
        yield Keyed()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Prompts]:
    def lines(*typed: str) -> Prompts:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
        return Typed()

    return lines


def only_ids(text: str) -> str:
    return "" if text.isdecimal() else f"'{text}' is no id"


@pytest.mark.parametrize(
    ("pressed", "chosen"),
    [((ENTER,), "b"), ((DOWN, ENTER), "c"), ((UP, ENTER), "a"), ((DOWN, DOWN, ENTER), "a")],
)
def test_choosing_begins_at_the_proposal(pressed: tuple[str, ...], chosen: str) -> None:
    with keys(*pressed) as asked:
        assert asked.choose("Which?", WORDS, "b") == chosen


@pytest.mark.parametrize(
    ("pressed", "picked"),
    [
        ((ENTER,), []),
        ((" ", ENTER), ["11"]),
        ((TAB, DOWN, TAB, ENTER), ["11", "12"]),
        ((TAB, TAB, ENTER), []),
        ((DOWN, DOWN, DOWN, DOWN, TAB, ENTER), ["13"]),
        (("dang hung", TAB, ENTER), ["12"]),
        (("tran thi", DOWN, TAB, ENTER), ["13"]),
        (("beo", TAB, ENTER), ["11"]),
        (("13", TAB, ENTER), ["13"]),
        (("hung", ENTER, TAB, ENTER), ["12"]),
        (("xyz", TAB, ENTER, "\x7f\x7f\x7f", TAB, ENTER), ["11"]),
        (("99", TAB, "hung", TAB, ENTER), ["99", "12"]),
    ],
)
def test_picking_filters_by_what_is_typed(pressed: tuple[str, ...], picked: list[str]) -> None:
    with keys(*pressed) as asked:
        assert asked.pick("Who?", FRIENDS, only_ids) == picked


def test_thousands_are_filtered_as_quickly_as_ten() -> None:
    many = [Option(str(number), f"Friend {number}") for number in range(5000)]
    with keys("friend 4999", TAB, ENTER) as asked:
        assert asked.pick("Who?", many) == ["4999"]


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_picking_can_be_stopped(key: str) -> None:
    with keys(TAB, key) as asked, pytest.raises(KeyboardInterrupt):
        asked.pick("Who?", FRIENDS)


def test_choosing_and_typing_can_be_stopped() -> None:
    with keys(CTRL_C) as asked, pytest.raises(KeyboardInterrupt):
        asked.choose("Which?", WORDS)
    with keys("abc", CTRL_C) as asked, pytest.raises(KeyboardInterrupt):
        asked.text("What?")
    with keys(CTRL_C) as asked, pytest.raises(KeyboardInterrupt):
        asked.confirm("Sure?", proposed=True)


def test_a_text_is_taken_once_nothing_is_wrong_with_it() -> None:
    with keys("x", ENTER, "\x7f", "7", ENTER) as asked:
        assert asked.text("Number?", check=only_ids) == "7"


@pytest.mark.parametrize(("pressed", "said"), [((ENTER,), True), (("n",), False), (("y",), True)])
def test_yes_or_no_is_one_key(pressed: tuple[str, ...], said: bool) -> None:
    with keys(*pressed) as asked:
        assert asked.confirm("Sure?", proposed=True) is said


def test_typed_choices_are_numbers_words_or_the_proposal(typed) -> None:
    assert typed("9", "x", "3").choose("Which?", WORDS, "b") == "c"
    assert typed("a").choose("Which?", WORDS, "b") == "a"
    assert typed("").choose("Which?", WORDS, "b") == "b"


def test_typed_picks_list_who_fits(typed, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("lan", "1 2", "nobody", "77", "").pick("Who?", FRIENDS, only_ids) == ["11", "13", "77"]
    told = capsys.readouterr().out
    assert "Chosen: Trần Thị Lan (11), Trần Thị Lan (13)" in told
    assert "'nobody' is no id" in told


def test_typed_answers_are_asked_for_again(typed) -> None:
    assert typed("maybe", "no").confirm("Sure?") is False
    assert typed("").confirm("Sure?", proposed=True) is True
    assert typed("x", "7").text("Number?", check=only_ids) == "7"


def test_the_end_of_typed_input_stops(typed) -> None:
    with pytest.raises(KeyboardInterrupt):
        typed().choose("Which?", WORDS)


@pytest.mark.parametrize(
    ("term", "kind"), [("xterm", Keyed), ("dumb", Typed), ("unknown", Typed), ("", Typed)]
)
def test_the_terminal_decides(term: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    assert isinstance(prompts(), kind)


def test_names_that_are_not_unique_are_shown_with_their_ids() -> None:
    assert marked_names([LAN, HUNG, OTHER]) == "Trần Thị Lan (11), Đặng Hùng, Trần Thị Lan (13)"
    assert marked_names([]) == "none"
    assert matching(FRIENDS, " ") == list(FRIENDS)


_ON_ONE_LINE = 80 - len("  Description: Proposed. ")
"""Columns for what is said of a choice: the prompt cuts what is longer."""


@pytest.mark.parametrize("module", [setup_agent, setup_policies])
def test_what_is_said_of_a_choice_fits_its_line(module: ModuleType) -> None:
    lists = [value for value in vars(module).values() if isinstance(value, tuple)]
    notes = [one.note for value in lists for one in value if isinstance(one, Option)]
    assert len(notes) > 4
    assert [note for note in notes if len(note) > _ON_ONE_LINE] == []
