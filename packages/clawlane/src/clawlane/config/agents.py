"""Which agents answer, with what, and where: `agents`, `bindings`, `models`, `session`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictStr,
    Tag,
    model_validator,
)

from clawlane.config import openclaw
from clawlane.config.errors import KeyPath
from clawlane.config.fields import Block, Count, Limit, Maybe
from clawlane.config.secrets import SecretField
from clawlane.config.webhooks import Webhook

OWN_KEYS = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
"""The providers that need no entry, each with the variables that hold its key where the config has none."""

BUILT_IN_PROVIDERS = tuple(OWN_KEYS)
KINDS = ("echo", "endpoint", "model", "acp", "command", "webhook")


class Lenient(Block):
    """A block that OpenClaw has, too.

    Keys that only OpenClaw knows are dropped; `lacking_keys` reports them.
    """

    lacking: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _drop(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {key: inner for key, inner in value.items() if key not in cls.lacking}


def http_url(value: str) -> str:
    """The address without a slash at its end. Raises `ValueError` for what is none, or holds a password."""
    parts = urlsplit(value.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as 'https://host/v1'")
    if parts.username or parts.password:
        raise ValueError("must not hold a password; write it as `apiKey` or under `headers`")
    return value.strip().rstrip("/")


HttpUrl = Annotated[StrictStr, AfterValidator(http_url)]


def _argv(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("must be a list, such as ['python3', 'answer.py']: no shell reads it")
    return value


Argv = Annotated[tuple[StrictStr, ...], BeforeValidator(_argv), Field(min_length=1)]


class Memory(StrEnum):
    """Who remembers the conversation of an `endpoint`: we do, or the agent behind it."""

    OURS = "ours"
    THEIRS = "theirs"


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Price(Block):
    """US dollars for a million tokens."""

    input: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    output: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class EchoBrain(Block):
    """Repeats what it is told."""

    kind: Literal["echo"] = "echo"


class EndpointBrain(Block):
    """An agent that lives elsewhere and speaks OpenAI's chat API at `url`/chat/completions.

    `session` names the headers that carry our session key, or is `user` for the field of the request. `price`
    is what its tokens cost, for `budget.usdPerDay`. `images` says that the model sees: pictures that people
    send are shown to it.
    """

    kind: Literal["endpoint"] = "endpoint"
    url: HttpUrl
    model: StrictStr = "default"
    api_key: Maybe[SecretField] = None
    headers: dict[str, SecretField] = Field(default_factory=dict)
    session: Annotated[
        tuple[StrictStr, ...], BeforeValidator(_names, json_schema_input_type=str | tuple[str, ...])
    ] = ()
    memory: Memory = Memory.OURS
    stream: StrictBool = True
    images: StrictBool = False
    price: Maybe[Price] = None


class ModelBrain(Block):
    """A model with our tools, in this process."""

    kind: Literal["model"] = "model"


class ChildBrain(Block):
    """A program on this machine. `env` adds variables to PATH, HOME and LANG; `cwd` is its working folder."""

    command: Argv
    env: dict[str, SecretField] = Field(default_factory=dict)
    cwd: StrictStr = ""


class AcpBrain(ChildBrain):
    """A coding agent that speaks the Agent Client Protocol over its standard input and output.

    `allow` are the kinds of tools that it may use without being refused.
    """

    kind: Literal["acp"] = "acp"
    allow: tuple[StrictStr, ...] = ()


class CommandBrain(ChildBrain):
    """A program that is run for each turn: JSON on its standard input, the reply on its standard output."""

    kind: Literal["command"] = "command"


class WebhookBrain(Webhook):
    """A server of yours: each turn is a signed request, answered in the response or later."""

    kind: Literal["webhook"] = "webhook"


def _kind(value: object) -> str | None:
    return value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)


Brain = Annotated[
    Annotated[EchoBrain, Tag("echo")]
    | Annotated[EndpointBrain, Tag("endpoint")]
    | Annotated[ModelBrain, Tag("model")]
    | Annotated[AcpBrain, Tag("acp")]
    | Annotated[CommandBrain, Tag("command")]
    | Annotated[WebhookBrain, Tag("webhook")],
    Discriminator(
        _kind,
        custom_error_type="brain_kind",
        custom_error_message=f"needs a `kind` that is one of {', '.join(KINDS)}",
    ),
]


class ModelChoice(Lenient):
    """A model as `provider/model`, and those that are asked when it cannot answer, in order."""

    lacking = openclaw.MODEL_CHOICE_KEYS

    primary: StrictStr
    fallbacks: tuple[StrictStr, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """The models in the order in which they are asked."""
        return (self.primary, *self.fallbacks)


def _choice(value: object) -> object:
    return {"primary": value} if isinstance(value, str) else value


def _check_choice(choice: ModelChoice) -> ModelChoice:
    for name in choice.all:
        provider, slash, model = name.partition("/")
        if not (provider and slash and model):
            raise ValueError(f"'{name[:80]}' is not a model; write 'provider/model'")
    return choice


ModelField = Annotated[
    ModelChoice,
    BeforeValidator(_choice, json_schema_input_type=str | ModelChoice),
    AfterValidator(_check_choice),
]


class Budget(Block):
    """What an agent may spend in a day, and the share of it that one sender or one thread may spend.

    `perSender` and `perThread` are parts of the day's budget, 0 to 1.
    """

    tokens_per_day: Maybe[Limit] = None
    usd_per_day: Maybe[Annotated[float, Field(gt=0, allow_inf_nan=False)]] = None
    per_sender: Annotated[float, Field(gt=0, le=1)] = 0.25
    per_thread: Annotated[float, Field(gt=0, le=1)] = 0.25


class AgentTools(Lenient):
    """What an agent's tools may do beyond the thread that it answers in."""

    lacking = openclaw.AGENT_TOOLS_KEYS

    allow: tuple[StrictStr, ...] = ()
    also_allow: tuple[StrictStr, ...] = ()
    deny: tuple[StrictStr, ...] = ()


