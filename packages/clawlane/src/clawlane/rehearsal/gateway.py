"""The gateway of a rehearsal, as a process: `python -m clawlane.rehearsal.gateway`.

It is the gateway of `openclaw gateway run`. Two things differ: it ends with whoever started it, and unless
`--agents` is given, no agent is asked: each answer says which one would have been.
"""

from __future__ import annotations

import argparse
import os
import sys

from clawlane.agents.contract import TurnInput
from clawlane.agents.echo import EchoAgent
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.config.routing import Bindings
from clawlane.gateway.process import run
from clawlane.messages import Reply
from clawlane.plugins.registry import Registry
from clawlane.rehearsal.leash import end_with_parent
from clawlane.rehearsal.simulators import OnlyRehearsed
from clawlane.texts import ENGLISH, in_locale, told


class StandIn:
    """Repeats each message instead of the agent that the config has for it, and says so."""

    def __init__(self, routing: Bindings) -> None:
        self._routing = routing
        self._echo = EchoAgent()

    async def run(self, turn: TurnInput) -> Reply | None:
        """What was written, after the name of the agent and what it would see of the group."""
        echo = await self._echo.run(turn)
        agent = self._routing.agent_of(turn.account, turn.thread)
        more = f"; it would see {len(turn.history)} earlier messages, too" if turn.history else ""
        text = echo.text if echo else ""
        return Reply(f"[rehearsal: agent '{agent}' is not asked{more}] {text}", markdown=False)


def main() -> int:
    """Run until SIGTERM, SIGINT or the end of stdin. An error is one line on stderr, and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m clawlane.rehearsal.gateway")
    parser.add_argument("--agents", action="store_true", help="ask the agents of the config")
    parser.add_argument("--without", action="append", default=[], help="a channel that stays off")
    parser.add_argument("--locale", default=ENGLISH, help="the language of an error")
    options = parser.parse_args()
    end_with_parent()
    try:
        paths = Paths.from_env(os.environ)
        (manifest,) = Registry(paths).manifests()
        plugins = OnlyRehearsed(manifest, options.without)
        agent = None if options.agents else StandIn(load(paths, plugins, os.environ).routing)
        return run(paths, os.environ, plugins, agent)
    except Exception as error:
        while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        with in_locale(options.locale):
            print(f"error: {type(error).__name__}: {told(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
