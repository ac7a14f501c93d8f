"""What the commands for the gateway, the store, plugins and the end of it all print in Vietnamese."""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterator
from contextvars import copy_context

import pytest
from packages.clawlane.tests.cli.conftest import Perch, Told
from packages.clawlane.tests.cli.test_cli_live import gateway

from clawlane.cli.output import columns
from english import english

Typed = Callable[[str], Told]
COMMANDS = (
    "gateway status",
    "gateway stop",
    "gateway restart",
    "gateway uninstall",
    "plugins list",
    "plugins info zalouser",
    "plugins disable parrot",
    "plugins disable parrot",
    "plugins enable parrot",
    "plugins uninstall nothing",
    "store rollback --list",
    "store rollback",
    "store reset",
    "upgrade show",
    "upgrade accept",
    "logs",
    "logs --account shop",
    "completion bats",
    "sim say xin --from Lan --mention",
    "uninstall --purge",
)


@pytest.fixture
def vietnamese(perch: Perch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Commands in Vietnamese, in a terminal of 80 columns."""
    for name, value in (("CLAWLANE_LOCALE", "vi"), ("LANGUAGE", ""), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    yield lambda line: copy_context().run(perch, line)
    gettext.textdomain("messages")


def test_nothing_is_english_or_too_wide(vietnamese: Typed) -> None:
    for line in COMMANDS:
        told = vietnamese(line)
        assert told.out + told.err, line
        assert english(told.out + told.err) == [], line
        lines = (told.out + told.err).splitlines()  # a path is never broken
        assert [one for one in lines if columns(one) > 80 and "/" not in one] == [], line


def test_columns_are_aligned_and_states_are_words(vietnamese: Typed) -> None:
    state, service = vietnamese("gateway status").out.splitlines()[-2:]
    assert state.startswith("trạng thái  ")
    assert service == "dịch vụ     chưa cài; xem: openclaw gateway install --help"
    listed = vietnamese("plugins list").out.splitlines()  # row by row: the path of the plugin is long
    assert [row for row in listed if row.startswith("TRẠNG")] == [
        "TRẠNG THÁI  đã cài",
        "TRẠNG THÁI  có thể cài",
    ]
    (told,) = vietnamese("plugins list --json").json
    assert {one["status"] for one in told["plugins"]} == {"installed", "available"}


def test_a_locale_that_does_not_exist_is_refused_in_the_language_of_the_terminal(
    vietnamese: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAWLANE_LOCALE", "fr")
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    told = vietnamese("logs")
    assert told.code == 1
    assert told.err.startswith("lỗi: CLAWLANE_LOCALE phải là 'vi' hoặc 'en'; hãy bỏ biến này")


def test_what_a_gateway_refuses_is_said_in_the_language_of_the_command(
    perch: Perch, vietnamese: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    perch.link()
    monkeypatch.setenv("CLAWLANE_LOCALE", "en")
    with gateway("is ready"):
        monkeypatch.setenv("CLAWLANE_LOCALE", "vi")
        refused = vietnamese("config apply --revision abcdef")
        assert (refused.code, refused.err.splitlines()[0]) == (
            1,
            "lỗi: tệp không còn là bản abcdef nữa: chưa áp dụng gì; hãy xem tệp hiện mở ra",
        )
        told = vietnamese("gateway status")
        assert told.out.splitlines()[-1] == "parrot/default  sẵn sàng, dưới tên An (42)"
        for line in ("gateway status", "uninstall", "store reset", "store reset --forget"):
            told = vietnamese(line)
            assert english(told.out + told.err) == [], line
