"""`mcp`: the lane as an MCP server for agents elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_line
from clawlane.texts import t

_ALLOWED = ("send", "react", "approve")


@click.group()
def mcp() -> None:
    """Serve the lane to agents elsewhere, by MCP."""


@mcp.command()
@click.option("--http", metavar="HOST:PORT", help="Serve over HTTP on this machine, not over the pipes.")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="The token that HTTP clients have to give."
)
@click.option("--allow", metavar="WHAT", multiple=True, help="What clients may do: send, react, approve.")
def serve(http: str | None, token_file: Path | None, allow: tuple[str, ...]) -> None:
    """Serve the lane over stdin and stdout, or over HTTP.

    A client starts this command by itself and speaks with it over its pipes. It asks the gateway that
    runs; without one it reads what is stored, and nothing is sent.

    Clients read: conversations of people who were let in, events, what waits for you, the directory,
    status. Reading shows nobody "seen". With --allow send or react they also act, in known
    conversations, and all that holds for your agents holds for them: access, pauses, pacing, drafts.
    With --allow approve they decide for you who may write and which drafts leave; nothing sets that
    by itself.

    Over HTTP a client gives the token in the file, as `Authorization: Bearer`. Only this machine can
    connect.

    \b
    Examples:
      openclaw mcp serve
      openclaw mcp serve --allow send,react
      openclaw mcp serve --http 127.0.0.1:18791 --token-file ~/.clawlane/mcp-token
    """
    wanted = _allowed(allow)
    if http is None and token_file is not None:
        raise CliError(t("--token-file is for --http"), t("leave one of them out, or give both"))
    if http is not None and token_file is None:
        raise CliError(
            t("--http needs --token-file"), t("make one with: {command}", command="openclaw mcp token FILE")
        )
    try:
        from clawlane.cli.mcp_serving import serve_http, serve_pipes
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "uvicorn", "starlette"):
            raise
        told = t("the library for MCP servers is missing")
        raise CliError(told, t("run: {command}", command="pip install 'clawlane[mcp]'")) from None
    if http is None or token_file is None:
        serve_pipes(wanted)
    else:
        serve_http(wanted, http, token_file)


@mcp.command()
@click.argument("file", type=click.Path(path_type=Path))
def token(file: Path) -> None:
    """Make a token for HTTP clients, in a new file that only you can read.

    The token itself is not shown.

    \b
    Example:
      openclaw mcp token ~/.clawlane/mcp-token
    """
    from clawlane.credentials.mcp_token import make_token

    make_token(file)
    echo_line(t("The token is in {file}.", file=file))


def _allowed(written: tuple[str, ...]) -> frozenset[str]:
    """What is allowed, separated by commas or given several times. Raises `CliError`."""
    words = {word.strip().lower() for one in written for word in one.split(",") if word.strip()}
    unknown = sorted(words.difference(_ALLOWED))
    if unknown:
        told = t("--allow does not know '{word}'", word=unknown[0][:40])
        raise CliError(told, t("it takes: {known}", known=", ".join(_ALLOWED)))
    return frozenset(words)
