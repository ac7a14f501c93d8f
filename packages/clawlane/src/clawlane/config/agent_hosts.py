"""Where the words of people go: the hosts that each agent sends them to, by their addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from clawlane.config.agents import AcpBrain, CommandBrain, EchoBrain, EndpointBrain, Models, WebhookBrain
from clawlane.config.media_tools import OWN_SERVICES, AudioTools
from clawlane.config.routing import AgentSettings
from clawlane.config.webhooks import EventWebhook
from clawlane.texts import later, t

_OWN_HOSTS = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "google": "generativelanguage.googleapis.com",
}
_VOICE = later("voice messages")
_WEBHOOK = later("a webhook")
_LOCAL_ENDINGS = (".local", ".lan", ".internal", ".home.arpa", ".intranet")


class Place(StrEnum):
    """Where a host is, as far as its address tells. What is not known counts as abroad."""

    HERE = later("this machine")
    OWN_NETWORK = later("own network")
    ABROAD = later("abroad")


@dataclass(frozen=True, slots=True)
class AgentHost:
    """A host that an agent sends words to. `host` is a name, or says what is there instead of one."""

    agent: str
    host: str
    place: Place

    def __str__(self) -> str:
        return f"{self.agent}: {self.host} ({self.place})"

    def said(self) -> str:
        """The same in the language in force."""
        agent = t(self.agent) if self.agent in (_VOICE, _WEBHOOK) else self.agent
        return f"{agent}: {t(self.host)} ({t(self.place)})"


def place_of(host: str) -> Place:
    """Where a host is, by its name or its address."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if name == "localhost" or name.endswith(".localhost"):
            return Place.HERE
        own = name.endswith(_LOCAL_ENDINGS) or (name != "" and "." not in name)
        return Place.OWN_NETWORK if own else Place.ABROAD
    if address.is_loopback:
        return Place.HERE
    return Place.OWN_NETWORK if address.is_private or address.is_link_local else Place.ABROAD


def hosts(
    agents: Sequence[AgentSettings],
    models: Models,
    audio: AudioTools,
    webhooks: Sequence[EventWebhook] = (),
) -> list[AgentHost]:
    """Where each agent sends what people write, where voice messages are written down, and webhooks told."""
    found = [AgentHost(agent.id, *one) for agent in agents for one in _of_agent(agent, models)]
    for model in audio.models if audio.enabled else ():
        if model.usable:
            own = models.providers.get(model.provider)
            url = model.url or (own.base_url if own else None) or OWN_SERVICES.get(model.provider, "")
            found.append(AgentHost(_VOICE, *_at(url)))
    found += [AgentHost(_WEBHOOK, *_at(one.url)) for one in webhooks if one.content]
    return list(dict.fromkeys(found))


def _of_agent(agent: AgentSettings, models: Models) -> Iterator[tuple[str, Place]]:
    match agent.brain:
        case EchoBrain():
            yield later("an echo, sent nowhere"), Place.HERE
        case EndpointBrain(url=url) | WebhookBrain(url=url):
            yield _at(url)
        case AcpBrain(command=command) | CommandBrain(command=command):
            program = command[0].rpartition("/")[2]
            yield later("the program {program}, and wherever it sends them", program=program), Place.ABROAD
        case _:
            for name in agent.settings.model.all if agent.settings.model else ():
                provider = name.partition("/")[0]
                own = models.providers.get(provider)
                if own is not None and own.base_url:
                    yield _at(own.base_url)
                else:
                    yield (
                        _OWN_HOSTS.get(provider, later("the provider {provider}", provider=provider)),
                        Place.ABROAD,
                    )


def _at(url: str) -> tuple[str, Place]:
    host = urlsplit(url).hostname or later("a host that is not known")
    return host, place_of(host)