class Identity(Lenient):
    """Who the agent says it is."""

    lacking = openclaw.IDENTITY_KEYS

    name: StrictStr = ""


class Share(Block):
    """What an agent, and with it its host, gets to see of other people. `false` withholds it.

    `names` are their names, `media` their pictures, voice and files, and `history` is what a group said that
    was not for the account.
    """

    names: StrictBool = True
    media: StrictBool = True
    history: StrictBool = True


class AgentDefaults(Lenient):
    """What every agent has unless it says otherwise.

    `timeoutSeconds` is for a whole turn, `maxTokens` for all requests of a turn together. `allowStrangers`
    and `retryInterrupted` give up a safeguard each; see docs/agents.md. Without `fetchUrls` nothing is
    fetched from addresses that the agent wants to attach.
    """

    lacking = openclaw.AGENT_KEYS

    brain: Maybe[Brain] = None
    model: Maybe[ModelField] = None
    instructions: StrictStr = ""
    timeout_seconds: Limit = 600
    max_requests: Limit = 8
    max_tool_calls: Count = 12
    max_tokens: Maybe[Limit] = None
    max_input_chars: Limit = 20_000
    budget: Budget = Budget()
    tools: AgentTools = AgentTools()
    identity: Identity = Identity()
    fetch_urls: StrictBool = True
    share: Share = Share()
    allow_strangers: StrictBool = False
    retry_interrupted: StrictBool = False


class AgentEntry(AgentDefaults):
    """One agent of `agents.list`."""

    id: StrictStr
    default: StrictBool = False
    name: StrictStr = ""


class Agents(Lenient):
    """The agents. The default one answers where no binding says otherwise.

    Without a list there is one agent, `main`.
    """

    defaults: AgentDefaults = AgentDefaults()
    list: tuple[AgentEntry, ...] = ()


class Api(StrEnum):
    """How a provider of models is spoken with, in OpenClaw's words."""

    OPENAI_COMPLETIONS = "openai-completions"
    OPENAI_RESPONSES = "openai-responses"
    ANTHROPIC = "anthropic-messages"
    GOOGLE = "google-generative-ai"


class ProviderModel(Lenient):
    """What is known of one model of a provider. `input` is what it takes: `text`, and `image` if it sees."""

    lacking = openclaw.PROVIDER_MODEL_KEYS

    id: StrictStr
    input: tuple[Literal["text", "image", "audio", "video"], ...] = ()


