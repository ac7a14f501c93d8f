"""Scenario files: what they can say, and what is said of one with mistakes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clawlane.channel import Phase
from clawlane.rehearsal import clock_marks
from clawlane.rehearsal.errors import RehearsalError, ScenarioError
from clawlane.rehearsal.scenario import Decide, Outcome, Scenario, load
from clawlane.rehearsal.yaml_reader import YamlError, read, typed
from clawlane.texts import in_locale, t


def scenario(tmp_path: Path, steps: str, head: str = "title: A try\n") -> Scenario:
    file = tmp_path / "try.yaml"
    file.write_text(f"{head}steps:\n{steps}", encoding="utf-8")
    return load(file)


def mistake(tmp_path: Path, steps: str, head: str = "title: A try\n") -> str:
    with pytest.raises(RehearsalError) as error:
        scenario(tmp_path, steps, head)
    return str(error.value)


def test_a_step_has_one_verb_and_what_is_expected_of_it(tmp_path: Path) -> None:
    read = scenario(
        tmp_path,
        """
  - who: Lan
    in: Nhóm
    says: [một, hai]
    mention: true
    as: first
    expect: [answered, held]
    sent: xin chào
    messages: 2
  - do: kick
    state: replaced
  - sees: connected
  - fault: {does: error, code: -216, retry_after: "1"}
""",
        "title: A try\npeople: {Lan: friend}\ngroups: {Nhóm: [Lan]}\n",
    )
    says, kick, _, fault = read.steps
    assert [step.verb for step in read.steps] == ["says", "do", "sees", "fault"]
    assert says.expect == (Outcome.ANSWERED, Outcome.HELD)
    assert (says.says, says.sent, says.messages, says.label) == (("một", "hai"), ("xin chào",), 2, "first")
    assert kick.state is Phase.REPLACED
    assert fault.fault == {"does": "error", "code": -216, "retry_after": "1"}
    assert read.lines == (6, 14, 16, 17)
    assert read.name == "try"


def test_the_operator_decides_about_a_draft(tmp_path: Path) -> None:
    steps = scenario(
        tmp_path,
        """
  - {who: friend, says: hello, as: first, expect: drafted, unsent: hello, unseen: [typed, seen]}
  - {draft: first, decide: edit, text: "007", expect: drafted}
  - {draft: first, decide: approve, messages: 1}
