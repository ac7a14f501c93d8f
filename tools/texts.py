"""The catalogues of texts: `make texts` writes the .po files anew from the code and compiles them.

    python -m tools.texts                    write and compile every catalogue
    python -m tools.texts missing [FILE…]    list what is not translated, of all files or those that begin so
    python -m tools.texts FILE.po            compile one

An entry keeps its translation for as long as its sentence is in the code. Entries are sorted by file and
sentence and carry neither times nor line numbers, so that two changes seldom meet.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from clawlane.cli.help_text import help_sentences
from clawlane.cli.main import cli

ROOT = Path(__file__).parents[1]
LOCALES = ("vi",)
_SENTENCES = {"t": slice(0, 1), "later": slice(0, 1), "tn": slice(0, 2), "in_each": slice(2, 3)}
"""Which arguments of our own functions are sentences."""

_CLICK_FILES = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
_HEAD = """\
# Texts of {domain} in another language. See docs/languages.md; `make texts` sorts and completes this file.
msgid ""
msgstr ""
"Language: {locale}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""

Id = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """A package with a catalogue. `whole` is the one with the command line, and with click's words."""

    domain: str
    source: Path
    whole: bool = False

    def po(self, locale: str) -> Path:
        """The file with the translations."""
        return self.source / "locales" / locale / "LC_MESSAGES" / f"{self.domain}.po"

    def sentences(self) -> dict[Id, set[str]]:
        """What the code says, each with the files that say it."""
        found: dict[Id, set[str]] = {}
        for file, id_ in self._found():
            found.setdefault(id_, set()).add(file)
        return found

    def _found(self) -> Iterator[tuple[str, Id]]:
        for file in sorted(self.source.rglob("*.py")):
            for id_ in sentences_in(file.read_text(encoding="utf-8"), str(file)):
                yield file.relative_to(self.source).as_posix(), id_
        for file in sorted(self.source.rglob("templates/*.html")):
            for id_ in sentences_in_template(file.read_text(encoding="utf-8"), str(file)):
                yield file.relative_to(self.source).as_posix(), id_
        if self.whole:
            yield from help_sentences(cli)
            yield from _of_click()


PACKAGES = (
    Package("clawlane", ROOT / "packages/clawlane/src/clawlane", whole=True),
    Package("clawlane_zalouser", ROOT / "extensions/zalouser/src/clawlane_zalouser"),
)


def sentences_in(code: str, file: str = "") -> Iterator[Id]:
    """The sentences of a module. Raises `ValueError` for one that is put together where it is said."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).removeprefix("texts.")
        said = node.args[_SENTENCES.get(name, slice(0))]
        if any(isinstance(one, ast.JoinedStr | ast.BinOp) for one in said):
            raise ValueError(
                f"{file}:{node.lineno}: write one sentence with {{names}}, and give their values"
            )
        texts = [one.value for one in said if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if texts:
            yield tuple(texts) if len(texts) > 1 else texts[0]


def sentences_in_template(html: str, file: str = "") -> Iterator[Id]:
    """The sentences of a page's template. Raises `ValueError` for one that is put together there."""
    for call in Environment(autoescape=True).parse(html).find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.node.name not in ("t", "tn"):
            continue
        said = call.args[_SENTENCES[call.node.name]]
        if any(isinstance(one, nodes.Concat | nodes.Add) for one in said):
            raise ValueError(
                f"{file}:{call.lineno}: write one sentence with {{names}}, and give their values"
            )
        texts = [one.value for one in said if isinstance(one, nodes.Const) and isinstance(one.value, str)]
        if texts:
            yield tuple(texts) if len(texts) > 1 else texts[0]


def _of_click() -> Iterator[tuple[str, Id]]:
    """What click itself says in help and about mistakes."""
    keywords = {"_": None, "ngettext": (1, 2)}
    folder = Path(click.__file__).parent
    for file, _, id_, _, _ in extract_from_dir(folder, [("**.py", "python")], keywords=keywords):
        if file.removesuffix(".py") in _CLICK_FILES:
            yield f"click/{file}", id_


def read(package: Package, locale: str) -> Catalog:
    """The catalogue as its file has it; empty without one."""
    file = package.po(locale)
    if not file.exists():
        return Catalog(locale)
    with file.open("rb") as stream:
        return read_po(stream, locale)


def renewed(package: Package, locale: str) -> str:
    """The text of the catalogue's file as the code wants it."""
    before, after = read(package, locale), Catalog(locale)
    sentences = package.sentences()
    for id_, files in sorted(sentences.items(), key=lambda one: (min(one[1]), str(one[0]))):
        known = before.get(id_[0] if isinstance(id_, tuple) else id_)
        kept = known.string if known is not None and known.id == id_ else None
        # One file is enough to find it, and fewer places change.
        after[id_] = Message(id_, kept or "", locations=[(min(files), 0)])
    written = io.BytesIO()
    write_po(written, after, width=100, omit_header=True, include_lineno=False)
    return _HEAD.format(domain=package.domain, locale=locale) + written.getvalue().decode()


def compile_file(po: Path) -> None:
    """Write the .mo beside a .po."""
    with po.open("rb") as stream:
        catalog = read_po(stream, po.parents[1].name)
    with po.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, catalog)


def main(words: list[str]) -> None:
    match words:
        case []:
            _write_all()
        case ["missing", *files]:
            for package in PACKAGES:
                for locale in LOCALES:
                    _list_missing(read(package, locale), tuple(files))
        case _:
            for file in words:
                compile_file(Path(file))


def _write_all() -> None:
    for package in PACKAGES:
        for locale in LOCALES:
            text = renewed(package, locale)
            po = package.po(locale)
            po.parent.mkdir(parents=True, exist_ok=True)
            po.write_text(text, encoding="utf-8")
            compile_file(po)
            entries = read(package, locale)
            missing = sum(not is_translated(one) for one in entries if one.id)
            print(f"{po.relative_to(ROOT)}: {len(entries)} sentences, {missing} not translated")


def _list_missing(catalog: Catalog, files: tuple[str, ...]) -> None:
    for one in catalog:
        file = one.locations[0][0] if one.locations else ""
        if one.id and not is_translated(one) and (not files or file.startswith(files)):
            print(f"{file}: {one.id!r}")


def is_translated(message: Message) -> bool:
    """Whether an entry says anything in its language."""
    said = message.string
    return bool(said) if isinstance(said, str) else all(said or [""])


if __name__ == "__main__":
    main(sys.argv[1:])
