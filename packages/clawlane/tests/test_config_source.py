"""Reading the config file: what is kept exactly, and what is said about a broken file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clawlane.config.errors import ConfigError
from clawlane.config.numbers import OddFloat, OddInt
from clawlane.config.source import Position, read_source


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "config.json5"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def complaint(folder: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        read_source(written(folder, text))
    return str(caught.value)


def test_json5_is_read_with_comments_single_quotes_and_trailing_commas(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, "// mine\n{ a: 'một', \"b\": [1, true, null,], /* c */ }\n"))
    assert source.data == {"a": "một", "b": [1, True, None]}


def test_a_file_that_does_not_exist_is_an_empty_config(tmp_path: Path) -> None:
    source = read_source(tmp_path / "config.json5")
    assert source.data == {}
    assert not source.exists


def test_every_value_and_key_knows_its_line_and_column(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, "{\n  channels: { zalouser: {\n    dmPolicy: 'open' } },\n}"))
    path = ("channels", "zalouser", "dmPolicy")
    assert source.position(path) == Position(3, 15)
    assert source.position(path, at_key=True) == Position(3, 5)


def test_a_value_that_is_not_written_is_placed_at_its_nearest_parent(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, "{ a: { b: 1 } }"))
    assert source.position(("a", "missing", "deep")) == Position(1, 6)


def test_a_long_id_as_a_bare_number_keeps_every_digit(tmp_path: Path) -> None:
    digits = "9" * 60
    source = read_source(written(tmp_path, f"{{ ids: [1471383327500481391, {digits}] }}"))
    assert [str(number) for number in source.data["ids"]] == ["1471383327500481391", digits]


@pytest.mark.parametrize(
    "raw", ["0x1F", "-3", "+3", "-0", "1e20", "12.0", ".5", "Infinity", "-Infinity", "NaN"]
)
def test_any_other_way_to_write_a_number_is_remembered(tmp_path: Path, raw: str) -> None:
    value = read_source(written(tmp_path, f"{{ id: {raw} }}")).data["id"]
    assert isinstance(value, OddInt | OddFloat)
    assert value.raw == raw


def test_escapes_join_into_characters(tmp_path: Path) -> None:
    assert read_source(written(tmp_path, r"{ a: '\uD83D\uDE00', \u0062: 'x' }")).data == {"a": "😀", "b": "x"}


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    assert "half a character" in complaint(tmp_path, r"{ a: '\ud800' }")


def test_a_doubled_key_is_an_error_with_both_places(tmp_path: Path) -> None:
    told = complaint(tmp_path, "{ a: {\n  x: 1,\n  y: 2,\n  'x': 3 } }")
    assert told == "a.x (config.json5:4:3): this key is written twice (first in line 2); keep one of them"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{a:1 b:2}", "config.json5:1:6: expected ',' or '}'"),
        ("{\n  a: foo\n}", "config.json5:2:6: expected a value (texts need quotes)"),
        ("{a b}", "config.json5:1:4: expected ':'"),
        ("{a:'x}", "config.json5:1:4: a text starts here and never ends"),
        ("{a:", "config.json5:1:4: expected a value (texts need quotes)"),
        ("{a:1}}", "config.json5:1:6: unexpected '}'"),
        ("[1,,2]", "config.json5:1:3: multiple trailing commas"),
        ("{a:01}", "config.json5:1:4: a number must not start with 0; put an id in quotes"),
        ("# x\n{}", "config.json5:1:1: unexpected character '#'"),
        ("", "config.json5:1:1: the file is empty; write { } for the built-in defaults"),
        ("{\r\n a:1 b:2}", "config.json5:2:6: expected ',' or '}'"),
    ],
)
def test_a_syntax_error_is_one_line_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert complaint(tmp_path, text) == told


def test_a_file_that_is_no_object_is_refused(tmp_path: Path) -> None:
    assert "must hold one object" in complaint(tmp_path, "[1]")


def test_a_file_that_is_not_utf8_is_refused_with_the_line(tmp_path: Path) -> None:
    assert "is not UTF-8 text (line 2)" in complaint(tmp_path, b"{\n a: '\xff' }")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert read_source(written(tmp_path, b"\xef\xbb\xbf{ a: 1 }")).data == {"a": 1}


def test_a_number_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    assert "more than 4300 digits" in complaint(tmp_path, "{ a: " + "9" * 5000 + " }")


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in complaint(tmp_path, "{ a: " + "[" * 2000 + "]" * 2000 + " }")


def test_a_folder_is_not_read_as_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a regular file"):
        read_source(tmp_path)


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "config.json5"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="is not a regular file"):
        read_source(pipe)
