"""What is wrong with agents beyond their single keys: names that lead nowhere, and combinations that hurt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clawlane.channel import Account
from clawlane.config.agents import (
    BUILT_IN_PROVIDERS,
    AcpBrain,
    Agents,
    Binding,
    CommandBrain,
    EchoBrain,
    EndpointBrain,
    ModelBrain,
    ModelChoice,
    Models,
    WebhookBrain,
)
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.errors import KeyPath, did_you_mean, format_path
from clawlane.config.mcp import Mcp
from clawlane.config.media_tools import AudioTools
from clawlane.config.origin import effective
from clawlane.config.routing import AgentSettings, Bindings
from clawlane.config.senders import list_path
from clawlane.config.source import Source
from clawlane.config.tool_names import LISTS, ToolPermissions

KEY_IN_CONFIG, STRANGERS = "key_in_config", "strangers_reach"
"""Codes of warnings that concern safety."""

OPERATOR_SESSIONS = ("x-openclaw-session-key", "x-hermes-session-id")
"""Session headers of agents for which whoever asks with their key is the operator."""

_KEY_WORDS = ("auth", "key", "password", "secret", "token")
"""What is in the name of a variable or header whose value is a secret."""

_OF_MODELS = ("max_requests", "max_tool_calls", "max_tokens", "tools")
"""Fields that only hold an agent of kind `model`."""


@dataclass(frozen=True, slots=True)
class Found:
    """A problem at a path of the config. `code` is its kind, for programs."""

    path: KeyPath
    message: str
    hint: str = ""
    at_key: bool = False
    code: str = "config"


def name_problems(agents: Agents, bindings: Sequence[Binding], models: Models) -> Iterator[Found]:
    """Agents, providers and bindings whose names do not fit together."""
    ids: list[str] = []
    for number, entry in enumerate(agents.list):
        path: KeyPath = ("agents", "list", number)
        if not entry.id.strip():
            yield Found((*path, "id"), "an agent needs a name")
        if entry.id in ids:
            yield Found((*path, "id"), f"there is another agent '{entry.id}'", "give each its own id")
        ids.append(entry.id)
        if entry.default and any(other.default for other in agents.list[:number]):
            yield Found((*path, "default"), "only one agent can be the default one")
        yield from _model_problems((*path, "model"), entry.model, models)
    yield from _model_problems(("agents", "defaults", "model"), agents.defaults.model, models)
    known = ids or ["main"]
    for number, binding in enumerate(bindings):
        if binding.agent_id not in known:
            hint = did_you_mean(binding.agent_id, known) or f"known: {', '.join(known)}"
            yield Found(("bindings", number, "agentId"), f"there is no agent '{binding.agent_id}'", hint)


def _model_problems(path: KeyPath, choice: ModelChoice | None, models: Models) -> Iterator[Found]:
    known = (*models.providers, *BUILT_IN_PROVIDERS)
    for name in choice.all if choice else ():
        provider = name.partition("/")[0]
        if provider not in known:
            hint = did_you_mean(provider, known) or "define it under models.providers"
            yield Found(path, f"there is no provider '{provider}'", hint)
        elif provider not in BUILT_IN_PROVIDERS and models.providers[provider].base_url is None:
            place = ("models", "providers", provider)
            yield Found(place, f"'{name}' needs a `baseUrl`", "such as 'http://127.0.0.1:11434/v1'")


def limit_problems(agents: Sequence[AgentSettings]) -> Iterator[Found]:
    """Agents without a model, and budgets that would not hold."""
    for agent in agents:
        budget = agent.settings.budget
        if isinstance(agent.brain, ModelBrain) and agent.settings.model is None:
            yield Found(agent.path, "needs a `model`", "write model: 'provider/model' beside `brain`")
        if isinstance(agent.brain, EndpointBrain) and budget.usd_per_day and agent.brain.price is None:
            message = f"nobody knows what tokens of {agent.brain.model} cost"
            hint = f"write {agent.place}.price: {{ input: …, output: … }}, dollars for a million tokens"
            yield Found((*agent.place_of("budget"), "usdPerDay"), message, hint)
        if isinstance(agent.brain, AcpBrain | CommandBrain | WebhookBrain) and "budget" in agent.own:
            message = f"an agent of kind '{agent.brain.kind}' does not say what it spends"
            yield Found(agent.place_of("budget"), message, "leave it out: it would not hold")


def warnings(
    agents: Sequence[AgentSettings],
    models: Models,
    mcp: Mcp,
    accounts: Sequence[Account],
    audio: AudioTools,
) -> Iterator[Found]:
    """What works but should be known: keys in the file itself, and settings that mean nothing."""
    for agent in agents:
        for name in () if isinstance(agent.brain, ModelBrain) else _OF_MODELS:
            if name in agent.own:
                message = f"means nothing for an agent of kind '{agent.brain.kind}'"
                yield Found(agent.place_of(name), message, at_key=True)
        if isinstance(agent.brain, WebhookBrain) and agent.brain.secret.is_literal:
            yield literal_key((*agent.path, "secret"))
        if not isinstance(brain := agent.brain, EndpointBrain):
            continue
        if brain.api_key is not None and brain.api_key.is_literal:
            yield literal_key((*agent.path, "apiKey"))
        for name, secret in brain.headers.items():
            if secret.is_literal and "auth" in name.lower():
                yield literal_key((*agent.path, "headers", name))
    for name, provider in models.providers.items():
        if provider.api_key is not None and provider.api_key.is_literal:
            yield literal_key(("models", "providers", name, "apiKey"))
    for number, one in audio.chosen:
        if one.api_key is not None and one.api_key.is_literal:
            yield literal_key(("tools", "media", "audio", "models", number, "apiKey"))
    yield from _mcp_warnings(agents, mcp, accounts)


def _mcp_warnings(agents: Sequence[AgentSettings], mcp: Mcp, accounts: Sequence[Account]) -> Iterator[Found]:
    users = [agent.settings.tools for agent in agents if isinstance(agent.brain, ModelBrain)]
    for name, server in mcp.servers.items():
        path: KeyPath = ("mcp", "servers", name)
        if server.enabled and not any(name in mcp.servers_for(tools, accounts) for tools in users):
            hint = "its tools are for agents of kind 'model' whose `tools` do not shut them out"
            yield Found(path, "no agent uses this server, so it is not started", hint, at_key=True)
        for block, secrets in (("env", server.env), ("headers", server.headers)):
            for key, secret in secrets.items():
                if secret.is_literal and any(word in key.lower() for word in _KEY_WORDS):
                    yield literal_key((*path, block, key))


def console_warnings(agents: Sequence[AgentSettings], *, enabled: bool) -> Iterator[Found]:
    """Agents that can only answer at once, because what would take a later answer is not `enabled`."""
    for agent in agents:
        if isinstance(agent.brain, WebhookBrain) and not enabled:
            message = (
                "can only answer at once: a later answer (202) comes to the console, which is not enabled"
            )
            yield Found(agent.path, message, "write console: { enabled: true } if it shall answer later")


def literal_key(path: KeyPath) -> Found:
    """The warning about a key that stands in the file."""
    hint = "write '${NAME}' for a variable, or {file: '/path/to/key'}"
    message = "the key itself stands in the config file, which is easily shared"
    return Found(path, message, hint, code=KEY_IN_CONFIG)


def stranger_problems(
    agents: Sequence[AgentSettings], mcp: Mcp, routing: Bindings, accounts: Sequence[Account], source: Source
) -> Iterator[Found]:
    """Agents that strangers can reach although they act with the operator's rights, or without limits."""
    for agent in agents:
        if agent.settings.allow_strangers:
            continue
        for account in accounts:
            opening = _opening(agent, routing, account, source) if account.enabled else ""
            danger = opening and (
                _danger(agent, mcp, account) or _reach(agent, account) or _unpaced(agent, account)
            )
            if danger:
                hint = f"close it, or write `allowStrangers: true` at {format_path(agent.owner)}"
                yield Found(agent.path, f"{danger}, and {opening} lets strangers reach it", hint)
                break


