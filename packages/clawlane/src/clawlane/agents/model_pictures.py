"""Pictures in what a model is asked: in the prompt of the running turn only, and never in what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic_ai.messages import BinaryContent, ModelMessage, ModelRequest, UserContent, UserPromptPart

from clawlane.agents.inbound_media import Pictures

NOT_SHOWN = "(The pictures are not shown: this model takes none.)"


def prompt_with(prompt: str, pictures: Pictures) -> str | list[UserContent]:
    """A prompt with the pictures of its turn."""
    if not pictures.shown:
        return prompt
    return [prompt, *(BinaryContent(one.data, media_type=one.mime) for one in pictures.shown)]


def count_pictures(messages: Sequence[ModelMessage]) -> int:
    """How many pictures a request shows."""
    return sum(isinstance(part, BinaryContent) for prompt in _prompts(messages) for part in prompt.content)


def without_pictures(messages: Sequence[ModelMessage]) -> list[ModelMessage]:
    """The same request for a model that takes no pictures: it is told that there are some."""
    return [_without(message) if isinstance(message, ModelRequest) else message for message in messages]


def _without(message: ModelRequest) -> ModelRequest:
    if not count_pictures([message]):
        return message
    return replace(
        message,
        parts=[_words(part) if isinstance(part, UserPromptPart) else part for part in message.parts],
    )


def _words(prompt: UserPromptPart) -> UserPromptPart:
    if isinstance(prompt.content, str):
        return prompt
    words = [part for part in prompt.content if not isinstance(part, BinaryContent)]
    return replace(prompt, content=[*words, NOT_SHOWN])


def _prompts(messages: Sequence[ModelMessage]) -> list[UserPromptPart]:
    requests = (message for message in messages if isinstance(message, ModelRequest))
    return [part for request in requests for part in request.parts if isinstance(part, UserPromptPart)]
