"""Putting and removing values in the config file: what was asked for changes, the rest stays as it is."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawlane.config.edit import AnyEdit, Edit, EditError, Put, Remove, apply_edits, backup_of, draft, edit
from clawlane.config.errors import ConfigError, KeyPath
from clawlane.config.source import Source, parse_source, read_source

FILE = """\
// the lane
{
  channels: {
    zalouser: {
      enabled: true, // on
      dmPolicy: 'pairing',
      // who may write
      allowFrom: ['1', '2'],
      groups: {},
    },
  },
}
"""
ZALO = ("channels", "zalouser")


def made(text: str, *edits: AnyEdit) -> str:
    return apply_edits(parse_source(Path("config.json5"), text.encode()), text, edits)


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        pytest.param(Put((*ZALO, "dmPolicy"), "open"), "'pairing'", "'open'", id="a value in place"),
        pytest.param(
            Put((*ZALO, "historyLimit"), 5),
            "      groups: {},\n",
            "      groups: {},\n      historyLimit: 5,\n",
            id="a key at the end of its object",
        ),
        pytest.param(
            Put((*ZALO, "groups", "9001"), {"requireMention": False}),
            "groups: {},",
            "groups: {\n        '9001': { requireMention: false },\n      },",
            id="the first key of an object",
        ),
        pytest.param(
            Put((*ZALO, "allowFrom", 2), "1471383327500481391"),
            "'2']",
            "'2', '1471383327500481391']",
            id="an item",
        ),
        pytest.param(
            Put(("messages", "groupChat", "mentionPatterns", 0), "bot"),
            "  },\n}\n",
            "  },\n  messages: { groupChat: { mentionPatterns: ['bot'] } },\n}\n",
            id="parents are made",
        ),
        pytest.param(
            Remove((*ZALO, "enabled")), "      enabled: true, // on\n", "", id="a line and its comment"
        ),
        pytest.param(Remove((*ZALO, "allowFrom", 0)), "['1', '2']", "['2']", id="the first item"),
        pytest.param(Remove((*ZALO, "allowFrom", 1)), "['1', '2']", "['1']", id="the last item"),
        pytest.param(
            Remove((*ZALO, "allowFrom")), "      allowFrom: ['1', '2'],\n", "", id="comments above stay"
        ),
    ],
)
def test_a_change_is_written_as_a_person_would(change: AnyEdit, before: str, after: str) -> None:
    assert FILE.count(before) == 1
    assert made(FILE, change) == FILE.replace(before, after)


@pytest.mark.parametrize(
    ("text", "change", "after"),
    [
        ("{}", Put(("a",), 1), "{\n  a: 1,\n}"),
        ("{ a: 1 }", Put(("b",), 2), "{ a: 1, b: 2 }"),
        ("{ a: 1, }", Put(("b",), 2), "{ a: 1, b: 2, }"),
        ("{a:{}}", Put(("a", "b"), [1]), "{a:{ b: [1] }}"),
        ('{\n\t"a": 1\n}\n', Put(("b",), {"c": "d"}), '{\n\t"a": 1,\n\t"b": { "c": "d" }\n}\n'),
        ("{\r\n  a: 1,\r\n}\r\n", Put(("b",), 2), "{\r\n  a: 1,\r\n  b: 2,\r\n}\r\n"),
        ("{\n  a: 1 // one\n}", Put(("b",), 2), "{\n  a: 1, // one\n  b: 2\n}"),
        ("{\n  a: 1\n  // the end\n}", Put(("b",), 2), "{\n  a: 1,\n  // the end\n  b: 2\n}"),
        ("\ufeff{ // none yet\n}", Put(("a",), 1), "\ufeff{ // none yet\n  a: 1,\n}"),
        ("{ 'a-b': 1 }", Put(("c",), None), "{ 'a-b': 1, 'c': null }"),
        ("{ a: 1 }", Put(("it's",), 'say "x"\\'), "{ a: 1, 'it\\'s': 'say \"x\"\\\\' }"),
        ("{ a: 1 }", Remove(("a",)), "{ }"),
        ("{ a: 1, b: 2 }", Remove(("a",)), "{ b: 2 }"),
        ("{ a: 1, b: 2 }", Remove(("b",)), "{ a: 1 }"),
        ("{ a: 1, b: 2, }", Remove(("b",)), "{ a: 1, }"),
        ("{\n  a: 1,\n  b: 2\n}", Remove(("b",)), "{\n  a: 1\n}"),
        ("{\n  a: {\n    x: 1,\n  }, // gone\n  b: 2,\n}", Remove(("a",)), "{\n  b: 2,\n}"),
        ("{ a: 1, /* of b */ b: 2 }", Remove(("b",)), "{ a: 1 /* of b */ }"),
        ("{\n  a: 1, b: 2, // both\n}", Remove(("b",)), "{\n  a: 1, // both\n}"),
    ],
)
def test_the_style_of_the_file_is_kept(text: str, change: AnyEdit, after: str) -> None:
    assert made(text, change) == after


def test_what_does_not_fit_into_a_line_takes_several() -> None:
    ids = [str(10**18 + number) for number in range(6)]
    lines = "".join(f"        '{id}',\n" for id in ids)
    assert f"allowFrom: [\n{lines}      ],\n" in made(FILE, Put((*ZALO, "allowFrom"), ids))


def test_several_changes_follow_each_other() -> None:
    text = made(
        FILE,
        Put((*ZALO, "allowFrom", 0), "3"),
        Remove((*ZALO, "allowFrom", 1)),
        Put((*ZALO, "allowFrom", 1), "4"),
        Edit((*ZALO, "dmPolicy"), "allowlist"),
    )
    assert "allowFrom: ['3', '4']," in text
    assert "dmPolicy: 'allowlist'," in text


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (Put((*ZALO, "dmPolicy", "x"), 1), "channels.zalouser.dmPolicy is a single value"),
        (Put((*ZALO, "allowFrom", "x"), 1), "channels.zalouser.allowFrom is a list"),
        (Put((*ZALO, "allowFrom", 7), "1"), r"has 2 items, so it takes \[2\] next"),
        (Put((*ZALO, "new", 3), "1"), "in a list that is not in the file"),
        (Put((*ZALO, "name"), "\ud800"), "half a character"),
        (Remove((*ZALO, "absent")), "channels.zalouser.absent is not in the file"),
        (Remove(()), "the file is not in the file"),
    ],
)
def test_what_cannot_be_changed_is_refused(tmp_path: Path, change: AnyEdit, word: str) -> None:
    file = tmp_path / "config.json5"
    file.write_text(FILE)
    with pytest.raises(EditError, match=word):
        edit(read_source(file), [change])
    assert file.read_text() == FILE
    assert [one.name for one in tmp_path.iterdir()] == ["config.json5"]


def test_a_check_that_refuses_keeps_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json5"
    file.write_text(FILE)

    def refuse(source: Source) -> None:
        raise ConfigError([source.problem((*ZALO, "dmPolicy"), "odd")])

    with pytest.raises(ConfigError, match=r"config.json5:6:17\): odd"):
        edit(read_source(file), [Put((*ZALO, "dmPolicy"), "everyone")], refuse)
    assert file.read_text() == FILE


def test_a_missing_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "config.json5"
    told = edit(read_source(file), [Put((*ZALO, "enabled"), True)])
    assert file.read_text() == "{\n  channels: { zalouser: { enabled: true } },\n}\n"
    assert told[1:] == ["+{", "+  channels: { zalouser: { enabled: true } },", "+}"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(one.stat().st_mode) for one in (file.parent, file.parent.parent)} == {0o700}
    assert [one.name for one in file.parent.iterdir()] == ["config.json5"]


def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "config.json5"
    waiting = draft(read_source(file), [Put(("a",), 1)])
    file.write_text("{}")
    with pytest.raises(EditError, match="made by something else"):
        waiting.write()
    assert file.read_text() == "{}"
    assert [one.name for one in tmp_path.iterdir()] == ["config.json5"]


def test_a_draft_writes_nothing_and_then_keeps_the_former_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json5"
    file.write_text(FILE)
    waiting = draft(read_source(file), [Remove((*ZALO, "groups"))])
    assert waiting.diff() == ["@@ -9 +8,0 @@", "-      groups: {},"]
    assert file.read_text() == FILE
    waiting.write()
    assert read_source(file).revision == waiting.source.revision
    assert backup_of(file).read_text() == FILE


trivia = st.lists(
    st.sampled_from(
        [" ", "  ", "\n", "\r\n", "\t", "/* 'a', [b] */", '// {c: "d"},\n', "/**/", "/* é😀\n */"]
    ),
    max_size=3,
).map("".join)
scalars = st.sampled_from(
    ["'Lan'", '"Hùng"', "'it\\'s'", '"a\\\nb"', "42", "'😀'", "'//'", "-1.5", "null", "true"]
)
keys = st.sampled_from(["a", "b", "'c-d'", '"e"', "$f", "'9001'", "'*'", '"\\u0061x"'])


@st.composite
def values(draw: st.DrawFn, depth: int = 3) -> str:
    """JSON5 with blanks and comments wherever they may stand."""
    kind = draw(st.sampled_from("sol" if depth else "s"))
    if kind == "s":
        return draw(scalars)
    names = draw(st.lists(keys, max_size=3, unique=True))
    parts = []
    for name in names:
        head = f"{name}{draw(trivia)}:{draw(trivia)}" if kind == "o" else ""
        parts.append(f"{draw(trivia)}{head}{draw(values(depth - 1))}{draw(trivia)}")
    comma = "," if parts and draw(st.booleans()) else ""
    inside = ",".join(parts) + comma + draw(trivia)
    return f"{{{inside}}}" if kind == "o" else f"[{inside}]"


roots = st.tuples(st.sampled_from(["", "\ufeff"]), trivia, values(), trivia).map(
    lambda parts: f"{parts[0]}{parts[1]}{{{parts[1]}root: {parts[2]} }}{parts[3]}"
)
new_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["k", "l-m", "9"]), inner, max_size=3)
    ),
    max_leaves=5,
)
_COMMENT = re.compile(
    r"""'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|(//[^\n\r\u2028\u2029]*|/\*[\s\S]*?\*/)"""
)