def stranger_warnings(
    agents: Sequence[AgentSettings], routing: Bindings, accounts: Sequence[Account], source: Source
) -> Iterator[Found]:
    """What strangers can have of an agent, where the config does not say that they may."""
    for agent in agents:
        if isinstance(agent.brain, EchoBrain):
            continue
        for account in accounts:
            opening = _opening(agent, routing, account, source) if account.enabled else ""
            if not opening:
                continue
            if "fetch_urls" not in agent.settings.model_fields_set:
                message = "strangers can make this agent ask any public address, with what it knows in it"
                hint = f"{opening} lets them reach it; write `fetchUrls: false`, or `true` if they may"
                yield Found(agent.path, message, hint, code=STRANGERS)
            permissions = ToolPermissions.of(agent.settings.tools)
            shown = [one for one in LISTS if permissions.action(account.channel, one)]
            if isinstance(agent.brain, ModelBrain) and shown and not agent.settings.allow_strangers:
                message = f"strangers can ask this agent for the {', '.join(shown)} of the account"
                denied = ", ".join(f"'{account.channel}.{one}'" for one in shown)
                hint = f"{opening} lets them reach it; write tools: {{ deny: [{denied}] }}"
                yield Found(agent.path, message, f"{hint}, or `allowStrangers: true`", code=STRANGERS)
            break


