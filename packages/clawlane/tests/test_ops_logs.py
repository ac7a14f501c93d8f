"""The gateway's log files, read back: newest lines, filters, and following over a rotation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from clawlane.ops.logs import LogFilter, LogLine, follow, newest, read_line

ANY = LogFilter()


def record(message: str, level: str = "INFO", **more: str) -> str:
    head = {"time": "2026-11-28T15:58:02.973+07:00", "level": level, "logger": "clawlane.gateway"}
    return json.dumps({**head, "message": message, **more}) + "\n"


def write(file: Path, *messages: str, level: str = "INFO") -> None:
    with file.open("a") as opened:
        opened.writelines(record(one, level) for one in messages)


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


def coming(lines: Iterator[LogLine | None]) -> list[str]:
    """The texts that come until nothing more does."""
    found = []
    for line in lines:
        if line is None:
            return found
        found.append(line.text)
    raise AssertionError("it ended")


def test_the_newest_lines_come_from_several_files_in_order(tmp_path: Path) -> None:
    write(tmp_path / "gateway.log.2", "one", "two")
    write(tmp_path / "gateway.log.1", "three")
    write(tmp_path / "gateway.log", "four")
    assert texts(newest(tmp_path, ANY, 3)) == ["two", "three", "four"]
    assert texts(newest(tmp_path, ANY, 99)) == ["one", "two", "three", "four"]
    assert newest(tmp_path, ANY, 0) == []
    assert newest(tmp_path / "nowhere", ANY, 5) == []


def test_lines_are_chosen_by_channel_account_and_level(tmp_path: Path) -> None:
    file = tmp_path / "gateway.log"
    write(file, "zalouser/default is ready", "zalouser/work: dmPolicy is open", "parrot/default is ready")
    write(file, "zalouser/work stopped unexpectedly; starting again in 1 s", level="ERROR")
    write(file, "clawlane 1.0 started in 0.10 s with 75 MB")

    assert [one.account for one in newest(tmp_path, LogFilter("zalouser"), 9)] == [
        "zalouser/default",
        "zalouser/work",
        "zalouser/work",
    ]
    assert texts(newest(tmp_path, LogFilter("zalouser", "work"), 9))[0] == "dmPolicy is open"
    assert texts(newest(tmp_path, LogFilter(account="parrot/default"), 9)) == ["is ready"]
    assert [one.level for one in newest(tmp_path, LogFilter(level="WARNING"), 9)] == ["ERROR"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"time": "x"}', b"\xff\xfe", b"1"])
def test_what_is_no_record_is_left_out(raw: bytes) -> None:
    assert read_line(raw) is None


def test_a_time_has_an_offset_also_in_files_of_older_versions() -> None:
    line = read_line(record("on time").encode())
    assert line is not None
    assert datetime.fromisoformat(line.time) == datetime.fromisoformat("2026-11-28T08:58:02.973+00:00")
    former = read_line(record("on time").replace("T15:58:02.973+07:00", " 15:58:02,973").encode())
    assert former is not None
    assert former.time.startswith("2026-11-28T15:58:02.973")
    assert datetime.fromisoformat(former.time).utcoffset() is not None


def test_an_error_keeps_its_trace() -> None:
    line = read_line(record("it broke", "ERROR", exc_info="Traceback\n  here").encode())
    assert line is not None
    assert (line.text, line.trace) == ("it broke", "Traceback\n  here")


def test_following_begins_with_what_comes_and_goes_on_over_rotations(tmp_path: Path) -> None:
    file = tmp_path / "gateway.log"
    write(file, "old")
    lines = follow(tmp_path, ANY, lambda _seconds: None)
    assert coming(lines) == []

    write(file, "a")
    assert coming(lines) == ["a"]

    write(file, "b")
    file.rename(tmp_path / "gateway.log.1")
    write(file, "c")
    assert coming(lines) == ["b", "c"]

    (tmp_path / "gateway.log.1").rename(tmp_path / "gateway.log.2")
    file.rename(tmp_path / "gateway.log.1")
    write(file, "d")
    (tmp_path / "gateway.log.2").rename(tmp_path / "gateway.log.3")
    (tmp_path / "gateway.log.1").rename(tmp_path / "gateway.log.2")
    file.rename(tmp_path / "gateway.log.1")
    write(file, "e")
    assert coming(lines) == ["d", "e"], "two files were begun meanwhile"


def test_a_line_that_is_written_in_two_goes_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "gateway.log"
    lines = follow(tmp_path, ANY, lambda _seconds: None)
    assert coming(lines) == []
    whole = record("whole")
    file.write_text(whole[:20])
    assert coming(lines) == []
    with file.open("a") as opened:
        opened.write(whole[20:])
    assert coming(lines) == ["whole"]
