"""Which addresses in messages are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clawlane.capabilities import NotFetched
from clawlane.messages import Attachment
from clawlane_zalouser.inbound_media import fetch
from zaloweb.errors import HttpStatusError, InvalidRequest, LinkExpired, NetworkError, TooLarge, ZaloError


class Client:
    own_id = "1"

    def __init__(self, error: ZaloError | None = None) -> None:
        self.asked: list[str] = []
        self.error = error

    async def download(self, url: str, path: Path, *, max_bytes: int) -> Any:
        self.asked.append(url)
        if self.error is not None:
            raise self.error
        return type("Downloaded", (), {"size": max_bytes})()


async def fetched(client: Client, url: str) -> int:
    return await fetch(client, Attachment("photo", "", url), Path("x"), 10 * 2**20)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "https://photo-stal-24.zdn.vn/no/a.jpg",
        "https://f2-voice-aac-dl.zdn.vn/1/a.m4a?x=1",
        "https://file-stal-8.dlfl.vn/gr/d.pdf",
        "https://file-stal-16-te-vnso-ne-1.flchat.vn/x/d.pdf",
        "https://video-stal-16.dlmd.me/c.mp4",
        "https://s120.zadn.vn:443/e.jpg",
    ],
)
async def test_zalos_hosts_are_asked(url: str) -> None:
    client = Client()
    assert await fetched(client, url) == 10 * 2**20
    assert client.asked == [url]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://photo-stal-24.zdn.vn/a.jpg",
        "https://evil.example/a.jpg",
        "https://zdn.vn.evil.example/a.jpg",
        "https://evilzdn.vn/a.jpg",
        "https://zdn.vn@evil.example/a.jpg",
        "https://evil.example\\@zdn.vn/a.jpg",
        "https://zdn.vn:8443/a.jpg",
        "https://127.0.0.1/a.jpg",
        "https://[::1]/a.jpg",
        "https://2130706433/a.jpg",
        "https://localhost/a.jpg",
        "https://metadata.internal/latest",
        "file:///etc/passwd",
        "https://zdn.vn/a.jpg\nHost: evil.example",
        "data:image/png;base64,AAAA",
    ],
)
async def test_no_other_host_is_asked(url: str) -> None:
    client = Client()
    with pytest.raises(NotFetched, match="not one of Zalo's"):
        await fetched(client, url)
    assert client.asked == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TooLarge("x"), "too large: more than 10 MB"),
        (LinkExpired("x"), "the link has expired"),
        (HttpStatusError("x", 403), "the link has expired"),
        (HttpStatusError("x", 502), "Zalo answered with HTTP status 502"),
        (NetworkError("x", "secret.host"), "the connection failed"),
        (InvalidRequest("secret"), "Zalo's answer cannot be used"),
    ],
)
async def test_a_reason_is_short_and_quotes_nothing(error: ZaloError, reason: str) -> None:
    with pytest.raises(NotFetched) as raised:
        await fetched(Client(error), "https://a.zdn.vn/a.jpg")
    assert str(raised.value) == reason
