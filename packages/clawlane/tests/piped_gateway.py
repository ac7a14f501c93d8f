"""A gateway process whose platform is its own standard input and output, for tests that kill it.

One JSON object a line. In: {"say": TEXT, "id": ID, "from": SENDER}, {"crash": true}, {"phase": PHASE}. Out:
{"ready": true} when the channel runs, {"agent": TEXT} when the agent is asked, {"sending": TEXT, "client_id":
ID} when a message is on its way. Arguments: `hold-agent` and `hold-send` never come back from there; `gated`
asks for consent and a login.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from clawlane.agents.contract import TurnInput
from clawlane.capabilities import LoginStep, ProbeResult, RiskNotice
from clawlane.channel import Account, Health, Host, Manifest, Outgoing, Phase, Receipt, State, Vault
from clawlane.config.paths import Paths
from clawlane.gateway.process import run
from clawlane.messages import Inbound, Reply, Signal, Text, Thread, ThreadKind


def tell(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


class Piped:
    _lines: asyncio.StreamReader | None = None

    async def run(self, account: Account, host: Host) -> None:
        lines = await self._input()
        own = {"user_id": "100", "user_name": "Bot"}
        host.report(State(Phase.READY, "", "", Health.OK, Health.OK, Health.OK, **own))
        tell(ready=True)
        while line := await lines.readline():
            told = json.loads(line)
            if "say" in told:
                await host.admit(self._inbound(account, told))
            elif "phase" in told:
                host.report(State(Phase(told["phase"]), "as told", "openclaw something"))
            else:
                raise RuntimeError("as told")
        await asyncio.Event().wait()

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        tell(sending=out.text, client_id=out.client_id)
        if "hold-send" in sys.argv:
            await asyncio.Event().wait()
        return Receipt((f"r{out.client_id}",))

    async def signal(self, account: Account, signal: Signal) -> None:
        """Nothing is shown to anybody."""

    def plan(self, account: Account, thread: Thread, reply: Reply) -> list[Outgoing]:
        return [Text(thread, reply.text)]

    async def probe(self, account: Account, vault: Vault) -> ProbeResult:
        return ProbeResult(ok=True, user_id="100", user_name="Bot")

    async def _input(self) -> asyncio.StreamReader:
        if self._lines is None:
            self._lines = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(self._lines)
            await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        return self._lines

    def _inbound(self, account: Account, told: dict[str, Any]) -> Inbound:
        thread = Thread(ThreadKind.DM, told["from"])
        now_ms = time.time_ns() // 1_000_000
        return Inbound(account.id, told["id"], thread, told["from"], "A name", told["say"], now_ms)


class GatedPiped(Piped):
    def risk(self) -> RiskNotice:
        return RiskNotice("Risk", ("It may end badly.",), "There is another way.")

    async def steps(self, account: Account) -> AsyncIterator[LoginStep]:
        raise NotImplementedError
        yield


class Agent:
    async def run(self, turn: TurnInput) -> Reply | None:
        tell(agent=turn.message.text)
        if "hold-agent" in sys.argv:
            await asyncio.Event().wait()
        return Reply(f"echo: {turn.message.text}")


class Plugins:
    def manifests(self) -> tuple[Manifest, ...]:
        runtime = "__main__:GatedPiped" if "gated" in sys.argv else "__main__:Piped"
        return (Manifest("piped", "Piped", ("pp",), "clawlane.config.settings:ChannelSettings", runtime),)

    def installable(self) -> dict[str, str]:
        return {}


if __name__ == "__main__":
    sys.exit(run(Paths.from_env(os.environ), os.environ, Plugins(), Agent()))
