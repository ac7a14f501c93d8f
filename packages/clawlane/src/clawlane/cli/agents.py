"""`agent`: asking an agent from the terminal, and which of them answers where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json, printable, rules_line, sanitize
from clawlane.ops.agents import AgentInfo, Ask, Bound, ListAgents
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.ops.rules_from import rules_of_file

_LONGEST = 1 << 20
"""Bytes of a question from standard input."""

_LONGEST_LINE = 10_000
_INDENT = "  "


@click.group()
def agent() -> None:
    """Ask an agent from here, and see which one answers where.

    Both need no gateway: they read the config file and open the agents in this process, with the keys that
    this terminal has.
    """


@agent.command()
@click.argument("text")
@click.option("--agent", "name", help="The agent's id (default: the default agent).")
@click.option("--as", "sender", default="operator", show_default=True, help="The sender's id it is shown.")
@json_option
def ask(text: str, name: str | None, sender: str, as_json: bool) -> None:
    """Ask an agent, and print its answer.

    TEXT is the message, or - to read it from standard input. The answer is what people would get. The agent
    has no memory and no tools here, and no gateway is needed. Ctrl-C cancels the agent's work.

    \b
    Examples:
      openclaw agent ask 'Em là ai?'
      openclaw agent ask --agent main - < question.txt
    """
    question = _standard_input() if text == "-" else text
    if not question.strip():
        raise CliError("there is nothing to ask: the text is empty")
    told = Client().run_here(Ask(question, name, sender))
    if as_json:
        answer = {"text": told.text, "media": told.media, "react": told.react, "silent": told.silent}
        print_json(agent=told.agent, **answer, model=told.model, tokens=told.tokens, ms=told.took_ms)
        return
    lines = [printable(told.text)] if told.text else []
    lines += [f"(attaches {sanitize(one, _LONGEST_LINE)})" for one in told.media]
    lines += [f"(reacts with {sanitize(told.react)})"] if told.react else []
    click.echo("\n".join(lines) or "(silent)")


@agent.command("list")
@json_option
def list_agents(as_json: bool) -> int:
    """Show which agent answers where.

    Each is tried with a real request that nobody acts on: an endpoint is asked for its models, a model for
    one word, a coding agent is started, a program is looked up. No gateway is needed.

    \b
    Exit code:
      0  every agent can be reached
      1  one of them cannot, or the config is wrong

    \b
    Examples:
      openclaw agent list
      openclaw agent list --json
    """
    client = Client()
    found = client.run_here(ListAgents())
    rules = rules_of_file(client.paths)
    ok = all(one.reached.ok for one in found)
    if as_json:
        print_json(ok=ok, agents=list(map(_agent_json, found)), rules=rules)
        return 0 if ok else 1
    for one in found:
        for begin, line in _lines(one):
            echo_wrapped(sanitize(line, _LONGEST_LINE), begin, " " * len(begin))
    echo_wrapped(rules_line(rules), hanging=_INDENT)
    return 0 if ok else 1


def _agent_json(agent: AgentInfo) -> dict[str, Any]:
    """An agent for programs; where it answers on every account of a channel, that is `channel/*`."""
    told: dict[str, Any] = plain(agent)
    for bound in told["bound"]:
        bound["account"] = f"{bound['channel']}/{bound['account']}"
    return told


def _lines(agent: AgentInfo) -> Iterator[tuple[str, str]]:
    what = f": {agent.what}" if agent.what else ""
    yield "", f"{agent.id} · {agent.kind}{what}"
    where = [_where(one) for one in agent.bound]
    if agent.default:
        where.append("wherever no binding names another agent")
    yield f"{_INDENT}answers  ", "; ".join(where) or "nowhere: no binding names it"
    reached = agent.reached
    for problem in reached.problems:
        yield f"{_INDENT}problem  ", problem
    if reached.ok and agent.kind == "echo":
        yield f"{_INDENT}state    ", "an echo, which repeats each message: configure `brain` or `model`"
    elif reached.ok:
        remark = f"; {reached.remark}" if reached.remark else ""
        yield f"{_INDENT}state    ", f"reached in {reached.took_ms} ms{remark}"


def _where(bound: Bound) -> str:
    account = (
        f"every account of {bound.channel}" if bound.account == "*" else f"{bound.channel}/{bound.account}"
    )
    if not bound.id:
        return account
    thread = f"group {bound.id}" if bound.kind == "group" else f"direct messages with {bound.id}"
    return f"{thread} of {account}"


def _standard_input() -> str:
    content = sys.stdin.buffer.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise CliError(f"the question is larger than {_LONGEST // 2**20} MB")
    return content.decode(errors="replace")
