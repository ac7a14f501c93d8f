"""A group of commands whose modules are imported when one of them is asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from clawlane.texts import ENGLISH, locale, t

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """`table` maps a command's name to `"module:attribute"` and the line that the group's help shows for it.

    Help is written from the table alone, so that it is quick however heavy the commands are.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        if locale() == ENGLISH:
            return command
        from clawlane.cli.help_text import translated

        return translated(command, t)

    @property
    def lines(self) -> dict[str, str]:
        """What the help shows for each command."""
        return {name: line for name, (_, line) in self._table.items()}

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """From the table alone, too: completing imports no command that is not on the line."""
        from click.shell_completion import CompletionItem

        names = [name for name in self._table if name.startswith(incomplete)]
        found = [CompletionItem(name, help=t(self._table[name][1])) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self._table and not args[0].startswith("-"):
            from clawlane.cli.failure import CliError
            from clawlane.config.errors import did_you_mean

            inside = self._inside(ctx, args[0])
            hint = t("did you mean '{name}'?", name=inside) if inside else did_you_mean(args[0], self._table)
            hint = hint or t("the commands are: {names}", names=", ".join(self._table))
            what = t("{program} has no command '{name}'", program=ctx.command_path, name=args[0])
            raise CliError(what, hint)
        return super().resolve_command(ctx, args)

    def _inside(self, ctx: click.Context, name: str) -> str:
        """The command of that name in a group that is loaded already; empty if none has it."""
        for group, (place, _) in self._table.items():
            loaded = self.get_command(ctx, group) if place.partition(":")[0] in sys.modules else None
            if isinstance(loaded, LazyGroup) and name in loaded._table:
                return f"{ctx.command_path} {group} {name}"
        return ""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section(t("Commands")):
            formatter.write_dl([(name, t(line)) for name, line in self.lines.items()])
