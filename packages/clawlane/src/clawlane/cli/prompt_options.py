"""What prompts offer to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clawlane.lookup import search
from clawlane.messages import Person
from clawlane.texts import t

Check = Callable[[str], str]
"""What is wrong with a typed text, in one line; empty if nothing is."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose: what it stands for, how it is shown, and what is said about it."""

    value: str
    label: str
    note: str = ""
    aliases: tuple[str, ...] = ()


def said(options: Sequence[Option]) -> list[Option]:
    """Options of a constant in the language in force. A label that is a value of the config stays."""
    return [
        replace(one, label=one.label if one.label == one.value else t(one.label), note=t(one.note))
        for one in options
    ]


def matching(options: Sequence[Option], query: str) -> list[Option]:
    """The options with the query in their value, label or aliases; accents and case do not count."""
    by_value = {one.value: one for one in options}
    people = [Person(one.value, one.label, one.aliases) for one in options]
    return [by_value[one.id] for one in search(people, query)] if query.strip() else list(options)


def marked_names(options: Sequence[Option]) -> str:
    """Options in a line; with the value, too, where several have one label."""
    labels = [one.label for one in options]
    shown = (
        f"{one.label} ({one.value})" if labels.count(one.label) > 1 and one.value != one.label else one.label
        for one in options
    )
    return ", ".join(shown) or t("none")
