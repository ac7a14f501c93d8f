"""`support-bundle`: how the setup is, in one file for whoever helps."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import Card, echo_cards, echo_line, echo_wrapped, print_json
from clawlane.cli.prompt_answers import confirm
from clawlane.ops.client import Client
from clawlane.texts import t
from clawlane.words.strangers import sanitize
from clawlane.words.times import size_words
from clawlane.zone import shown

if TYPE_CHECKING:
    from clawlane.ops.support_bundle import Part


@click.command("support-bundle")
@click.option("--output", type=click.Path(), default="", help="The file (default: here, with the time).")
@click.option("--yes", is_flag=True, help="Do not ask before it is written.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@json_option
def support_bundle(output: str, yes: bool, force: bool, as_json: bool) -> None:
    """Collect what helps somebody to help you, in one file; nothing is sent anywhere.

    It lists what would be in it, and asks before it writes. There is nothing in it that people write, no
    names, numbers or ids, and no secrets. It works beside a running gateway and without, and with a config or
    a store that cannot be read. Look into it before you pass it on: tar -xzf FILE

    \b
    Examples:
      openclaw support-bundle
      openclaw support-bundle --output lane.tar.gz --yes
    """
    from clawlane.ops.support_bundle import Collect, save

    if not yes and (as_json or not sys.stdin.isatty()):
        raise CliError(t("nobody can be asked whether to write it"), t("say so with --yes"))
    bundle = Client().run_here(Collect(os.environ.get("PATH", "")))
    file = output or f"clawlane-support-{shown().at(bundle.made_ms):%Y%m%d-%H%M%S}.tar.gz"
    if not as_json:
        echo_wrapped(t("The bundle would hold:"))
        echo_cards([*map(_card, bundle.parts)])
        echo_wrapped(t(bundle.not_in_it))
    if not yes and not confirm(t("Write it to {file}?", file=file), default=True):
        raise CliError(t("nothing was written"))
    size = save(bundle, file, replace=force)
    if as_json:
        parts = [
            {"name": part.name, "size": len(part.content), "about": t(part.about), "problem": part.problem}
            for part in bundle.parts
        ]
        print_json(file=os.path.abspath(file), size=size, parts=parts)
        return
    echo_line(t("Written: {path}", path=f"{file} ({size_words(size)})"))
    echo_wrapped(t("Look into it before you pass it on: {command}", command=f"tar -xzf {file}"), hanging="  ")


def _card(part: Part) -> Card:
    head = t("{size}: {what}", size=size_words(len(part.content)), what=t(part.about))
    if not part.problem:
        return Card(part.name, head, ())
    return Card(part.name, head, (t("cannot be read: {reason}", reason=sanitize(part.problem, 200)),))
