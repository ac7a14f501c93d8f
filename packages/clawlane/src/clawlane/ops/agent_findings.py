"""What an operator should know of the agents, and what keeps them from answering."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from clawlane.ops.agents import reach
from clawlane.ops.context import OpContext
from clawlane.ops.findings import Finding, Severity

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.config.load import Config


async def agent_findings(ctx: OpContext, config: Config) -> list[Finding]:
    """All about the agents of a config. Each one is tried with a request that nobody acts on."""
    tried = await asyncio.gather(*(reach(ctx, config, agent) for agent in config.agents))
    broken = [
        _unusable(agent.id, agent.place, problem)
        for agent, reached in zip(config.agents, tried, strict=True)
        for problem in reached.problems
    ]
    return [*broken, *of_config(config)]


def _unusable(agent: str, place: str, problem: str) -> Finding:
    """A problem begins with its place in the config, which is told apart."""
    path, colon, text = problem.partition(": ")
    data = {"agent": agent, "text": text if colon else problem}
    return Finding(Severity.ERROR, "agent_unusable", path if colon else place, data)


def of_config(config: Config) -> Iterator[Finding]:
    """What kinds of agents there are that an operator should know of."""
    from clawlane.config.agent_checks import is_operators
    from clawlane.config.agents import ChildBrain, EchoBrain

    for agent in config.agents:
        data = {"agent": agent.id, "kind": agent.brain.kind}
        if isinstance(agent.brain, EchoBrain):
            yield Finding(Severity.NOTE, "agent_echo", agent.place, data)
        elif isinstance(agent.brain, ChildBrain):
            yield Finding(Severity.NOTE, "agent_child", agent.place, data)
        elif is_operators(agent):
            yield Finding(Severity.WARNING, "agent_operators", agent.place, data)


def admitted_to(config: Config, account: Account) -> list[Finding]:
    """The agents that people who are admitted to an account reach with the operator's rights."""
    return [
        one
        for one in of_config(config)
        if one.code in ("agent_child", "agent_operators")
        and config.routing.answers(one.data["agent"], account.channel, account.id)
    ]
