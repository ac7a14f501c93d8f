"""`agent`: asking an agent from the terminal, and which of them answers where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import columns, echo_wrapped, print_json
from clawlane.ops.agents import AgentInfo, Ask, Bound, ListAgents
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.ops.rules_from import rules_of_file
from clawlane.texts import later, t
from clawlane.words.rules import rules_line
from clawlane.words.strangers import printable, sanitize

_LONGEST = 1 << 20
"""Bytes of a question from standard input."""

_LONGEST_LINE = 10_000
_INDENT = "  "
_ANSWERS, _PROBLEM, _STATE = _HEADS = later("answers"), later("problem"), later("state")
"""What the lines about an agent begin with."""

_ECHO = later("an echo, which repeats each message: configure `brain` or `model`")


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
        raise CliError(t("there is nothing to ask: the text is empty"))
    told = Client().run_here(Ask(question, name, sender))
    if as_json:
        answer = {"text": told.text, "media": told.media, "react": told.react, "silent": told.silent}
        print_json(agent=told.agent, **answer, model=told.model, tokens=told.tokens, ms=told.took_ms)
        return
    lines = [printable(told.text)] if told.text else []
    lines += [t("(attaches {file})", file=sanitize(one, _LONGEST_LINE)) for one in told.media]
    lines += [t("(reacts with {icon})", icon=sanitize(told.react))] if told.react else []
    click.echo("\n".join(lines) or t("(silent)"))


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
    what = f": {t(agent.what)}" if agent.what else ""
    yield "", f"{agent.id} · {agent.kind}{what}"
    width = max(columns(t(head)) for head in _HEADS) + len(_INDENT)
    yield from ((f"{_INDENT}{t(head):<{width}}", line) for head, line in _rows(agent))


def _rows(agent: AgentInfo) -> Iterator[tuple[str, str]]:
    """Where it answers, and whether it can be reached: what a line is about, and its text."""
    where = [_where(one) for one in agent.bound]
    if agent.default:
        where.append(t("wherever no binding names another agent"))
    yield _ANSWERS, "; ".join(where) or t("nowhere: no binding names it")
    reached = agent.reached
    for problem in reached.problems:
        yield _PROBLEM, t(problem)
    if reached.ok and agent.kind == "echo":
        yield _STATE, t(_ECHO)
    elif reached.ok:
        remark = f"; {t(reached.remark)}" if reached.remark else ""
        yield _STATE, t("reached in {ms} ms", ms=reached.took_ms) + remark


def _where(bound: Bound) -> str:
    account = f"{bound.channel}/{bound.account}"
    if bound.account == "*":
        account = t("every account of {channel}", channel=bound.channel)
    if not bound.id:
        return account
    if bound.kind == "group":
        return t("group {id} of {account}", id=bound.id, account=account)
    return t("direct messages with {id} of {account}", id=bound.id, account=account)


def _standard_input() -> str:
    content = sys.stdin.buffer.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise CliError(t("the question is larger than {size} MB", size=_LONGEST // 2**20))
    return content.decode(errors="replace")
