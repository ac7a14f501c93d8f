"""SIGHUP to a gateway: from its first moment to its last it means to look at the config, and ends nothing."""

from __future__ import annotations

import asyncio
import signal

from clawlane.agents.echo import EchoAgent
from clawlane.channel import Account, Host, Manifest, Outgoing, Phase, Receipt, State
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.process import gateway
from clawlane.lane.live_agents import LiveAgents
from clawlane.messages import Reply, Signal, Text, Thread

ready = asyncio.Event()
heard: list[bool] = []


def is_heard() -> bool:
    return signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL


class Stopping:
    """A channel that notes how a signal would be taken when it is stopped."""

    async def run(self, account: Account, host: Host) -> None:
        host.report(State(Phase.READY, user_id="1"))
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            heard.append(is_heard())

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        return Receipt(("r1",))

    async def signal(self, account: Account, signal: Signal) -> None:
        """Nobody looks."""

    def plan(self, account: Account, thread: Thread, reply: Reply) -> list[Outgoing]:
        return [Text(thread, reply.text)]


class Plugins:
    def manifests(self) -> tuple[Manifest, ...]:
        runtime = f"{__name__}:Stopping"
        return (Manifest("stopping", "Stopping", (), "clawlane.config.settings:ChannelSettings", runtime),)

    def installable(self) -> dict[str, str]:
        return {}


async def test_it_is_heard_from_the_first_moment_to_the_last(paths: Paths) -> None:
    paths.state.mkdir(mode=0o700)
    paths.config_file.write_text("{ channels: { stopping: {} } }")
    before = signal.getsignal(signal.SIGHUP)
    async with gateway(load(paths, Plugins(), {}), paths, {}, LiveAgents(EchoAgent()), plugins=Plugins()):
        heard.append(is_heard())
        await ready.wait()
    assert heard == [True, True]
    assert signal.getsignal(signal.SIGHUP) == before
