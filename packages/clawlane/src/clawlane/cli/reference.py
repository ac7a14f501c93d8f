"""Every command with its help as one page of markdown, docs/commands.md: run `make docs`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawlane.cli.main import cli

_WIDTH = 80
_HEAD = """\
# Commands

`openclaw` and `clawlane` are the same program. This is what `--help` prints; `openclaw help` has
more to read. Every command that answers questions takes `--json`.

`--channel` and `--account` may be left out: the only channel and its default account are meant.
Exit codes are 0 for success and 1 for anything wrong, unless the command's help has more.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, *(_section(name, command) for name, command in _commands("openclaw", cli))]
    return "\n".join(parts)


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and everything below it, in the order of the help."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                yield from _commands(f"{name} {below}", found)


def _section(name: str, command: click.Command) -> str:
    settings = cli.context_settings
    context = click.Context(
        command,
        info_name=name,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=settings["help_option_names"],
    )
    return f"## {name}\n\n```text\n{command.get_help(context).strip()}\n```\n"


if __name__ == "__main__":
    print(page(), end="")
