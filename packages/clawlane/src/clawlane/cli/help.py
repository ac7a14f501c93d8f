"""`help`: pages that need no network, and the help of any command."""

from __future__ import annotations

from importlib.resources import files

import click

from clawlane.cli.failure import CliError
from clawlane.cli.lazy import LazyGroup
from clawlane.cli.runbooks import PAGES, runbook

TOPICS = {
    "getting-started": "From nothing to a lane that answers.",
    "access": "Who is answered, and who is not.",
    "pairing": "Letting in one person at a time.",
    "groups": "Answers in groups.",
    "pausing": "Stopping everything that leaves.",
    "recovery": "What to do when something is wrong.",
    "verification": "Proving that a lane works.",
    "exit-codes": "What the exit codes mean.",
    "files": "The state directory.",
}


@click.command("help")
@click.argument("words", nargs=-1, metavar="[TOPIC | COMMAND…]")
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show a page of help, or the help of a command. Needs no network.

    \b
    Examples:
      openclaw help
      openclaw help recovery
      openclaw help pairing approve
    """
    if not words:
        click.echo("Topics:")
        for name, line in TOPICS.items():
            click.echo(f"  {name:<17}{line}")
        click.echo("  runbooks/ALARM   What to do after an alarm:")
        for name in PAGES:
            click.echo(f"    {name}")
        click.echo(
            "\nRead one: openclaw help TOPIC\nA command: openclaw help COMMAND, or openclaw COMMAND --help"
        )
        return
    command = _command(ctx.find_root(), words)
    page = _page(words[0]) if len(words) == 1 and words[0] in (*TOPICS, *PAGES) else ""
    if not page and command is None:
        name = " ".join(words)
        raise CliError(f"there is no topic or command '{name}'", f"topics: {', '.join(TOPICS)}")
    text = page if command is None else f"{page}\n{command}" if page else command
    click.echo_via_pager(text if text.endswith("\n") else f"{text}\n")


def _page(name: str) -> str:
    """The text of a topic."""
    if name in PAGES:
        return runbook(name)
    return files("clawlane.cli").joinpath("topics", f"{name}.txt").read_text(encoding="utf-8")


def _command(root: click.Context, words: tuple[str, ...]) -> str | None:
    """The help of a command; None if there is none of these words."""
    ctx = root
    for word in words:
        group = ctx.command
        found = group.get_command(ctx, word) if isinstance(group, click.Group | LazyGroup) else None
        if found is None:
            return None
        ctx = click.Context(found, info_name=word, parent=ctx)
    return ctx.get_help()