def _reach(agent: AgentSettings, account: Account) -> str:
    """What lets an agent's tools write to other threads than the one it answers in; empty if nothing does."""
    if not isinstance(agent.brain, ModelBrain):
        return ""
    tools, groups = agent.settings.tools, account.settings.groups or {}
    if ToolPermissions.of(tools).reaches_out(account.channel):
        return f"{format_path((*agent.owner, 'tools'))} lets this agent write to other conversations"
    for key, entry in groups.items():
        if ToolPermissions.of(tools, entry.tools).reaches_out(account.channel):
            path = format_path(("channels", account.channel, "groups", key, "tools"))
            return f"{path} lets this agent write to other conversations"
    return ""


def _unpaced(agent: AgentSettings, account: Account) -> str:
    """What lets an agent send without limits; an echo costs nothing, and answers each message once."""
    if isinstance(agent.brain, EchoBrain) or account.settings.pacing.enabled:
        return ""
    path = format_path(("channels", account.channel, "pacing", "enabled"))
    return f"with `{path}: false` nothing limits what this agent sends"


def _danger(agent: AgentSettings, mcp: Mcp, account: Account) -> str:
    """Why strangers of an account must not reach an agent; empty if they may."""
    return _rights(agent, mcp, account) or _reach(agent, account) or _unpaced(agent, account)


def _rights(agent: AgentSettings, mcp: Mcp, account: Account) -> str:
    match agent.brain:
        case AcpBrain() | CommandBrain():
            return f"an agent of kind '{agent.brain.kind}' works on this machine as you"
        case EndpointBrain() if is_operators(agent):
            return "to this endpoint everybody who writes is its operator"
        case ModelBrain() if servers := mcp.servers_for(agent.settings.tools, [account]):
            return f"this agent uses the tools of {format_path(('mcp', 'servers', next(iter(servers))))}"
    return ""


def is_operators(agent: AgentSettings) -> bool:
    """Whether an endpoint takes everybody who writes to it for its operator."""
    names = agent.brain.session if isinstance(agent.brain, EndpointBrain) else ()
    return any(name.lower() in OPERATOR_SESSIONS for name in names)


def _opening(agent: AgentSettings, routing: Bindings, account: Account, source: Source) -> str:
    """The setting of an account that lets strangers reach an agent; empty if none does."""
    dms, groups = routing.reach(agent.id, account.channel, account.id)
    settings = account.settings
    everybody = "*" in settings.allow_from
    if dms and settings.dm_policy is DmPolicy.OPEN:
        return _said(source, account, "dmPolicy", "'open'")
    if dms and everybody and settings.dm_policy is not DmPolicy.DISABLED:
        return _said(source, account, "allowFrom", "'*'")
    if groups and settings.group_policy is not GroupPolicy.DISABLED:
        if settings.group_policy is GroupPolicy.OPEN:
            return _said(source, account, "groupPolicy", "'open'")
        return _opening_of_groups(account, source)
    return ""


def _opening_of_groups(account: Account, source: Source) -> str:
    """The sender list that lets strangers write in groups that are allowlisted."""
    settings = account.settings
    heard = {key: one for key, one in (settings.groups or {}).items() if one.allow and one.enabled}
    for key, entry in heard.items():
        if entry.allow_from is not None and "*" in entry.allow_from:
            path = (*list_path(source, account, "groups"), key, "allowFrom")
            return f"{format_path(path)}, line {source.values[path].line}: '*'"
    if heard and all(entry.allow_from is not None for entry in heard.values()):
        return ""  # each group has a list of its own
    key = "allowFrom" if settings.group_allow_from is None else "groupAllowFrom"
    listed = settings.allow_from if settings.group_allow_from is None else settings.group_allow_from
    return _said(source, account, key, "'*'") if "*" in listed else ""


def _said(source: Source, account: Account, key: str, value: str) -> str:
    origin = effective(source, account, key).origin
    return f"{origin}: {value}"
