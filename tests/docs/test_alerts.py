"""The check of a signature that docs/alerts.md shows, against requests as the gateway signs them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from clawlane.webhook_sender import signed, signing_key
from docs.shell_blocks import blocks

SECRETS = ["a secret of enough length", "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="]


@pytest.fixture
def is_genuine() -> Callable[[str, dict[str, str], bytes], bool]:
    [written] = blocks("docs/alerts.md", "python")
    names: dict[str, Callable[[str, dict[str, str], bytes], bool]] = {}
    exec(written, names)
    return names["is_genuine"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_signed_request_is_genuine(secret: str, is_genuine: Callable[..., bool]) -> None:
    headers = signed(signing_key(secret), "msg_1", int(time.time() * 1000), b'{"a": 1}')
    assert is_genuine(secret, headers, b'{"a": 1}')


@pytest.mark.parametrize("secret", SECRETS)
def test_any_other_request_is_not(secret: str, is_genuine: Callable[..., bool]) -> None:
    now_ms, body = int(time.time() * 1000), b'{"a": 1}'
    headers = signed(signing_key(secret), "msg_1", now_ms, body)
    assert not is_genuine(secret, headers, b'{"a": 2}')
    assert not is_genuine(secret, {**headers, "webhook-id": "msg_2"}, body)
    assert not is_genuine("another secret, quite long", headers, body)
    old = signed(signing_key(secret), "msg_1", now_ms - 600_000, body)
    assert not is_genuine(secret, old, body)
