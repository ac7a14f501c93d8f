"""Agents at work: the agents of a config as one, which knows which of them answers where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.agents.contract import Agent, AsksOnce, Checks, FileUse, Reachable, TurnInput, UsesFiles
from clawlane.agents.errors import AgentsUnusable
from clawlane.agents.opening import Opener, Shared, own_folder
from clawlane.agents.outbound_media import OutboundMedia
from clawlane.agents.share import shared
from clawlane.agents.transcriber import Transcriber
from clawlane.config.agents import Share
from clawlane.config.routing import AgentSettings, Bindings
from clawlane.messages import Reply, Thread

if TYPE_CHECKING:
    from clawlane.agents.mcp_tools import McpServers

_NOTHING_SHARED = Shared()
_ALL = Share()


class Brains:
    """The agents of a config while they run, as one `Agent` that knows which of them answers where."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        bindings: Bindings,
        folders: Mapping[str, Path],
        transcriber: Transcriber | None = None,
        media: OutboundMedia | None = None,
        servers: McpServers | None = None,
        offline: Collection[str] = (),
        share: Mapping[str, Share] | None = None,
    ) -> None:
        """`folders` has the own folder of each agent, `offline` names those that fetch no addresses.

        `share` is what each is told of other people; one that is not in it is told everything. Without
        `media` nothing is attached to replies.
        """
        self._agents = agents
        self._bindings = bindings
        self._folders = folders
        self._transcriber = transcriber
        self._media = media
        self._servers = servers
        self._offline = offline
        self._share = share or {}

    async def run(self, turn: TurnInput) -> Reply | None:
        name = self._bindings.agent_of(turn.account, turn.thread)
        share = self._share.get(name, _ALL)
        if self._transcriber is not None and share.media:
            turn = await self._transcriber.transcribed(turn)
        reply = await self._agents[name].run(shared(turn, share))
        if reply is None or not reply.media or turn.lane is None or self._media is None:
            return reply
        fetch = name not in self._offline
        return await self._media.attach(reply, self._folders[name], turn.lane, fetch=fetch)

    async def check(self, turn: TurnInput) -> None:
        agent = self._agents[self._bindings.agent_of(turn.account, turn.thread)]
        if isinstance(agent, Checks):
            await agent.check(turn)

    def name_of(self, account: str, thread: Thread) -> str:
        return self._bindings.agent_of(account, thread)

    def asks_once(self, account: str, thread: Thread) -> bool:
        agent = self._agents[self._bindings.agent_of(account, thread)]
        return isinstance(agent, AsksOnce) and agent.asks_once(account, thread)

    def file_use(self, account: str, thread: Thread) -> FileUse:
        name = self._bindings.agent_of(account, thread)
        agent = self._agents[name]
        if not isinstance(agent, UsesFiles) or not self._share.get(name, _ALL).media:
            return FileUse.NOTHING
        return agent.file_use(account, thread) | (FileUse.SOUND if self._transcriber else FileUse.NOTHING)

    async def reach(self) -> str:
        """Try the default agent with a request that nobody acts on, and its MCP servers; see `Reachable`."""
        agent = self._agents[self._bindings.default]
        remarks = [await agent.reach()] if isinstance(agent, Reachable) else []
        if self._servers is not None:
            await self._servers.tried()
            remarks += (f"mcp.servers.{name}: {why}" for name, why in self._servers.problems().items())
        return "; ".join(filter(None, remarks))


@asynccontextmanager
async def brains(
    agents: Sequence[AgentSettings],
    bindings: Bindings,
    environ: Mapping[str, str],
    folder: Path,
    parts: Shared = _NOTHING_SHARED,
) -> AsyncIterator[Brains]:
    """The agents, as long as this is entered. `folder` holds a working folder for each that needs one.

    Raises `AgentsUnusable` with everything that keeps the agents from running.
    """
    async with AsyncExitStack() as stack:
        opener = Opener(stack, environ, folder, parts)
        opener.servers = opener.mcp_servers(agents)
        opened = {agent.id: await opener.open(agent) for agent in agents}
        transcriber = await opener.transcriber()
        if opener.problems:
            raise AgentsUnusable(opener.problems)
        if opener.servers is not None:
            await stack.enter_async_context(opener.servers.running())
        folders = {agent.id: own_folder(agent, folder) for agent in agents}
        offline = [agent.id for agent in agents if not agent.settings.fetch_urls]
        share = {agent.id: agent.settings.share for agent in agents}
        yield Brains(opened, bindings, folders, transcriber, parts.media, opener.servers, offline, share)
