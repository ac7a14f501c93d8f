"""`completion`: the script by which a shell completes commands, and what it completes options with."""

from __future__ import annotations

import click

from clawlane.texts import t

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, channels and accounts in SHELL.

    \b
    bash, in ~/.bashrc:
      eval "$(openclaw completion bash)"
    zsh, in ~/.zshrc, after compinit:
      eval "$(openclaw completion zsh)"
    fish:
      openclaw completion fish > ~/.config/fish/completions/openclaw.fish

    \b
    Example:
      openclaw completion bash
    """
    from click.shell_completion import BashComplete, get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(t("there is no completion for {shell}", shell=shell))
    root = ctx.find_root()
    name = root.info_name or "openclaw"
    made = kind(root.command, {}, name, f"_{name.upper()}_COMPLETE")
    # Bash's own check runs bash, which need not be there where the script is made.
    script = made.source_template % made.source_vars() if isinstance(made, BashComplete) else made.source()
    click.echo(script)
