"""Writing into the config file: what was asked for changes, and not one byte besides."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawlane.config.edit import Edit, EditError, apply_edits, backup_of, edit
from clawlane.config.source import read_source

FILE = """\
// who may write
{ channels: { zalouser: {
    allowFrom: [ 'Lan', "Hùng 😀", /* the boss */ 12, ], // three
    groups: { 'Work Chat': { allow: true }, Family : {}, "*": {} },
} } }
"""
ZALO = ("channels", "zalouser")

trivia = st.lists(
    st.sampled_from([" ", "\n", "\r\n", "\t", "/* 'a', [b] */", '// {c: "d"}\n', "/**/", "/* é😀 */"])
).map("".join)
entry = st.sampled_from(["'Lan'", '"Lan\\u0020B"', "'it\\'s'", '"a\\\nb"', "42", "'😀'", "'//'", '"/*"'])
new_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2028\u2029"), max_size=12)


def config(folder: Path, text: str = FILE, mode: int = 0o600) -> Path:
    file = folder / "config.json5"
    file.write_bytes(text.encode())
    file.chmod(mode)
    return file


def test_values_and_keys_are_replaced_and_comments_quotes_and_order_stay(tmp_path: Path) -> None:
    file = config(tmp_path)
    edit(
        read_source(file),
        [
            Edit((*ZALO, "allowFrom", 1), "8200"),
            Edit((*ZALO, "allowFrom", 2), "13"),
            Edit((*ZALO, "groups", "Work Chat"), "9001", at_key=True),
            Edit((*ZALO, "groups", "Family"), "9002", at_key=True),
        ],
    )
    expected = FILE.replace('"Hùng 😀"', '"8200"').replace("12", "'13'")
    assert file.read_text() == expected.replace("'Work Chat'", "'9001'").replace("Family ", "'9002' ")


def test_the_changed_lines_are_told_and_the_former_file_is_kept(tmp_path: Path) -> None:
    file = config(tmp_path)
    told = edit(read_source(file), [Edit((*ZALO, "allowFrom", 0), "8200")])
    assert [line[0] for line in told] == ["@", "-", "+"]
    assert "'Lan'" in told[1]
    assert "'8200'" in told[2]
    assert backup_of(file).read_text() == FILE


def test_the_mode_of_the_file_and_a_link_to_it_stay(tmp_path: Path) -> None:
    file = config(tmp_path, mode=0o640)
    link = tmp_path / "linked.json5"
    link.symlink_to(file)
    edit(read_source(link), [Edit((*ZALO, "allowFrom", 0), "8200")])
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "8200" in file.read_text()


def test_a_mark_for_the_byte_order_stays(tmp_path: Path) -> None:
    file = config(tmp_path, "\ufeff{ a: 'b' }")
    edit(read_source(file), [Edit(("a",), "c")])
    assert file.read_bytes() == "\ufeff{ a: 'c' }".encode()


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (Edit((*ZALO, "nothing"), "x"), "not in the file"),
        (Edit((*ZALO, "groups"), "x"), "neither a text nor a number"),
        (Edit((*ZALO, "groups", "Family"), "*", at_key=True), "twice"),
    ],
)
def test_what_cannot_be_edited_leaves_the_file_alone(tmp_path: Path, made: Edit, word: str) -> None:
    file = config(tmp_path)
    with pytest.raises(EditError, match=word):
        edit(read_source(file), [made])
    assert [path.name for path in tmp_path.iterdir()] == ["config.json5"]
    assert file.read_text() == FILE


def test_a_file_that_has_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    file = config(tmp_path)
    source = read_source(file)
    file.write_text(FILE.replace("Lan", "Hoa"))
    with pytest.raises(EditError):
        edit(source, [Edit((*ZALO, "allowFrom", 1), "8200")])
    assert file.read_text() == FILE.replace("Lan", "Hoa")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_byte_changes_outside_the_edited_entry(tmp_path: Path, data: st.DataObject) -> None:
    """Entries between all kinds of comments, blanks and quotes; one of them gets a new text."""
    entries = data.draw(st.lists(entry, min_size=1, max_size=5))
    blanks = [data.draw(trivia) for _ in range(len(entries) * 2 + 2)]
    which = data.draw(st.integers(0, len(entries) - 1))
    text = data.draw(new_text)
    before, after = f"{{{blanks[-1]}list{blanks[-2]}:[", "]}"
    for index, one in enumerate(entries):
        if index < which:
            before += f"{blanks[2 * index]}{one}{blanks[2 * index + 1]},"
    after = (
        "".join(
            f",{blanks[2 * index]}{one}{blanks[2 * index + 1]}"
            for index, one in enumerate(entries)
            if index > which
        )
        + after
    )
    before, after = before + blanks[2 * which], blanks[2 * which + 1] + after
    file = config(tmp_path, before + entries[which] + after)

    source = read_source(file)
    made = apply_edits(source, file.read_bytes().decode(), [Edit(("list", which), text)])

    assert made.startswith(before)
    assert made.endswith(after)
    again = read_source(config(tmp_path, made)).data["list"]
    assert again == [*source.data["list"][:which], text, *source.data["list"][which + 1 :]]
