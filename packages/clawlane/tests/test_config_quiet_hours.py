"""`timezone` and `quietHours` in a config: what they may say, and what is answered to the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages.clawlane.tests.test_config_load import Loading

from clawlane.config.choices import QuietDo


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    return Loading(tmp_path)


def test_a_zone_is_taken_as_written(loading: Loading) -> None:
    assert loading("{ timezone: 'Asia/Ho_Chi_Minh' }").root.timezone == "Asia/Ho_Chi_Minh"
    assert loading("{}").root.timezone is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("'Asia/Hanoi'", "'Asia/Hanoi' is no time zone; did you mean 'Asia/Ho_Chi_Minh'?"),
        ("'asia/ho_chi_minh'", "did you mean 'Asia/Ho_Chi_Minh'?"),
        ("'berlin'", "did you mean 'Europe/Berlin'?"),
        ("'Europe/Berln'", "did you mean 'Europe/Berlin'?"),
        ("'UTC+7'", "write a place such as 'Asia/Ho_Chi_Minh', not an offset"),
        ("'?'", "write one such as 'Asia/Ho_Chi_Minh', or remove the key"),
        ("''", "'' is no time zone; write one such as"),
        ("7", "must be a text in quotes"),
        ("null", "null is not allowed here"),
    ],
)
def test_a_zone_that_nobody_knows_is_told_with_what_was_meant(
    loading: Loading, written: str, told: str
) -> None:
    [line] = loading.complaints(f"{{ timezone: {written} }}")
    assert line.startswith("timezone (config.json5:1:")
    assert told in line


@pytest.mark.parametrize(
    ("written", "spans"),
    [
        ("{ from: '22:00', to: '07:00' }", ["22:00–07:00 hold"]),
        ("{ from: ' 22:00', to: '24:00', do: 'drop' }", ["22:00–00:00 drop"]),
        (
            "[{ from: '12:00', to: '13:30' }, { from: '22:00', to: '07:00', do: 'drop' }]",
            ["12:00–13:30 hold", "22:00–07:00 drop"],
        ),
        ("[{ from: '22:00', to: '00:00' }, { from: '00:00', to: '22:00' }]", None),
        ("[]", []),
    ],
)
def test_quiet_hours_are_one_span_or_a_list(loading: Loading, written: str, spans: list[str] | None) -> None:
    block = f"{{ quietHours: {written} }}"
    if spans is None:
        assert "the whole day is quiet" in loading.complaint(block)
        return
    [account] = loading.channel(block).accounts
    assert [f"{one} {one.do}" for one in account.settings.quiet_hours] == spans
    assert all(isinstance(one.do, QuietDo) for one in account.settings.quiet_hours)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{ from: '22:00', to: '22:00' }", "22:00–22:00 begins and ends at one time"),
        ("{ from: '00:00', to: '24:00' }", "00:00–00:00 begins and ends at one time"),
        (
            "[{ from: '12:00', to: '14:00' }, { from: '13:00', to: '15:00' }]",
            "12:00–14:00 and 13:00–15:00 overlap; let one end where the other begins",
        ),
        (
            "[{ from: '06:00', to: '08:00' }, { from: '22:00', to: '07:00' }]",
            "22:00–07:00 and 06:00–08:00 overlap",
        ),
        (
            "[{ from: '22:00', to: '07:00' }, { from: '23:00', to: '01:00', do: 'drop' }]",
            "22:00–07:00 and 23:00–01:00 overlap",
        ),
        ("'22:00-07:00'", "must be { from: '22:00', to: '07:00' }, or a list of such spans; [] is none"),
        ("null", "null is not allowed here"),
    ],
)
def test_hours_that_make_no_sense_are_told(loading: Loading, written: str, told: str) -> None:
    line = loading.complaint(f"{{ quietHours: {written} }}")
    assert line.startswith("channels.zalouser.quietHours: ")
    assert told in line


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ("from: '7:00', to: '08:00'", ".from: must be a time of day such as '22:00'"),
        ("from: '24:00', to: '08:00'", ".from: must be a time of day such as '22:00'"),
        ("from: 22, to: '08:00'", ".from: must be a time of day such as '22:00'"),
        ("from: '22:00', to: '7am'", ".to: must be a time of day"),
        ("from: '22:00'", ".to: "),
        ("from: '22:00', to: '07:00', do: 'wait'", ".do: 'wait' is not one of hold, drop"),
        ("from: '22:00', untill: '07:00', to: '06:00'", ".untill: unknown key; known here: do, from, to"),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_a_mistake_in_a_span_is_told_where_it_stands(
    loading: Loading, span: str, told: str, listed: bool
) -> None:
    written = f"[{{ {span} }}]" if listed else f"{{ {span} }}"
    line = loading.complaint(f"{{ quietHours: {written} }}")
    assert line.startswith("channels.zalouser.quietHours" + ("[0]" if listed else "") + told)


def test_an_account_has_its_own_hours(loading: Loading) -> None:
    block = (
        "{ quietHours: { from: '22:00', to: '07:00' },"
        " accounts: { day: {}, night: { quietHours: [] }, "
        " noon: { quietHours: { from: '12:00', to: '13:00' } } } }"
    )
    found = {one.id: one.settings.quiet_hours for one in loading.channel(block).accounts}
    assert {name: list(map(str, spans)) for name, spans in found.items()} == {
        "day": ["22:00–07:00"],
        "night": [],
        "noon": ["12:00–13:00"],
    }
