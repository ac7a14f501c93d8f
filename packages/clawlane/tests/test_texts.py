"""What is said in which language, and how the language of a command is found."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from clawlane import texts
from clawlane.config.written_locale import find_locale, written_locale
from clawlane.ops.operation import OpError, encode, plain
from clawlane.texts import (
    chosen,
    from_environment,
    from_json,
    in_each,
    in_locale,
    later,
    t,
    tn,
    to_json,
    told,
)

NEVER = later("never")


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[None]:
    """A plugin with a catalogue of its own."""
    catalog = Catalog("vi")
    catalog.add("A folder for people: {path}", "Một thư mục cho mọi người: {path}")
    catalog.add("A wrong {name}", "Sai {ten}")
    catalog.add("never", "không bao giờ cả")
    folder = tmp_path / "locales" / "vi" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "folder_channel.mo").open("wb") as compiled:
        write_mo(compiled, catalog)
    texts.add_catalogue("folder_channel", str(tmp_path))
    yield
    del texts._CATALOGUES["folder_channel"]
    texts._catalogue.cache_clear()


def test_a_sentence_is_said_in_the_locale_in_force() -> None:
    assert t("{time} ago", time="3 min") == "3 min ago"
    with in_locale("vi"):
        assert t("{time} ago", time=t("{n} min", n=3)) == "3 phút trước"
        assert t(NEVER) == "chưa bao giờ"
        with in_locale("en"):
            assert t(NEVER) == "never"
    assert texts.locale() == "en"


def test_a_sentence_without_a_translation_stays_english() -> None:
    with in_locale("vi"):
        assert t("Nobody says {this}.", this="so") == "Nobody says so."
        assert t("") == ""
        assert t("groups: {}") == "groups: {}"


def test_values_are_never_filled_in_themselves() -> None:
    assert t("says: {text}", text="{text} {0}") == "says: {text} {0}"


def test_a_number_chooses_the_sentence() -> None:
    one, many = "set aside after one try", "set aside after {n} tries"
    assert (tn(one, many, 1), tn(one, many, 2)) == (one, "set aside after 2 tries")
    with in_locale("vi"):
        assert tn(one, many, 1) == "để riêng sau 1 lần thử"


def test_what_is_said_later_is_english_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    why = later("{time} ago", time=later("{n} days", n=2))
    with in_locale("vi"), caplog.at_level(logging.INFO):
        logging.info("%s", why)
        assert t(why) == "2 ngày trước"
        assert t("says: {text}", text=why) == "nội dung: 2 ngày trước"
    assert caplog.messages == [why] == ["2 days ago"]


def test_an_error_is_told_in_the_language_of_whoever_asked() -> None:
    error = OpError(later("no message '{id}' was read", id="7"))
    assert str(error) == "no message '7' was read"
    with in_locale("vi"):
        assert told(error) == "không đọc được tin nhắn nào có ID '7'"
        assert told(OpError("never")) == "chưa bao giờ"
        assert told(OpError("of nobody")) == "of nobody"
        assert told(KeyError()) == ""


class Result(msgspec.Struct):
    why: str


def test_results_are_translated_on_their_way_out() -> None:
    found = Result(later("{n} days", n=2))
    with in_locale("vi"):
        assert encode(found).decode() == '{"why":"2 ngày"}'
        assert plain(found) == {"why": "2 ngày"}
    assert encode(found).decode() == '{"why":"2 days"}'


def test_a_sentence_that_is_kept_as_json_can_still_be_translated() -> None:
    why = later("{time} ago", time=later("{n} days", n=2))
    kept = from_json(json.loads(json.dumps(to_json(why))))
    assert (kept, from_json(to_json("never")), from_json("of nobody")) == ("2 days ago", "never", "of nobody")
    with in_locale("vi"):
        assert t(kept) == "2 ngày trước"


def test_people_whose_language_nobody_knows_get_both() -> None:
    assert in_each(("vi", "en"), " | ", "{n} days", n=2) == "2 ngày | 2 days"


@pytest.mark.usefixtures("plugin")
def test_a_plugin_brings_its_own_sentences() -> None:
    with in_locale("vi"):
        assert t("A folder for people: {path}", path="/x") == "Một thư mục cho mọi người: /x"
        assert t("never") == "chưa bao giờ", "the first catalogue wins"
        assert t("A wrong {name}", name="one") == "A wrong one"


@pytest.mark.parametrize(
    ("environ", "written", "locale"),
    [
        ({}, "", "en"),
        ({"LANG": "vi_VN.UTF-8"}, "", "vi"),
        ({"LANG": "vi"}, "", "vi"),
        ({"LANG": "vie_XX"}, "", "en"),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C"}, "", "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "vi_VN"}, "", "vi"),
        ({"LANG": "vi_VN.UTF-8"}, "en", "en"),
        ({"LANG": "en_US.UTF-8"}, "vi", "vi"),
        ({"LANG": "vi_VN.UTF-8"}, "fr", "vi"),
        ({"CLAWLANE_LOCALE": "en", "LANG": "vi_VN.UTF-8"}, "vi", "en"),
    ],
)
def test_the_locale_of_an_operator(environ: dict[str, str], written: str, locale: str) -> None:
    assert chosen(environ, written) == locale


def test_a_locale_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="CLAWLANE_LOCALE must be 'vi' or 'en'"):
        chosen({"CLAWLANE_LOCALE": "fr"})
    assert from_environment({"LANG": "de_DE"}) == "en"


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("{ locale: 'vi' }", "vi"),
        ('{ "locale": "en", }', "en"),
        ("{ // locale: 'en'\n channels: { zalouser: { locale: 'en' } }, locale : 'vi' }", "vi"),
        ("{ channels: { zalouser: { locale: 'en' } } }", ""),
        ("{ note: \"locale: 'vi'\", list: [ { locale: 'vi' } ] }", ""),
        ("{ /* locale: 'en' */ 'locale': \"vi\" }", "vi"),
        ("{ locale: 7 }", ""),
        ("locale", ""),
        ("{ it's 'locale: {", ""),
        ("", ""),
    ],
)
def test_the_locale_of_a_config_is_found_without_parsing_it(text: str, locale: str) -> None:
    assert find_locale(text) == locale


def test_where_the_config_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "config.json5").write_text("{ locale: 'vi' }")
    (tmp_path / "other.json5").write_text("{ locale: 'en' }")
    assert written_locale({"CLAWLANE_STATE_DIR": str(tmp_path)}) == "vi"
    other = str(tmp_path / "other.json5")
    assert written_locale({"CLAWLANE_STATE_DIR": str(tmp_path), "CLAWLANE_CONFIG": other}) == "en"
    assert written_locale({"CLAWLANE_STATE_DIR": str(tmp_path / "none")}) == ""
    assert written_locale({"CLAWLANE_CONFIG": str(tmp_path)}) == ""
