"""Templates, the words and times in them, and the headers that keep a page to itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clawlane import __version__
from clawlane.clock import length, now_ms
from clawlane.console.menu import BRAKE, PAGES, linked
from clawlane.texts import t, tn
from clawlane.words.phases import PHASES
from clawlane.words.strangers import printable, sanitize
from clawlane.words.times import ago, day_words, local, size_words, when

HERE = Path(__file__).parent
STATIC = f"/static/{__version__}"
_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the arrows and marks in the style sheet
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": _CSP,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        t=t, tn=tn, static=STATIC, pages=PAGES, brake=BRAKE, phases=PHASES, version=__version__
    )
    environment.filters.update(
        linked=linked, sanitize=sanitize, printable=printable, local=local, size=size_words, length=length
    )
    return environment


def fragment(name: str, **values: Any) -> str:
    """A piece of a page as HTML that can be sent. Times are told as of now."""
    now = now_ms()
    times: dict[str, Callable[..., str]] = {
        "ago": lambda ms: ago(ms, now),
        "when": lambda ms: when(ms, now),
        "day_words": lambda ms: day_words(ms, now),
    }
    html = _templates().get_template(name).render(now_ms=now, **times, **values)
    return html.encode("utf-8", "replace").decode()  # JSON can say half a character


def server_sent(html: str) -> bytes:
    """A piece of a page as a server-sent event."""
    return "".join(f"data: {line}\n" for line in html.splitlines()).encode() + b"\n"