class Provider(Lenient):
    """Where models come from. Without a `baseUrl` it is the provider's own service.

    `prices` are by the model's name without the provider's.
    """

    lacking = openclaw.PROVIDER_KEYS

    base_url: Maybe[HttpUrl] = None
    api_key: Maybe[SecretField] = None
    api: Maybe[Api] = None
    headers: dict[str, SecretField] = Field(default_factory=dict)
    prices: dict[str, Price] = Field(default_factory=dict)
    models: tuple[ProviderModel, ...] = ()

    def sees(self, name: str, model: str) -> bool:
        """Whether a model takes pictures: as written, else as those of the built-in providers do."""
        for known in self.models:
            if known.id in (model, f"{name}/{model}") and known.input:
                return "image" in known.input
        return name in OWN_KEYS and self.base_url is None

    def spoken(self, name: str) -> Api:
        """How the provider of this name is spoken with: as written, else as the one of that name is."""
        if self.api is not None:
            return self.api
        match name:
            case "openai" if self.base_url is None:
                return Api.OPENAI_RESPONSES
            case "anthropic":
                return Api.ANTHROPIC
            case "google":
                return Api.GOOGLE
        return Api.OPENAI_COMPLETIONS


class Models(Lenient):
    """The providers of models, by name."""

    lacking = openclaw.MODELS_KEYS

    providers: dict[str, Provider] = Field(default_factory=dict)


class PeerKind(StrEnum):
    """The kind of thread a binding is for. `direct` is OpenClaw's word for a direct message."""

    DM = "dm"
    DIRECT = "direct"
    GROUP = "group"


class Peer(Block):
    """One thread: a person's direct messages, or a group."""

    kind: PeerKind
    id: StrictStr


class Match(Lenient):
    """Where a binding holds: a channel, an account of it, one thread.

    The account `*` is every account; no account is the default one.
    """

    lacking = openclaw.MATCH_KEYS

    channel: StrictStr
    account_id: StrictStr = ""
    peer: Maybe[Peer] = None


class Binding(Lenient):
    """Which agent answers where. The most specific binding wins, the first one of equals."""

    lacking = openclaw.BINDING_KEYS

    agent_id: StrictStr
    match: Match


class ResetMode(StrEnum):
    """When a conversation begins anew by itself."""

    NONE = "none"
    DAILY = "daily"
    IDLE = "idle"


class Reset(Block):
    """When a session begins anew: at `atHour` each day, after `idleMinutes` without a message, or never."""

    mode: Maybe[ResetMode] = None
    at_hour: Maybe[Annotated[int, Field(ge=0, le=23, strict=True)]] = None
    idle_minutes: Maybe[Limit] = None


class SessionSettings(Lenient):
    """How much an agent remembers of a conversation. Tokens are counted roughly.

    With `summarise` the model sums up what no longer fits; without, it is forgotten.
    """

    lacking = openclaw.SESSION_KEYS

    max_tokens: Limit = 32_000
    summarise: StrictBool = False
    reset: Reset = Reset()


def lacking_keys(root: Mapping[str, Any]) -> Iterator[KeyPath]:
    """The keys in a config that only OpenClaw knows: they are dropped, and the operator hears of it."""
    for name, model in (("agents", Agents), ("models", Models), ("session", SessionSettings)):
        yield from _lacking(root.get(name), model, (name,))
    bindings = root.get("bindings")
    for number, binding in enumerate(bindings if isinstance(bindings, list) else ()):
        yield from _lacking(binding, Binding, ("bindings", number))


def _lacking(value: object, model: type[Block], path: KeyPath) -> Iterator[KeyPath]:
    if not isinstance(value, Mapping):
        return
    dropped = model.lacking if issubclass(model, Lenient) else frozenset()
    yield from ((*path, key) for key in value if key in dropped)
    for place, inner, inner_model in _inner_blocks(value, model):
        yield from _lacking(inner, inner_model, (*path, *place))


def _inner_blocks(
    value: Mapping[str, Any], model: type[Block]
) -> Iterator[tuple[KeyPath, object, type[Block]]]:
    """The blocks in a block that OpenClaw has, too."""
    single: dict[type[Block], dict[str, type[Block]]] = {
        Agents: {"defaults": AgentDefaults},
        Binding: {"match": Match},
    }
    agent: dict[str, type[Block]] = {"model": ModelChoice, "tools": AgentTools, "identity": Identity}
    for key, inner in (agent if issubclass(model, AgentDefaults) else single.get(model, {})).items():
        yield (key,), value.get(key), inner
    if model is Agents and isinstance(entries := value.get("list"), list):
        yield from ((("list", number), entry, AgentEntry) for number, entry in enumerate(entries))
    if model is Models and isinstance(providers := value.get("providers"), Mapping):
        yield from ((("providers", name), provider, Provider) for name, provider in providers.items())
    if model is Provider and isinstance(listed := value.get("models"), list):
        yield from ((("models", number), one, ProviderModel) for number, one in enumerate(listed))
