"""`help`: pages that need no network, and the help of any command."""

from __future__ import annotations

import click

from clawlane.cli.failure import CliError
from clawlane.cli.lazy import LazyGroup
from clawlane.cli.runbooks import PAGES, runbook, topic_text
from clawlane.texts import later, t

TOPICS = {
    "getting-started": later("From nothing to a lane that answers."),
    "access": later("Who is answered, and who is not."),
    "pairing": later("Letting in one person at a time."),
    "groups": later("Answers in groups."),
    "pausing": later("Stopping everything that leaves."),
    "recovery": later("What to do when something is wrong."),
    "verification": later("Proving that a lane works."),
    "console": later("The console in a browser."),
    "webhooks": later("Telling an address of yours what happens."),
    "mcp": later("The lane for agents elsewhere."),
    "metrics": later("Numbers for Prometheus."),
    "exit-codes": later("What the exit codes mean."),
    "files": later("The state directory."),
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
        click.echo(t("Topics:"))
        for name, line in TOPICS.items():
            click.echo(f"  {name:<17}{t(line)}")
        click.echo(f"  {'runbooks/ALARM':<17}{t('What to do after an alarm:')}")
        for name in PAGES:
            click.echo(f"    {name}")
        click.echo()
        click.echo(t("Read one: openclaw help TOPIC"))
        click.echo(t("A command: openclaw help COMMAND, or openclaw COMMAND --help"))
        return
    command = _command(ctx.find_root(), words)
    page = _page(words[0]) if len(words) == 1 and words[0] in (*TOPICS, *PAGES) else ""
    if not page and command is None:
        name = " ".join(words)
        topics = t("topics: {topics}", topics=", ".join(TOPICS))
        raise CliError(t("there is no topic or command '{name}'", name=name), topics)
    text = page if command is None else f"{page}\n{command}" if page else command
    click.echo_via_pager(text if text.endswith("\n") else f"{text}\n")


def _page(name: str) -> str:
    """The text of a topic, in the language in force."""
    return runbook(name) if name in PAGES else topic_text(name, "txt")


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
