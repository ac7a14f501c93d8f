"""The catalogues say in every language what the code says in English, and nothing else."""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from string import Formatter

import pytest

from tools.texts import LOCALES, PACKAGES, Package, is_translated, read, renewed, sentences_in

BOTH = [(package, locale) for package in PACKAGES for locale in LOCALES]
each_catalogue = pytest.mark.parametrize(
    ("package", "locale"), BOTH, ids=[f"{package.domain}-{locale}" for package, locale in BOTH]
)


def entries(package: Package, locale: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What stands in a file: the English forms of each sentence, and those of the other language."""
    for one in read(package, locale):
        if one.id:
            yield (
                one.id if isinstance(one.id, tuple) else (one.id,),
                one.string if isinstance(one.string, tuple) else (str(one.string),),
            )


def names(sentence: str) -> set[str]:
    if "%(" in sentence:
        return {part.partition(")")[0] for part in sentence.split("%(")[1:]}
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@each_catalogue
def test_a_catalogue_has_the_sentences_of_the_code_and_no_others(package: Package, locale: str) -> None:
    there = package.po(locale).read_text(encoding="utf-8")
    assert there == renewed(package, locale), "run: make texts"


@each_catalogue
def test_every_sentence_is_translated(package: Package, locale: str) -> None:
    catalog = read(package, locale)
    missing = [one.id for one in catalog if one.id and not is_translated(one)]
    assert missing == []
    assert [one.id for one in catalog if one.id and one.fuzzy] == []


@each_catalogue
def test_a_translation_has_the_names_and_the_edges_of_its_sentence(package: Package, locale: str) -> None:
    wrong = []
    for english, other in entries(package, locale):
        for said in filter(None, other):
            # Where one form serves all numbers, it may take the names of either.
            known, used = set[str]().union(*map(names, english)), names(said)
            edges = (english[0][:1] == " ", english[0][-1:] == " ") == (said[:1] == " ", said[-1:] == " ")
            if not used <= known or not any(names(form) <= used for form in english) or not edges:
                wrong.append((english[0], said))
    assert wrong == []


@each_catalogue
def test_what_is_compiled_is_what_is_written(package: Package, locale: str) -> None:
    with package.po(locale).with_suffix(".mo").open("rb") as compiled:
        found = gettext.GNUTranslations(compiled)
    for english, other in entries(package, locale):
        if all(other):
            said = found.ngettext(*english, 2) if len(english) > 1 else found.gettext(english[0])
            assert said == other[0], "run: make texts"


def test_what_is_collected_of_a_module() -> None:
    code = "t('a {x}', x=1)\nlater('b ' 'c')\ntn('{n} d', '{n} ds', 2)\nt(name)\nf'{t(\"e\")}'\nother('f')"
    assert set(sentences_in(code)) == {"a {x}", "b c", ("{n} d", "{n} ds"), "e"}


@pytest.mark.parametrize("code", ["t(f'a {x}')", "later('a' + b)", "tn('a', f'{n} as', n)"])
def test_a_sentence_that_is_put_together_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="write one sentence"):
        list(sentences_in(code))
