"""Addresses in the config, as they are shown: without what lets in whoever knows it."""

from __future__ import annotations

import pytest

from clawlane.config.masking import masked

BRAIN = ("agents", "main", "brain", "url")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1/chat/completions"),
        ("https://a-host-with-a-long-name.example.com/v1", "https://a-host-with-a-long-name.example.com/v1"),
        ("https://example.com/in/0123456789abcdef0123", "https://example.com/in/…"),
        ("https://example.com/0123456789abcdef0123/out?k=v#x", "https://example.com/…/out?k=…#x"),
        ("https://lan:secret@example.com/0123456789abcdef0123", "https://lan:…@example.com/…"),
        ("https://lan:${SECRET}@example.com/v1", "https://lan:${SECRET}@example.com/v1"),
        ("https://lan:${SECRET}more@example.com/v1", "https://lan:…@example.com/v1"),
        ("https://a-token@example.com/v1", "https://…@example.com/v1"),
        ("https://${A_TOKEN}@example.com/v1", "https://${A_TOKEN}@example.com/v1"),
        ("postgresql://lan@db.example.com/lane", "postgresql://lan@db.example.com/lane"),
        (
            "https://example.com/${A_NAME_OF_TWENTY_LETTERS}/x",
            "https://example.com/${A_NAME_OF_TWENTY_LETTERS}/x",
        ),
    ],
)
def test_a_long_word_in_a_path_is_not_shown(url: str, shown: str) -> None:
    assert masked(url, BRAIN) == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--token", "x", "y"], ["--token", "…", "y"]),
        (["--api-key=x", "-v"], ["--api-key=…", "-v"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["-e", "GITHUB_TOKEN=x", "image"], ["-e", "GITHUB_TOKEN=…", "image"]),
        (["--header", "Authorization: Bearer x"], ["--header", "Authorization: …"]),
        (["-H", "X-Api-Key:x"], ["-H", "X-Api-Key:…"]),
        (["--token", "${TOKEN}", "API_KEY=${KEY}"], ["--token", "${TOKEN}", "API_KEY=${KEY}"]),
        (["token", "key", "Lan"], ["token", "key", "Lan"]),
    ],
)
def test_of_a_command_line_the_words_after_names_of_secrets_are_not_shown(
    words: list[str], shown: list[str]
) -> None:
    assert masked(words, ("mcp", "servers", "files", "args")) == shown


def test_a_secret_of_digits_is_not_shown() -> None:
    settings = {"apiKey": 4711, "headers": {"X-Pin": 4711}, "maxTokens": 4711, "token": None}
    assert masked(settings) == {**settings, "apiKey": "…", "headers": {"X-Pin": "…"}}


def test_of_a_webhook_no_path_is_shown() -> None:
    assert masked("https://example.com/in", ("webhooks", 0, "url")) == "https://example.com/…"
