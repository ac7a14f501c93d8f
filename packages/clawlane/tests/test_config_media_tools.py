"""`tools.media.audio`, and the keys of a channel about files."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages.clawlane.tests.test_config_agents import loaded, problems

from clawlane.config import openclaw

OPENCLAW = """{ tools: { profile: 'coding', web: {}, media: { concurrency: 2, image: {}, audio: {
  enabled: true, maxBytes: 20971520, scope: { default: 'deny' }, models: [
    { provider: 'openai', model: 'gpt-4o-mini-transcribe' },
    { type: 'cli', command: 'whisper', args: ['{{MediaPath}}'], timeoutSeconds: 45 } ] } } } }"""


def test_a_block_of_openclaws_is_read_and_what_we_lack_is_named(tmp_path: Path) -> None:
    config = loaded(tmp_path, OPENCLAW)
    audio = config.root.tools.media.audio
    assert [(number, one.model) for number, one in audio.chosen] == [(0, "gpt-4o-mini-transcribe")]
    assert audio.max_bytes == 20 * 2**20
    place = "tools.media.audio"
    assert [one.path for one in config.warnings] == [
        "tools.profile",
        "tools.web",
        "tools.media.concurrency",
        "tools.media.image",
        f"{place}.scope",
        f"{place}.models[1].type",
        f"{place}.models[1].command",
        f"{place}.models[1].args",
        f"{place}.models[1].timeoutSeconds",
    ]


@pytest.mark.parametrize(
    ("audio", "problem"),
    [
        ("{ enabeld: true }", "tools.media.audio.enabeld: unknown key"),
        ("{ models: [{ model: 'm' }] }", "tools.media.audio.models[0]: needs either a `provider` or a `url`"),
        (
            "{ models: [{ provider: 'openai', url: 'http://a/v1', model: 'm' }] }",
            "tools.media.audio.models[0]: needs either a `provider` or a `url`",
        ),
        (
            "{ models: [{ provider: 'openai' }] }",
            "tools.media.audio.models[0]: needs a `model`, such as 'whisper-1'",
        ),
        (
            "{ models: [{ url: 'ftp://a', model: 'm' }] }",
            "tools.media.audio.models[0].url: must be a URL such as 'https://host/v1'",
        ),
        (
            "{ models: [{ provider: 'opnai', model: 'm' }] }",
            "tools.media.audio.models[0].provider: there is no provider 'opnai' with speech",
        ),
        ("{ maxBytes: 0 }", "tools.media.audio.maxBytes: must be 1 or more"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, audio: str, problem: str) -> None:
    assert problems(tmp_path, f"{{ tools: {{ media: {{ audio: {audio} }} }} }}") == [problem]


def test_a_provider_of_ours_needs_an_address(tmp_path: Path) -> None:
    config = "{ models: { providers: { near: { baseUrl: 'http://127.0.0.1:1/v1' } } }, %s }"
    audio = "tools: { media: { audio: { models: [{ provider: 'near', model: 'm' }] } } }"
    assert loaded(tmp_path, config % audio).root.tools.media.audio.chosen


def test_a_key_in_the_file_is_a_warning(tmp_path: Path) -> None:
    models = "[{ url: 'http://127.0.0.1:1/v1', model: 'm', apiKey: 'sk-literal' }]"
    config = loaded(tmp_path, f"{{ tools: {{ media: {{ audio: {{ models: {models} }} }} }} }}")
    [warning] = config.warnings
    assert warning.path == "tools.media.audio.models[0].apiKey"
    assert "sk-literal" not in str(warning)


def test_switched_off_nothing_is_asked(tmp_path: Path) -> None:
    models = "[{ provider: 'openai', model: 'm' }]"
    text = f"{{ tools: {{ media: {{ audio: {{ enabled: false, models: {models} }} }} }} }}"
    assert loaded(tmp_path, text).root.tools.media.audio.chosen == ()


def test_a_model_says_whether_it_sees(tmp_path: Path) -> None:
    listed = "[{ id: 'a', input: ['text', 'image'], cost: {} }, { id: 'b', input: ['text'] }]"
    provider = f"{{ baseUrl: 'http://127.0.0.1:1/v1', models: {listed} }}"
    config = loaded(tmp_path, f"{{ models: {{ providers: {{ near: {provider}, openai: {{}} }} }} }}")
    near, built_in = config.root.models.providers["near"], config.root.models.providers["openai"]
    assert [near.sees("near", name) for name in ("a", "b", "c")] == [True, False, False]
    assert built_in.sees("openai", "gpt-5")
    assert [one.path for one in config.warnings] == ["models.providers.near.models[0].cost"]


@pytest.mark.parametrize("key", ["mediaMaxMb", "mediaKeepMb"])
@pytest.mark.parametrize("value", ["0", "'20'", "5000", "true"])
def test_limits_of_files_are_numbers_in_reason(tmp_path: Path, key: str, value: str) -> None:
    [problem] = problems(tmp_path, f"{{ channels: {{ zalouser: {{ {key}: {value} }} }} }}")
    assert problem.startswith(f"channels.zalouser.{key}: ")


def test_keys_that_are_read_are_not_named_as_lacking() -> None:
    assert not openclaw.TOOLS_KEYS & {"media"}
    assert not openclaw.MEDIA_KEYS & {"audio"}
