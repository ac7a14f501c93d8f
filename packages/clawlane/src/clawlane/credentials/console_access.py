"""Who may use the console: one-time links, and the browsers that came by one, as files that hold no secret,
but for pages that lead a browser of this machine to an unused link.

    links/DIGEST      an unused link; the file's text is when it ends (ms since 1970)
    browsers/DIGEST   a browser that is signed in, until the same
    pages/DIGEST.html leads to an unused link, for what a browser is started with can be seen by others
    address           the URL of the console that runs, and below it where it listens (`HOST:PORT`)

DIGEST is the SHA-256 of a token that only the link or the browser has. A link is used up by removing its
file, which can be done once.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

from clawlane.credentials.files import write_private

LINK_MS = 10 * 60 * 1000
"""How long a link can be used."""

BROWSER_MS = 7 * 24 * 3600 * 1000
"""How long a browser stays signed in."""

_MOST = 100
"""Links, and browsers: more than that, and the oldest end."""

_PAGE = (
    '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>clawlane</title>'
    '<meta http-equiv="refresh" content="0;url={url}"><a href="{url}">{url}</a>'
)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST_ADDRESS = 300


class ConsolePlace(NamedTuple):
    """A console: the address for browsers, and the `HOST:PORT` of this machine that it listens on."""

    url: str
    listens: str


@dataclass(frozen=True, slots=True)
class ConsoleAccess:
    """The files in the console's folder of a state directory."""

    folder: Path

    def make_link(self, now_ms: int) -> str:
        """The token of a new link."""
        token = _made(self._links, now_ms, now_ms + LINK_MS)
        self.remove_pages(now_ms)
        return token

    def use_link(self, token: str, now_ms: int) -> bool:
        """Use a link up. False for one that was used, has ended, or never was."""
        good = _removed(self._links, token, now_ms)
        self.remove_pages(now_ms)
        return good

    def page_to(self, url: str, token: str) -> Path:
        """A page for a browser of this user that leads to the link at `url`. It goes with that."""
        page = self._pages / f"{_digest(token)}.html"
        write_private(page, _PAGE.format(url=escape(url)).encode())
        return page

    def remove_pages(self, now_ms: int) -> None:
        """Remove the pages whose link was used, or has ended."""
        for page in _files(self._pages):
            if _until(self._links / page.stem) <= now_ms:
                page.unlink(missing_ok=True)

    def sign_in(self, now_ms: int) -> str:
        """The token of a browser that is signed in from now on."""
        return _made(self._browsers, now_ms, now_ms + BROWSER_MS)

    def signed_in(self, token: str, now_ms: int) -> bool:
        """Whether a browser with this token is."""
        path = _path(self._browsers, token)
        return path is not None and _until(path) > now_ms

    def sign_out(self, token: str) -> None:
        """Sign a browser out."""
        if path := _path(self._browsers, token):
            path.unlink(missing_ok=True)

    def sign_out_all(self) -> int:
        """Sign every browser out, and end all links. Gives how many browsers there were."""
        for path in _files(self._links):
            path.unlink(missing_ok=True)
        for path in _files(self._pages):
            path.unlink(missing_ok=True)
        browsers = list(_files(self._browsers))
        for path in browsers:
            path.unlink(missing_ok=True)
        return len(browsers)

    def listens(self, place: ConsolePlace) -> ConsolePlace | None:
        """Note where the console listens. Gives what was noted before: another may listen there still."""
        before = self.place()
        self._note(place)
        return before

    def ended(self, place: ConsolePlace, before: ConsolePlace | None) -> None:
        """The console that listened there has ended; what was noted `before` it counts again."""
        if self.place() != place:
            return
        if before is not None and before != place:
            self._note(before)
        else:
            self._address.unlink(missing_ok=True)

    def place(self) -> ConsolePlace | None:
        """Where a console listens, or listened when it was killed; None if none ever did."""
        try:
            with self._address.open("rb") as file:
                url, _, listens = file.read(_LONGEST_ADDRESS).decode("ascii", "replace").partition("\n")
        except OSError:
            return None
        return ConsolePlace(url, listens)

    def _note(self, place: ConsolePlace) -> None:
        write_private(self._address, "\n".join(place).encode())

    @property
    def _links(self) -> Path:
        return self.folder / "links"

    @property
    def _pages(self) -> Path:
        return self.folder / "pages"

    @property
    def _browsers(self) -> Path:
        return self.folder / "browsers"

    @property
    def _address(self) -> Path:
        return self.folder / "address"


def _made(folder: Path, now_ms: int, until_ms: int) -> str:
    kept = sorted((_until(path), path) for path in _files(folder))
    for place, (until, path) in enumerate(kept):
        if until <= now_ms or place <= len(kept) - _MOST:
            path.unlink(missing_ok=True)
    token = secrets.token_urlsafe(32)
    write_private(folder / _digest(token), str(until_ms).encode())
    return token


def _removed(folder: Path, token: str, now_ms: int) -> bool:
    path = _path(folder, token)
    if path is None:
        return False
    until = _until(path)
    try:
        path.unlink()
    except OSError:  # somebody else was first
        return False
    return until > now_ms


def _path(folder: Path, token: str) -> Path | None:
    return folder / _digest(token) if _TOKEN.fullmatch(token) else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from folder.iterdir()


def _until(path: Path) -> int:
    """When it ends; 0 for a file that is gone or cannot be read."""
    try:
        with path.open("rb") as file:
            return int(file.read(20))
    except (OSError, ValueError):
        return 0
