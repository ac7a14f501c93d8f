"""The account of the fixture as our own values, with fresh cookies each time."""

from __future__ import annotations

from vectors_harness.vectors import fixture
from zaloweb.cookies import Jar
from zaloweb.session import Credentials, Session
from zaloweb.wire.settings import Settings


def recorded_session() -> Session:
    """The session that all recordings used."""
    account = fixture()
    now_ms = account["client"]["clock_ms"]
    credentials = Credentials(
        imei=account["imei"],
        user_agent=account["user_agent"],
        jar=Jar.from_list(account["cookies"], now_ms),
        language=account["client"]["language"],
    )
    return Session(
        credentials=credentials,
        uid=account["uid"],
        secret_key=account["secret_key"],
        services=account["service_map"],
        ws_urls=tuple(account["ws_urls"]),
        settings=Settings(account["settings"]),
        extra_ver=account["extra_ver"],
    )