def paths(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    yield path
    entries = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    for step, value in entries:
        yield from paths(value, (*path, step))


def comments(text: str) -> list[str]:
    return [found[1] for found in _COMMENT.finditer(text) if found[1]]


def at(data: Any, path: KeyPath) -> Any:
    for step in path:
        data = data[step]
    return data


def only_added(before: str, after: str) -> bool:
    """Whether every sign of the former text stands in the new one, in order; blanks may go."""
    rest = iter(after)
    return all(sign in rest for sign in before if not sign.isspace())


quiet = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@quiet
@given(st.data())
def test_a_put_changes_the_data_so_and_nothing_else(data: st.DataObject) -> None:
    text = data.draw(roots)
    source = parse_source(Path("c"), text.encode())
    containers = [one for one in paths(source.data) if isinstance(at(source.data, one), Mapping | list)]
    where = data.draw(st.sampled_from(containers))
    here = at(source.data, where)
    value = data.draw(new_values)
    new: tuple[str | int, ...] = ("new key", "x") if isinstance(here, Mapping) else (len(here),)
    after = apply_edits(source, text, [Put((*where, *new), value)])
    assert at(parse_source(Path("c"), after.encode()).data, (*where, *new)) == value
    assert only_added(text, after)
    assert comments(after) == comments(text)
    back = made(after, Remove((*where, new[0])))
    assert parse_source(Path("c"), back.encode()).data == source.data


@quiet
@given(st.data())
def test_a_removal_takes_one_entry_and_its_own_comments(data: st.DataObject) -> None:
    text = data.draw(roots)
    source = parse_source(Path("c"), text.encode())
    where = data.draw(st.sampled_from([one for one in paths(source.data) if one]))
    after = apply_edits(source, text, [Remove(where)])
    found = parse_source(Path("c"), after.encode()).data
    former = at(source.data, where[:-1])
    if isinstance(former, Mapping):
        assert at(found, where[:-1]) == {key: one for key, one in former.items() if key != where[-1]}
    else:
        index = int(where[-1])
        assert at(found, where[:-1]) == [*former[:index], *former[index + 1 :]]
    assert only_added(after, text)
    rest = iter(comments(text))
    assert all(one in rest for one in comments(after))


@quiet
@given(st.data())
def test_a_value_in_place_leaves_what_is_around_it(data: st.DataObject) -> None:
    text = data.draw(roots)
    source = parse_source(Path("c"), text.encode())
    where = data.draw(st.sampled_from([one for one in paths(source.data) if one]))
    value = data.draw(new_values)
    after = apply_edits(source, text, [Put(where, value)])
    assert at(parse_source(Path("c"), after.encode()).data, where) == value
    start = source.values[where]
    lines = text.removeprefix("\ufeff").split("\n")
    kept = "\n".join([*lines[: start.line - 1], lines[start.line - 1][: start.column - 1]])
    assert after.removeprefix("\ufeff").startswith(kept)
