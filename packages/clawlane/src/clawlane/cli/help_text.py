"""The help of commands in another language: its sentences, and commands whose help is translated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from inspect import cleandoc

import click

_AS_IT_IS = "\b"
"""What stands before a paragraph that click must not wrap."""


def translated(command: click.Command, say: Callable[[str], str]) -> click.Command:
    """A command whose own help, and that of its options, is said by `say`; as are those below it."""
    made = copy(command)
    made.help = _by_paragraph(command.help, say)
    made.short_help = say(command.short_help) if command.short_help else command.short_help
    made.params = [_option(one, say) for one in command.params]
    if isinstance(made, click.Group):
        made.commands = {name: translated(one, say) for name, one in made.commands.items()}
    return made


def help_sentences(command: click.Command) -> Iterator[tuple[str, str]]:
    """Every sentence of the help of a command and those below it, with the file that has it."""
    file = _file(command)
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    lines = getattr(command, "lines", dict[str, str]())
    found.extend(lines.values())
    own = copy(command)
    if isinstance(own, click.Group):
        own.commands = {}
    translated(own, note)
    yield from ((file, one) for one in found)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from help_sentences(below)


def _option(param: click.Parameter, say: Callable[[str], str]) -> click.Parameter:
    if not isinstance(param, click.Option) or not param.help:
        return param
    made = copy(param)
    made.help = say(" ".join(param.help.split()))
    return made


def _by_paragraph(help: str | None, say: Callable[[str], str]) -> str | None:
    """The help with each paragraph said on its own. Of examples only the line above them is a sentence."""
    if not help:
        return help
    return "\n\n".join(_paragraph(one, say) for one in cleandoc(help).split("\n\n"))


def _paragraph(text: str, say: Callable[[str], str]) -> str:
    if not text.startswith(_AS_IT_IS):
        return say(" ".join(text.split()))
    head, *rest = text.removeprefix(_AS_IT_IS).lstrip("\n").split("\n")
    if all(line.startswith(("  openclaw ", "  clawlane ")) for line in rest):
        return "\n".join((_AS_IT_IS, say(head), *rest))
    return f"{_AS_IT_IS}\n{say(chr(10).join((head, *rest)))}"


def _file(command: click.Command) -> str:
    """The file with a command's function, below the package."""
    module = getattr(command.callback, "__module__", "clawlane.cli.main")
    return "/".join(module.split(".")[1:]) + ".py"
