"""The recorded logins with cookies: what goes out, what the session holds, which error a refusal is."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from vectors_harness.vector_server import VectorServer, assert_same_error, playing, said_by_server, sent
from vectors_harness.vectors import Case, fixture
from zaloweb.calls.call import Call
from zaloweb.cookies import Jar
from zaloweb.errors import ApiError, LoginFailed, ZaloError
from zaloweb.session import Api, Credentials, Session
from zaloweb.transport.http import Transport
from zaloweb.transport.login import log_in_over

ACCOUNT_INFO = Call("fetchAccountInfo", "GET", "profile", "/api/social/profile/me-v2", answer=dict[str, Any])


@pytest.mark.family("login")
async def test_login(case: Case, differs: Callable[[str], None]) -> None:
    expected = sent(case)
    if _refused_at_once(case):
        differs("stops")
        del expected[1:]
    async with playing(case, expected) as server:
        if "error" in case:
            with pytest.raises(ZaloError) as raised:
                await _log_in(case, server)
            code = raised.value.code if isinstance(raised.value, ApiError | LoginFailed) else None
            if assert_same_error(case["error"], code, str(raised.value), said_by_server(case, expected)):
                differs("code")
        else:
            _assert_same_session(case, await _log_in(case, server))


async def _log_in(case: Case, server: VectorServer) -> Session:
    given = case["credentials"]
    cookies = fixture()["cookies"] if given["cookies"] == "@fixture" else given["cookies"]
    credentials = Credentials(
        imei=given.get("imei") or "",
        user_agent=given.get("user_agent") or "",
        jar=Jar.from_list(cookies, server.clock.now_ms()),
        language=given.get("language", "vi"),
    )
    options = case.get("client_options", {})
    api = Api(options.get("apiType", 30), options.get("apiVersion", 685))
    async with Transport(
        server.network,
        user_agent=credentials.user_agent,
        jar=credentials.jar,
        clock=server.clock,
        random=Random(1),
    ) as transport:
        session = await log_in_over(transport, credentials, random=Random(2), api=api)
        for _ in case["requests"][2:]:
            await transport.call(session, ACCOUNT_INFO)
    return session


def _assert_same_session(case: Case, session: Session) -> None:
    recorded = case["result"]
    assert session.uid == recorded["own_id"]
    assert session.secret_key == recorded["secret_key"]
    assert session.credentials.language == recorded["language"]
    assert session.extra_ver == recorded["extra_ver"]
    assert session.settings.ping_interval_ms == recorded["ping_interval"]
    if "cookies_after" in case:
        told = case["cookies_after"]
        kept = [{key: cookie[key] for key in cookie if key in _TOLD} for cookie in session.jar.to_list()]
        assert kept == told


_TOLD = ("key", "value", "domain", "path", "hostOnly", "secure", "httpOnly")


def _refused_at_once(case: Case) -> bool:
    """Whether the answer to getLoginInfo is a refusal, and the reference goes on asking all the same."""
    if "error" not in case or len(case["requests"]) < 2:
        return False
    response = case["requests"][0]["response"]
    plain = response.get("plain") or json.loads(response["body"])
    return not isinstance(plain.get("data"), dict)
