"""Answers to yes-or-no questions, in English or in the language in force."""

from __future__ import annotations

import unicodedata

import click

from clawlane.texts import ENGLISH, VIETNAMESE, locale, t

_ANSWERS = {
    ENGLISH: {"y": True, "yes": True, "n": False, "no": False},
    VIETNAMESE: {"c": True, "có": True, "co": True, "k": False, "không": False, "khong": False},
}


def yes_or_no(typed: str) -> bool | None:
    """What was answered; None if it is neither."""
    word = unicodedata.normalize("NFC", typed).strip().lower()
    return {**_ANSWERS[locale()], **_ANSWERS[ENGLISH]}.get(word)


def confirm(question: str, default: bool | None = None, *, err: bool = False) -> bool:
    """A question on one line. Without a `default` one has to be typed. Raises `click.Abort` on Ctrl-C."""
    if locale() == ENGLISH:
        return click.confirm(question, default=default, err=err)
    hint = {None: t("yes/no"), True: t("Yes/no"), False: t("yes/No")}[default]
    proposed = {None: None, True: "y", False: "n"}[default]
    while True:
        typed = str(click.prompt(f"{question} [{hint}]", default=proposed, show_default=False, err=err))
        if (answer := yes_or_no(typed)) is not None:
            return answer
        click.echo(t("Type yes or no."), err=err)
