"""What becomes of media that people send: `tools.media`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import StrictBool, StrictStr, model_validator

from clawlane.config import openclaw
from clawlane.config.agents import HttpUrl, Lenient, Models
from clawlane.config.errors import KeyPath, did_you_mean
from clawlane.config.fields import Limit, Maybe
from clawlane.config.secrets import SecretField

OWN_SERVICES = {"openai": "https://api.openai.com/v1"}
"""Providers whose own service writes down speech at `/audio/transcriptions`."""


class AudioModel(Lenient):
    """A model that writes down speech: of a provider, or at a `url` of its own.

    One of `type: 'cli'` is left out: OpenClaw runs a program for it.
    """

    lacking = openclaw.AUDIO_MODEL_KEYS

    provider: StrictStr = ""
    url: Maybe[HttpUrl] = None
    model: StrictStr = ""
    api_key: Maybe[SecretField] = None

    @model_validator(mode="before")
    @classmethod
    def _check(cls, value: object) -> object:
        if not isinstance(value, Mapping) or value.get("type") == "cli":
            return value
        if bool(value.get("provider")) == bool(value.get("url")):
            raise ValueError("needs either a `provider` or a `url`")
        if not value.get("model"):
            raise ValueError("needs a `model`, such as 'whisper-1'")
        return value

    @property
    def usable(self) -> bool:
        """Whether there is an address to ask."""
        return bool(self.provider or self.url)


class AudioTools(Lenient):
    """Voice messages as text. The models are asked in order until one answers."""

    lacking = openclaw.AUDIO_KEYS

    enabled: StrictBool = True
    max_bytes: Limit = 20 * 2**20
    timeout_seconds: Limit = 60
    language: StrictStr = ""
    models: tuple[AudioModel, ...] = ()

    @property
    def chosen(self) -> tuple[tuple[int, AudioModel], ...]:
        """The models that are asked, each with its place in the list."""
        return tuple((place, one) for place, one in enumerate(self.models) if self.enabled and one.usable)


class MediaTools(Lenient):
    """What is made of media before an agent gets it."""

    lacking = openclaw.MEDIA_KEYS

    audio: AudioTools = AudioTools()


class Tools(Lenient):
    """Tools of all agents."""

    lacking = openclaw.TOOLS_KEYS

    media: MediaTools = MediaTools()


def lacking_media_keys(tools: object) -> Iterator[KeyPath]:
    """The keys of a `tools` section that only OpenClaw knows."""
    path: KeyPath = ("tools",)
    for key, model in (("", Tools), ("media", MediaTools), ("audio", AudioTools)):
        if key:
            tools, path = tools.get(key) if isinstance(tools, Mapping) else None, (*path, key)
        yield from _dropped(tools, model, path)
    models = tools.get("models") if isinstance(tools, Mapping) else None
    for place, one in enumerate(models if isinstance(models, list) else ()):
        yield from _dropped(one, AudioModel, (*path, "models", place))


def _dropped(value: object, model: type[Lenient], path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, Mapping):
        yield from ((*path, key) for key in value if key in model.lacking)


def audio_problems(audio: AudioTools, models: Models) -> Iterator[tuple[KeyPath, str, str]]:
    """Providers of audio models that are not there, or that have no address: path, problem, hint."""
    for place, one in audio.chosen:
        path: KeyPath = ("tools", "media", "audio", "models", place, "provider")
        known = (*models.providers, *OWN_SERVICES)
        if one.provider and one.provider not in known:
            hint = did_you_mean(one.provider, known) or "define it under models.providers"
            yield path, f"there is no provider '{one.provider}' with speech", hint
        elif one.provider and not audio_address(one, models):
            hint = f"write models.providers.{one.provider}.baseUrl"
            yield path, f"'{one.provider}' has no address", hint


def audio_address(one: AudioModel, models: Models) -> str:
    """The base address of an audio model; empty if it has none."""
    provider = models.providers.get(one.provider)
    return one.url or (provider.base_url if provider else None) or OWN_SERVICES.get(one.provider, "")
