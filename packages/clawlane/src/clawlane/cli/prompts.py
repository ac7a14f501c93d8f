"""Questions at a terminal: with arrow keys where the terminal can do that, else by typed numbers.

questionary and prompt_toolkit are imported here and in `picker`, and nowhere else. Ctrl-C raises
`KeyboardInterrupt` from every question.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

import click

from clawlane.cli.output import echo_wrapped, prose
from clawlane.cli.prompt_answers import yes_or_no
from clawlane.cli.prompt_options import Check, Option, marked_names, matching
from clawlane.texts import ENGLISH, locale, t

_PAGE = 15


class Prompts(Protocol):
    """How questions are asked. All raise `KeyboardInterrupt` on Ctrl-C."""

    def choose(self, question: str, options: Sequence[Option], proposed: str = "") -> str:
        """One of the options."""
        ...

    def pick(self, question: str, options: Sequence[Option], extra: Check | None = None) -> list[str]:
        """Any number of them. With `extra`, a typed text may be added that it finds nothing wrong with."""
        ...

    def confirm(self, question: str, proposed: bool | None = None) -> bool:
        """Yes or no; without a proposal one has to be typed."""
        ...

    def text(self, question: str, proposed: str = "", check: Check | None = None) -> str:
        """A line of text that `check` finds nothing wrong with."""
        ...


def prompts() -> Prompts:
    """The questions for this terminal."""
    return Typed() if os.environ.get("TERM", "dumb").lower() in ("", "dumb", "unknown") else Keyed()


class Typed:
    """Questions answered by typing a line: for terminals that cannot move the cursor."""

    def choose(self, question: str, options: Sequence[Option], proposed: str = "") -> str:
        echo_wrapped(question)
        for number, one in enumerate(options, 1):
            label = t("{option} (proposed)", option=one.label) if one.value == proposed else one.label
            echo_wrapped(f"{label}: {one.note}" if one.note else label, f"  {number}  ", "     ")
        default = next((str(n) for n, one in enumerate(options, 1) if one.value == proposed), None)
        while True:
            typed = self._line(t("Number"), default).strip()
            if typed.isdecimal() and 1 <= int(typed) <= len(options):
                return options[int(typed) - 1].value
            if found := next((one for one in options if one.value == typed), None):
                return found.value
            click.echo(t("Type a number from 1 to {n}.", n=len(options)))

    def pick(self, question: str, options: Sequence[Option], extra: Check | None = None) -> list[str]:
        echo_wrapped(question)
        echo_wrapped(
            t("Type part of a name to see who fits, numbers to choose (1 3), or nothing to continue.")
        )
        chosen: dict[str, Option] = {}
        shown: list[Option] = []
        if len(options) <= _PAGE:
            shown = self._list(options)
        while typed := self._line(t("Name, numbers, or nothing"), "").strip():
            numbers = typed.replace(",", " ").split()
            if all(one.isdecimal() and 1 <= int(one) <= len(shown) for one in numbers):
                chosen.update((shown[int(one) - 1].value, shown[int(one) - 1]) for one in numbers)
            elif found := matching(options, typed):
                shown = self._list(found)
                continue
            elif extra is None or (wrong := extra(typed)):
                echo_wrapped(wrong if extra else t("Nothing fits '{typed}'.", typed=typed))
                continue
            else:
                chosen[typed] = Option(typed, typed)
            echo_wrapped(t("Chosen: {names}", names=marked_names(list(chosen.values()))))
        return list(chosen)

    def confirm(self, question: str, proposed: bool | None = None) -> bool:
        hint = {None: t("yes/no"), True: t("Yes/no"), False: t("yes/No")}[proposed]
        default = None if proposed is None else ("yes" if proposed else "no")
        while True:
            typed = self._line(f"{question} [{hint}]", default, show=False)
            if (answer := yes_or_no(typed)) is not None:
                return answer
            click.echo(t("Type yes or no."))

    def text(self, question: str, proposed: str = "", check: Check | None = None) -> str:
        while True:
            typed = self._line(question, proposed).strip()
            if not (wrong := check(typed) if check else ""):
                return typed
            echo_wrapped(wrong)

    def _list(self, options: Sequence[Option]) -> list[Option]:
        shown = list(options[:_PAGE])
        for number, one in enumerate(shown, 1):
            echo_wrapped(f"{one.label}  {one.note}".strip(), f"  {number:2}  ", "      ")
        if len(options) > len(shown):
            click.echo("      " + t("… and {n} more: type more of the name", n=len(options) - len(shown)))
        return shown

    def _line(self, question: str, default: str | None, *, show: bool = True) -> str:
        try:
            return str(click.prompt(question, default=default, show_default=bool(default) and show))
        except click.Abort:
            raise KeyboardInterrupt from None


class Keyed:
    """Questions answered with the arrow keys."""

    def choose(self, question: str, options: Sequence[Option], proposed: str = "") -> str:
        import questionary

        from clawlane.cli.picker import style

        # questionary writes "Description:" before what it describes, so that stands above in other languages.
        above = [one for one in options if one.note] if locale() != ENGLISH else []
        for one in above:
            echo_wrapped(f"{one.label}: {one.note}", "  ", "      ")
        shown = [
            questionary.Choice(
                one.label, value=one.value, description=None if above else _described(one, proposed)
            )
            for one in options
        ]
        asked = questionary.select(
            question,
            choices=shown,
            default=proposed or None,
            qmark="?",
            pointer=">",
            style=style(),
            use_jk_keys=False,
            instruction=t("(Up, Down, Enter)"),
        )
        return str(asked.unsafe_ask())

    def pick(self, question: str, options: Sequence[Option], extra: Check | None = None) -> list[str]:
        from clawlane.cli.picker import pick

        return pick(question, options, matching, extra)

    def confirm(self, question: str, proposed: bool | None = None) -> bool:
        if proposed is None:
            return Typed().confirm(question)
        import questionary

        from clawlane.cli.picker import style

        if locale() != ENGLISH:  # questionary answers with Yes and No
            return Typed().confirm(question, proposed)
        return bool(questionary.confirm(question, default=proposed, style=style()).unsafe_ask())

    def text(self, question: str, proposed: str = "", check: Check | None = None) -> str:
        import questionary

        from clawlane.cli.picker import style

        asked = questionary.text(
            question,
            default=proposed,
            style=style(),
            validate=(lambda typed: check(typed.strip()) or True) if check else None,
        )
        return str(asked.unsafe_ask()).strip()


def tell(text: str) -> None:
    """A paragraph before a question."""
    for line in prose(text):
        click.echo(line)


def _described(option: Option, proposed: str) -> str | None:
    return f"{t('Proposed.') if option.value == proposed else ''} {option.note}".strip() or None
