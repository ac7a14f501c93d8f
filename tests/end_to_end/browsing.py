"""A browser without a screen: keeps its cookie, and sends the headers that a page of the console would."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from demo.stage import PATIENCE, Missing, Operator

FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def said(self) -> list[str]:
        """What the last action said."""
        said = re.findall(r'class="said">(.*?)</p>', self.text, re.DOTALL)
        return [re.sub("<[^>]*>", "", one).strip() for one in said]


@dataclass
class Browser:
    """One browser at the console of `base` (`http://127.0.0.1:PORT`)."""

    base: str
    cookie: str = ""
    sends: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form as a page of the console does, and go where the answer leads."""
        answer = self.ask("POST", path, urlencode(fields).encode(), self.own)
        return self.get(answer.headers["Location"]) if answer.status == 303 else answer

    @property
    def own(self) -> dict[str, str]:
        """The headers of a page of the console."""
        return {"Origin": self.base, "Sec-Fetch-Site": "same-origin", "Content-Type": FORM}

    def connection(self) -> http.client.HTTPConnection:
        """A new one to the console."""
        where = urlsplit(self.base)
        return http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """One request, with nothing added but the cookie."""
        connection = self.connection()
        given = {"Cookie": self.cookie, **self.sends, **(headers or {})}
        try:
            connection.request(method, path, body or None, given)
            came = connection.getresponse()
            answer = Answer(came.status, came.headers, came.read().decode())
        finally:
            connection.close()
        if cookie := came.headers["Set-Cookie"]:
            self.cookie = cookie.partition(";")[0]
        return answer


def link_of(operator: Operator) -> str:
    """A new one-time link."""
    done = operator.run("console")
    assert done.returncode == 0, done.stdout
    return done.stdout.split()[-1]


def signed_in(operator: Operator) -> Browser:
    """A browser that came by a link."""
    link = urlsplit(link_of(operator))
    browser = Browser(f"{link.scheme}://{link.netloc}")
    assert browser.post("/sign-in", link=link.query.removeprefix("link=")).status == 200
    return browser


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


class Live:
    """The live part of a page: what its browser is sent as it changes."""

    def __init__(self, browser: Browser, path: str) -> None:
        where = urlsplit(browser.base)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
        self._connection.request("GET", path, headers={"Cookie": browser.cookie, "HX-Request": "true"})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, path
        self.html = ""

    def until(self, words: str) -> str:
        """The part once it shows these words. Raises `Missing`."""
        while words not in self.html:
            lines = list(iter(lambda: self._answer.readline().decode().rstrip(), ""))
            if not lines or lines[0].startswith(":"):
                raise Missing(f"never showed {words!r}, but: {self.html}")
            self.html = "\n".join(line.removeprefix("data: ") for line in lines)
        return self.html

    def rest(self, patience: float = PATIENCE) -> str:
        """What is sent until the console ends it. Raises `TimeoutError` if nothing is for so many seconds."""
        self._connection.sock.settimeout(patience)
        return self._answer.read().decode()

    def close(self) -> None:
        """The browser goes away."""
        self._answer.close()
        self._connection.close()