""",
    ).steps
    assert [(one.verb, one.decide, one.text) for one in steps[1:]] == [
        ("draft", Decide.EDIT, "007"),
        ("draft", Decide.APPROVE, None),
    ]
    assert (steps[0].unsent, steps[0].unseen) == (("hello",), ("typed", "seen"))


@pytest.mark.parametrize("text", ["no", "007", "2026-01-01", "null", "1e3", "0x10", "~"])
def test_a_text_is_what_was_typed(tmp_path: Path, text: str) -> None:
    assert scenario(tmp_path, f"  - who: stranger\n    says: {text}\n").steps[0].says == (text,)


def test_only_those_who_are_named_are_made(tmp_path: Path) -> None:
    read = scenario(
        tmp_path,
        "  - {who: stranger, says: hello}\n  - {who: owner, says: hi, to: Lan}\n",
        "title: x\npeople:\n  Lan: {name: Lan Anh, friend: true}\n",
    )
    cast = read.cast()
    assert {name: (one.name, one.friend) for name, one in cast.items()} == {
        "stranger": ("Phạm Quốc Bảo", False),
        "Lan": ("Lan Anh", True),
    }


MISTAKES = [
    ("  - who: friend\n    says: hello\n    expct: dropped\n", "line 5: steps[1].expct: did you mean"),
    ("  - who: stranger\n    says: hello\n    expect: answerd\n", "line 5: steps[1].expect"),
    ("  - says: hello\n", "line 3: steps[1]: `says` needs a `who`"),
    ("  - who: stranger\n", "line 3: steps[1]: a step needs one of: says, sends"),
    ("  - {who: stranger, says: a, sends: photo}\n", "`says` and `sends` are two steps"),
    ("  - {do: cut, expect: answered}\n", "`expect` is about messages, not `do`"),
    ("  - {sees: typed, unseen: seen}\n", "line 3: steps[1]: `unseen` is about messages, not `sees`"),
    ("  - {draft: first, decide: drop}\n", "line 3: no message before this is called 'first'"),
    ("  - {draft: first}\n", "line 3: steps[1]: `draft` needs `decide`: approve, edit, drop"),
    ("  - {draft: first, decide: send}\n", "line 3: steps[1].decide: Input should be 'approve', 'edit'"),
    ("  - {draft: first, decide: edit}\n", "it comes with `decide: edit`"),
    ("  - {draft: first, decide: drop, text: a}\n", "it comes with `decide: edit`"),
    ("  - {who: friend, says: a, decide: drop}\n", "`decide` and `text` need a `draft`"),
    ("  - {who: Lan, says: hello}\n", "line 3: nobody is called 'Lan'; people are friend, stranger"),
    ("  - {who: friend, in: Họp, says: hello}\n", "line 3: there is no group 'Họp'; groups are none"),
    ("  - {look: first, expect: answered}\n", "line 3: no message before this is called 'first'"),
    ("  - {wait: 31}\n", "line 3: steps[1].wait: Input should be less than or equal to 30"),
    ("  - {who: friend, says: a, times: 101}\n", "less than or equal to 100"),
    ("  - {who: friend, says: &x a}\n", "line 3: anchors and aliases"),
    ("  - {who: friend, says: !!python/name:os.system a}\n", "line 3: tags (!) are not read"),
    ("  - {who: friend, who: stranger, says: a}\n", "line 3: 'who' stands here twice"),
    ("  - {who: friend, says: [[[[[[[[a]]]]]]]]}\n", "line 3: this is nested too deep: at most 8 levels"),
    ("  - [\n", "this is not YAML"),
    ("  - {wait: 1}\n---\nsteps: []\n", "line 4: this is a second document"),
    ("  []\n", "line 2: steps"),
    ("".join(["  - {wait: 1}\n"] * 201), "line 2: steps: Tuple should have at most 200 items"),
    ("".join(["  - {wait: 1}\n"] * 2000), "this is too long: at most 5000 values"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "words"), MISTAKES)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, steps: str, words: str) -> None:
    assert words in mistake(tmp_path, steps)


@pytest.mark.parametrize("steps", [steps for steps, _ in MISTAKES])
def test_a_mistake_is_named_in_vietnamese_too(tmp_path: Path, steps: str) -> None:
    with pytest.raises(ScenarioError) as error:
        scenario(tmp_path, steps)
    for problem in error.value.problems:
        with in_locale("vi"):
            said = t(problem)
        assert said.startswith("try.yaml dòng ")
        assert not {"should", "nobody", "needs", "there", "this"} & set(said.lower().split())


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        scenario(tmp_path, "  - {wait: x}\n  - {state: up}\n", "titel: A try\n")
    assert [line.partition(" Input")[0] for line in error.value.problems] == [
        "try.yaml line 1: the scenario: `title` is missing",
        "try.yaml line 1: titel: did you mean 'title'?",
        "try.yaml line 3: steps[1].wait:",
        "try.yaml line 4: steps[2].state:",
    ]


def test_what_is_no_scenario_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    for content, words in (
        (b"- 1\n", "line 1: a scenario begins with `title:`"),
        (b"", "line 1: a scenario begins with `title:`"),
        (b"\xff\xfe", "is not a text in UTF-8"),
        (b"#" * 70_000, "is too long: a scenario has at most 64 KiB"),
        (b"title: a\x00b\n", "this is not YAML"),
        (b"name: x\ntitle: y\nsteps: [{wait: 1}]\n", "line 1: unknown key 'name'"),
    ):
        file.write_bytes(content)
        with pytest.raises(RehearsalError, match=words) as error:
            load(file)
        assert "\n" not in str(error.value)
    with pytest.raises(RehearsalError, match="No such file"):
        load(tmp_path / "none.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(RehearsalError, match="not a regular file"):
        load(tmp_path / "pipe.yaml")


def test_values_for_the_platform_have_their_types() -> None:
    values, _ = read("{a: 221, b: -216, c: 0.5, d: true, e: null, f: '12', g: 1e3, h: [1, x]}")
    assert typed(values) == {
        "a": 221,
        "b": -216,
        "c": 0.5,
        "d": True,
        "e": None,
        "f": "12",
        "g": "1e3",
        "h": [1, "x"],
    }


def test_aliases_cannot_make_a_small_file_large() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    with pytest.raises(YamlError, match="anchors and aliases"):
        read(bomb)


def test_times_of_day_in_a_config_are_those_of_the_moment_it_is_played() -> None:
    late = datetime(2026, 11, 28, 23, 40, tzinfo=UTC)
    assert clock_marks.at("{ from: '<now-1h>', to: '<now+2h>' } <now>", late) == (
        "{ from: '22:40', to: '01:40' } 23:40"
    )
    for text in ("<now+1d>", "<now+100h>", "<now +1h>", "now"):
        assert clock_marks.at(text, late) == text
